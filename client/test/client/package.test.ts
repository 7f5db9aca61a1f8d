// What is published: its files, sizes, types, and that the README works as printed.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { publint } from "publint";
import { needsDaemon, startDaemon } from "./daemon.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
let place = "";
let tarball = "";
let files: { path: string; size: number }[] = [];

/** Packs the package, and unpacks it where programs of others would have it, beside its peers. */
before(async () => {
  place = await mkdtemp(join(tmpdir(), "setlogger-pack-"));
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", place], { cwd: root });
  const [packed] = JSON.parse(stdout) as { filename: string; files: typeof files }[];
  files = packed!.files;
  tarball = join(place, packed!.filename);
  const modules = join(place, "node_modules");
  await mkdir(join(modules, "setlogger"), { recursive: true });
  await run("tar", ["xzf", tarball, "--strip-components=1", "-C", join(modules, "setlogger")]);
  await mkdir(join(modules, "@types"));
  for (const peer of ["redux", "react", "@types/react", "@types/node", "csstype", "@reduxjs"]) await symlink(join(root, "node_modules", peer), join(modules, peer)).catch(() => undefined);
});
after(() => rm(place, { recursive: true, force: true }));

test("the package holds what is built, and what says so", () => {
  const strange = files.map(({ path }) => path).filter((path) => !/^(dist\/[a-z]+\/[a-z0-9-]+\.(js|d\.ts)|package\.json|README\.md|LICENSE)$/.test(path));
  assert.deepEqual(strange, []);
  for (const entry of ["client", "redux", "react", "static"]) {
    for (const kind of ["js", "d.ts"]) assert.ok(files.some(({ path }) => path === `dist/${entry}/index.${kind}`), `${entry} ${kind}`);
  }
  for (const { path } of files.filter((file) => file.path.endsWith(".js"))) assert.ok(files.some((file) => file.path === path.replace(/js$/, "d.ts")), path);
});

test("publint and the types have nothing against it", async () => {
  const { messages } = await publint({ pkgDir: join(place, "node_modules/setlogger"), pack: false, strict: true });
  assert.deepEqual(messages, []);
  const attw = join(root, "node_modules/@arethetypeswrong/cli/dist/index.js");
  const { stdout } = await run(process.execPath, [attw, tarball, "--profile", "esm-only", "--format", "json"]);
  const { analysis } = JSON.parse(stdout) as { analysis: { entrypoints: object; problems: { kind: string; resolutionKind: string }[] } };
  assert.ok(Object.keys(analysis.entrypoints).length >= 4);
  assert.deepEqual(analysis.problems.filter(({ resolutionKind }) => !["node10", "node16-cjs"].includes(resolutionKind)), []);
});

test("the package names no dependency, and its manifest no script that runs at installation", async () => {
  const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Record<string, Record<string, unknown>>;
  assert.equal(manifest["dependencies"], undefined);
  assert.deepEqual(Object.values(manifest["peerDependenciesMeta"]!), Array(2).fill({ optional: true }));
  for (const hook of ["preinstall", "install", "postinstall", "prepare"]) assert.equal(manifest["scripts"]![hook], undefined);
  for (const version of Object.values(manifest["devDependencies"]!)) assert.match(String(version), /^\d+\.\d+\.\d+$/);
});

/** The size, in bytes after gzip, of a bundle of what is imported; and its text. */
async function bundle(from: string, names: string): Promise<{ size: number; text: string }> {
  const contents = `export ${names} from "setlogger/${from}";`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: place }, bundle: true, minify: true, format: "esm", write: false, external: ["react", "redux"],
  });
  const text = outputFiles[0]!.text;
  return { size: gzipSync(text, { level: 9 }).length, text };
}

test("bundles are small, and have no more than what is imported", async (t) => {
  const limits: [string, string, number][] = [
    ["redux", "{setlogger}", 8000], ["redux", "{setlogger, setloggerReducer}", 8415], ["redux", "*", 9500], ["redux", "{selectNode}", 1100], ["client", "*", 4000], ["client", "{SetLoggerError}", 700], ["react", "{useNode}", 2000],
  ];
  for (const [from, names, limit] of limits) {
    const { size } = await bundle(from, names);
    t.diagnostic(`setlogger/${from} ${names}: ${size} bytes of at most ${limit}`);
    assert.ok(size <= limit, `setlogger/${from} ${names}: ${size} bytes after gzip, over ${limit}`);
  }
  assert.doesNotMatch((await bundle("client", "*")).text, /setlogger\/CHANGED|from"re/);
  assert.doesNotMatch((await bundle("redux", "*")).text, /from"re/);
});

const consumer = `
import { configureStore } from "@reduxjs/toolkit";
import { combineReducers, createStore } from "redux";
import { createClient, SetLoggerError, type Node } from "setlogger/client";
import { arrayMove, createNode, loadMore, selectNode, selectPage, selectStatus, setlogger, setloggerReducer, setProperty, transaction, type NodeAction } from "setlogger/redux";
import { useNode, usePage } from "setlogger/react";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
const is = <T extends true>(): T | undefined => undefined;

const plain = createStore(combineReducers({ sync: setloggerReducer, n: (s = 0) => s }), setlogger({ token: "t" }));
const kit = configureStore({ reducer: { sync: setloggerReducer }, enhancers: (all) => all().concat(setlogger({ token: () => undefined, routes: { "/:a": ":a" } })) });
is<Equal<ReturnType<typeof plain.setlogger.idle>, Promise<void>>>();
is<Equal<ReturnType<typeof kit.setlogger.close>, void>>();
is<Equal<ReturnType<typeof plain.getState>["n"], number>>();
kit.dispatch(createNode("/todos/1", { title: "Milk" }));
kit.dispatch({ type: "INCREMENT", id: "/todos/1", property: "n" } satisfies NodeAction);
kit.dispatch((dispatch) => dispatch(loadMore("/todos", { where: ["a:eq:1"] })));

const sync = kit.getState().sync;
is<Equal<ReturnType<typeof selectNode<{ title: string }>>, { title: string } | undefined>>();
is<Equal<typeof selectStatus extends (s: typeof sync) => { readonly pending: infer N } ? N : never, number>>();
selectPage(sync, "/todos").nodes[0]?.value["title"];
const action: NodeAction = { type: "ARRAY_INSERT", id: "/todos/1", property: "tags", index: 0, values: ["a"] };
kit.dispatch(action);
plain.dispatch(action);
transaction([action, arrayMove("/todos/1", ["a", "b"], 0, 1), { type: "other/kept", meta: 1 }]);

// @ts-expect-error: a path begins with a slash
createNode("todos/1");
// @ts-expect-error: properties are an object
createNode("/todos/1", "Milk");
// @ts-expect-error: an index is a number
arrayMove("/todos/1", "tags", "0", 1);
// @ts-expect-error: a SET_PROPERTY has a value or properties
const wrong: NodeAction = { type: "SET_PROPERTY", id: "/todos/1", property: "a" };
// @ts-expect-error: a member that no option has
setlogger({ tokens: "t" });
// @ts-expect-error: the slice is asked for, not the whole state
selectNode(kit.getState(), "/todos/1");
// @ts-expect-error: fields would make halves of nodes known as whole ones
loadMore("/todos", { fields: "title" });
// @ts-expect-error: what is read is not changed
selectStatus(sync).problems.push();

async function calls() {
  const client = createClient({ url: "http://127.0.0.1:7373" });
  const node: Node = await client.node("todos", "1");
  const { number } = await client.append("todos", { actions: [{ type: "x" }] }, { key: "k" });
  is<Equal<typeof number, number | null>>();
  // @ts-expect-error: an action has a type
  await client.append("todos", { id: "1" });
  // @ts-expect-error: a value is not changed
  node.value["title"] = 1;
  try { await client.status(); } catch (error) {
    // @ts-expect-error: there is no such kind
    if (error instanceof SetLoggerError && error.name === "Nonsense") return;
  }
}
function Component() {
  const page = usePage<{ n: number }>("/todos");
  is<Equal<(typeof page)["nodes"][number]["value"], { n: number }>>();
  is<Equal<ReturnType<typeof useNode<{ a: 1 }>>, { a: 1 } | undefined>>();
}
void [setProperty, wrong, calls, Component];
`;

test("types hold for programs that use it, by every way of resolving that knows exports", async () => {
  await writeFile(join(place, "consumer.mts"), consumer);
  await writeFile(join(place, "checked.mts"), 'import "setlogger/client";\nimport "setlogger/redux";\nimport "setlogger/react";\n');
  const loose = ["consumer.mts", "--skipLibCheck"]; // what others declare need not hold
  const ways = [["nodenext", "nodenext", [loose, ["checked.mts"]]], ["esnext", "bundler", [loose]]] as const;
  for (const [module, moduleResolution, programs] of ways) {
    const flags = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--lib", "es2022,dom", "--types", "node"];
    for (const program of programs) {
      const tsc = run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--module", module, "--moduleResolution", moduleResolution, ...flags, ...program], { cwd: place });
      await tsc.catch((error: { stdout: string }) => assert.fail(`${moduleResolution}: ${error.stdout}`));
    }
  }
});

test("the first minute of the README runs as printed", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const readme = await readFile(join(root, "README.md"), "utf8");
  const minute = /## The first minute\n([^]*?)\n## /.exec(readme)?.[1] ?? "";
  const blocks = [...minute.matchAll(/```(\w+)\n([^]*?)```/g)].map(([, kind, text]) => ({ kind, text: text ?? "" }));
  assert.deepEqual(blocks.map(({ kind }) => kind), ["sh", "js", "sh", "text"]);
  await mkdir(join(place, "bin"), { recursive: true });
  await symlink(process.env["SETLOGGER_BINARY"]!, join(place, "bin/setlogger"));
  await writeFile(join(place, "first.mjs"), blocks[1]!.text);
  const shell = `set -e\n${blocks[0]!.text}\n${blocks[2]!.text}`.replace("npm install setlogger redux", ": it is there, from the tarball");
  const env = { ...process.env, PATH: `${join(place, "bin")}:${process.env["PATH"]}`, SETLOGGER_DATA: daemon.data, SETLOGGER_URL: daemon.url };
  const { stdout } = await run("bash", ["-c", shell], { cwd: place, env });
  assert.equal(stdout, blocks[3]!.text);
});
