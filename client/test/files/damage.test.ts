import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { nodesOf, readChunk } from "../../src/files/chunk.js";
import { checkHash, hashOf } from "../../src/files/digest.js";
import { FileError } from "../../src/files/error.js";
import { readIndex } from "../../src/files/indexfile.js";
import { readSeen } from "../../src/files/seen.js";
import { readSegment } from "../../src/files/segment.js";
import { chance } from "../model/chance.js";
import { testdata, untar } from "./corpus.js";

type Data = Uint8Array<ArrayBuffer>;

/** Reads a file, and answers all that it says. */
type Reader = (data: Data) => Promise<unknown>;

const fixture = [...untar("fixtures/1.tar.gz")].filter(([path]) => path.startsWith("share/log/"));
const corpus: [name: string, data: Data, read: Reader][] = [
  ["segment", testdata("segment/todos.jsonl.gz"), (data) => readSegment(data)],
  ["chunk", testdata("index/chunk.jsonl.gz"), async (data) => nodesOf(await readChunk(data)).map(({ id, node }) => [id, node.rev()])],
  ["index", testdata("index/index.json"), (data) => readIndex(data)],
  ["seen", testdata("index/seen.json"), (data) => readSeen(data)],
  ...fixture.map(([path, data]): [string, Data, Reader] => [path, data, (data) => readSegment(data)]),
];

/** Expects that a file is refused by its typed error, or says the same as before. */
async function refused(read: Reader, data: Data, same: string, about: string): Promise<boolean> {
  try {
    assert.equal(JSON.stringify(await read(data)), same, about);
    return false;
  } catch (error) {
    assert.ok(error instanceof FileError, `${about}: ${String(error)}`);
    return true;
  }
}

for (const [name, data, read] of corpus) {
  test(`flipped and cut: ${name}`, { timeout: 120_000 }, async (t) => {
    const same = JSON.stringify(await read(data));
    const hash = await hashOf(data);
    let found = 0;
    for (let at = 0; at < data.length; at++) {
      const flipped = data.slice();
      flipped[at]! ^= 1 << (at % 8);
      await assert.rejects(checkHash(flipped, hash), FileError);
      if (await refused(read, flipped, same, `byte ${at}`)) found++;
      assert.ok(await refused(read, data.slice(0, at), same, `cut at ${at}`), `cut at ${at}`);
    }
    t.diagnostic(`${found} of ${data.length} flips found without the hash, all with it`);
    assert.ok(found >= data.length - 10, "only what gzip says of the file's time and system may change unseen");
  });
}

test("bytes behind the end, two members, and bombs are refused", async () => {
  const data = testdata("segment/todos.jsonl.gz");
  for (const behind of [[0], [0, 0, 0, 0], [...data], [0x1f, 0x8b]]) {
    await assert.rejects(readSegment(Uint8Array.from([...data, ...behind])), FileError);
  }
  const bomb = new Uint8Array(gzipSync(Buffer.alloc(65 * 2 ** 20)));
  await assert.rejects(readSegment(bomb), /64 MiB/);
});

test("changed text in a whole gzip is refused, or says the same", { timeout: 120_000 }, async () => {
  const random = chance(3);
  for (const [name, data, read] of corpus.filter(([name]) => !name.includes("index") && name !== "seen").slice(0, 3)) {
    const text = gunzipSync(data);
    const same = JSON.stringify(await read(data));
    for (let i = 0; i < 400; i++) {
      const changed = Buffer.from(text);
      changed[random.below(text.length)]! ^= 1 << random.below(8);
      await refused(read, new Uint8Array(gzipSync(changed)), same, name);
    }
  }
});

test("a file for a newer reader says so", async () => {
  const text = gunzipSync(testdata("index/chunk.jsonl.gz")).toString().split("\n");
  text[0] = text[0]!.replace('"min_reader":1', '"min_reader":2');
  const { createHash } = await import("node:crypto");
  const above = text.slice(0, -2).join("\n") + "\n";
  text[text.length - 2] = text.at(-2)!.replace(/"sha256":"[0-9a-f]*"/, `"sha256":"${createHash("sha256").update(above).digest("hex")}"`);
  await assert.rejects(readChunk(new Uint8Array(gzipSync(text.join("\n")))), (error: FileError) => error.kind === "newer");
});
