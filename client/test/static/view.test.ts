import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { FileError } from "../../src/files/error.js";
import { compareText, type JsonObject } from "../../src/model/json.js";
import { FetchError } from "../../src/static/share.js";
import { openView, type View, type ViewNode } from "../../src/static/view.js";
import { viewPath } from "../../src/static/viewfile.js";
import { needsDaemon } from "../client/daemon.js";
import { exportedLine } from "../files/corpus.js";
import { chance } from "../model/chance.js";
import { Daemon } from "./daemon.js";
import { serve } from "./server.js";

const BUCKET = "places";

/** Records as they would be imported: of a file, one a line with the id in cityId, or made up. */
async function records(n: number): Promise<JsonObject[]> {
  const file = process.env["SETLOGGER_TEST_RECORDS"];
  if (file !== undefined) return (await readFile(file, "utf8")).trimEnd().split("\n").map((line) => JSON.parse(line) as JsonObject);
  const random = chance(5);
  return Array.from({ length: n }, (_, i) => ({ cityId: i + 1, name: `City ${i}`, population: random.below(50), tags: ["a", i % 7] }));
}

async function importRecords(daemon: Daemon, all: readonly JsonObject[]): Promise<void> {
  const file = join(daemon.data, "records.ndjson");
  await writeFile(file, all.map((record) => JSON.stringify(record)).join("\n"));
  await daemon.command("import", BUCKET, file, "--id", "cityId");
  await daemon.command("sync");
}

/** Nodes as `setlogger export` prints them. */
function exported(nodes: Iterable<ViewNode>): string {
  const all = [...nodes].sort((a, b) => compareText(a.id, b.id));
  return all.map(({ id, value }) => exportedLine(id, value)).join("");
}

/** Reads a view to its end: no node twice, and in order save those that come late. */
async function readAll(view: View): Promise<{ nodes: Map<string, ViewNode>; late: number }> {
  const nodes = new Map<string, ViewNode>();
  let last = "";
  let late = 0;
  const take = (page: readonly ViewNode[]): void => {
    for (const node of page) {
      assert.ok(!nodes.has(node.id), `${node.id} came twice`);
      nodes.set(node.id, node);
      if (node.place < last) late++;
      else last = node.place;
    }
  };
  take(view.first);
  for (let page = await view.next(); page; page = await view.next()) take(page);
  assert.ok(view.isDone);
  assert.equal(nodes.size, view.size);
  return { nodes, late };
}

/** The ids of the daemon's first page in the bucket's order. */
async function listed(daemon: Daemon, n: number): Promise<string[]> {
  const answer = JSON.parse(await daemon.command("list", BUCKET, "--json", "--limit", String(n))) as { nodes: { id: string }[] };
  return answer.nodes.map(({ id }) => id);
}

test("a bucket of one index: the newest page in few requests, and all of it", { ...needsDaemon, timeout: 600_000 }, async (t) => {
  const daemon = await Daemon.start(t);
  await daemon.command("bucket", "create", BUCKET);
  await daemon.command("bucket", "publish", BUCKET);
  await importRecords(daemon, await records(3000));
  await daemon.command("compact", BUCKET);
  const size = Buffer.byteLength(await daemon.published(BUCKET, false));
  const server = await serve(t, daemon.share);
  const view = await openView({ url: server.url, bucket: BUCKET });
  const top = server.take();
  const next = await view.next();
  const more = server.take();
  t.diagnostic(`${view.size} nodes, a view of ${size} bytes: the first ${view.first.length} nodes took ${top.requests} request and ${top.bytes} bytes`);
  t.diagnostic(`the next ${next?.length} took ${more.requests} requests and ${more.bytes} bytes`);
  assert.equal(view.signature, "valid");
  assert.ok(view.first.length >= 50 && top.requests === 1 && top.bytes <= 64 * 1024);
  assert.ok(next?.length === 100 && more.requests <= 3 && more.bytes <= 300_000);
  const ids = await listed(daemon, view.first.length + 100);
  assert.deepEqual([...view.first, ...next].map(({ id }) => id), ids);
  const { nodes, late } = await readAll(await openView({ url: server.url, bucket: BUCKET }));
  assert.equal(late, 0);
  assert.equal(exported(nodes.values()), await daemon.command("export", BUCKET));
  const rest = server.take();
  t.diagnostic(`all took ${rest.requests} requests and ${rest.bytes} bytes`);
});

/** Edits all over a bucket of so many nodes. */
function edits(seed: number, n: number, count: number): object[] {
  const random = chance(seed);
  const gone = new Set<string>();
  return Array.from({ length: count }, (_, i) => {
    const id = String(1 + random.below(n));
    if (gone.has(id) || i % 5 === 0) return { type: "CREATE_NODE", id: `new-${seed}-${i}`, properties: { name: "new", population: random.below(60) } };
    if (i % 11 === 0) {
      gone.add(id);
      return { type: "DELETE_NODE", id };
    }
    if (i % 3 === 0) return { type: "ARRAY_INSERT", id, property: "tags", index: 0, values: [seed, i] };
    return { type: "SET_PROPERTY", id, properties: { population: random.below(60), seed } };
  });
}

/** Edits that the daemon takes: those of nodes that are gone are left out. */
async function edit(daemon: Daemon, seed: number, n: number, count: number): Promise<void> {
  for (const action of edits(seed, n, count)) {
    try {
      await daemon.append(BUCKET, [action]);
    } catch (error) {
      if (!String(error).includes(" 409 ")) throw error;
    }
  }
  await daemon.command("sync");
}

for (const order of [["-created", "id"], ["-population", "name"]]) {
  test(`indexes that overlap, and a tail, by ${order.join(", ")}`, { ...needsDaemon, timeout: 600_000 }, async (t) => {
    const daemon = await Daemon.start(t);
    await daemon.command("bucket", "create", BUCKET);
  await daemon.command("bucket", "publish", BUCKET);
    await daemon.call("PATCH", `/v1/buckets/${BUCKET}`, JSON.stringify({ settings: { order, chunkLimit: 200 } }));
    const all = (await records(2000)).slice(0, 2000);
    await importRecords(daemon, all);
    await daemon.command("compact", BUCKET);
    for (const [seed, count] of [[1, 300], [2, 60]] as const) {
      await edit(daemon, seed, all.length, count);
      await daemon.command("compact", BUCKET);
    }
    await edit(daemon, 3, all.length, 100);
    const text = await daemon.published(BUCKET);
    const server = await serve(t, daemon.share);
    const url = server.url;
    const said = JSON.parse(text) as { device: string; indexes: object[]; tail: object[] };
    t.diagnostic(`${said.indexes.length} indexes, ${said.tail.length} segments in the tail, a view of ${Buffer.byteLength(text)} bytes`);
    assert.ok(said.indexes.length >= 2 && said.tail.length >= 1);
    const view = await openView({ url, bucket: BUCKET, chunks: 2, devices: [said.device] });
    const { nodes, late } = await readAll(view);
    t.diagnostic(`${late} of ${nodes.size} nodes came late`);
    assert.equal(exported(nodes.values()), await daemon.command("export", BUCKET));
    assert.deepEqual(view.first.map(({ id }) => id), await listed(daemon, view.first.length));
    const sorted = [...nodes.values()].sort((a, b) => (a.place < b.place ? -1 : 1)).map(({ id }) => id);
    assert.deepEqual(sorted.slice(0, 1000), await listed(daemon, 1000));

    server.take();
    assert.deepEqual(await view.refresh(), { type: "same" });
    assert.deepEqual([server.sent.requests, server.sent.bytes], [1, 0], "a poll that finds nothing");
    await edit(daemon, 4, all.length, 80);
    await daemon.published(BUCKET);
    const early = await openView({ url, bucket: BUCKET, pageSize: 500 });
    await early.next();
    const change = await view.refresh();
    assert.equal(change.type, "change");
    for (const node of change.type === "change" ? change.nodes : []) {
      if (node.value === null) nodes.delete(node.id);
      else nodes.set(node.id, node as ViewNode);
    }
    for (let page = await view.next(); page; page = await view.next()) for (const node of page) nodes.set(node.id, node);
    assert.equal(exported(nodes.values()), await daemon.command("export", BUCKET), "after a change");

    await edit(daemon, 5, all.length, 50);
    await daemon.published(BUCKET);
    assert.equal((await early.refresh()).type, "change");
    await daemon.command("compact", BUCKET);
    await daemon.published(BUCKET, false);
    assert.deepEqual(await early.refresh(), { type: "reset" });
    assert.equal(exported((await readAll(early)).nodes.values()), await daemon.command("export", BUCKET), "after a reset");
  });
}

test("what is missing or damaged is said, and found again once it is there", { ...needsDaemon, timeout: 600_000 }, async (t) => {
  const daemon = await Daemon.start(t);
  await daemon.command("bucket", "create", BUCKET);
  await daemon.command("bucket", "publish", BUCKET);
  await importRecords(daemon, (await records(1000)).slice(0, 1000));
  await daemon.command("compact", BUCKET);
  await edit(daemon, 1, 1000, 20);
  await daemon.published(BUCKET);
  const { url } = await serve(t, daemon.share);
  await assert.rejects(openView({ url, bucket: "nowhere" }), (error: FetchError) => error instanceof FetchError && error.isMissing);
  await assert.rejects(openView({ url, bucket: BUCKET, devices: ["a".repeat(16)] }), FileError);
  await assert.rejects(openView({ url: "http://127.0.0.1:1/", bucket: BUCKET }), (error: FetchError) => error.status === 0);
  for (const folder of ["index", "chunk", "log"]) {
    const [name] = (await readdir(join(daemon.share, folder))).filter((name) => !name.startsWith("seen."));
    const path = join(daemon.share, folder, name!);
    const whole = await readFile(path);
    const view = await openView({ url, bucket: BUCKET });
    const damaged = Buffer.from(whole);
    damaged[damaged.length >> 1]! ^= 4;
    await writeFile(path, damaged);
    const named = (await readFile(join(daemon.share, viewPath(BUCKET)), "utf8")).includes(name!) || folder === "chunk";
    if (named) await assert.rejects(view.next(), FileError, folder);
    await writeFile(path, whole);
    assert.equal(exported((await readAll(view)).nodes.values()), await daemon.command("export", BUCKET));
  }
  const path = join(daemon.share, viewPath(BUCKET));
  const view = await readFile(path, "utf8");
  await writeFile(path, view.replace('"nodes":', '"nodes":1'));
  await assert.rejects(openView({ url, bucket: BUCKET }), FileError, "a forged view");
});
