import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { nodesOf, readChunk } from "../../src/files/chunk.js";
import { hashOf } from "../../src/files/digest.js";
import { FileError } from "../../src/files/error.js";
import { parseSegmentName, segmentName } from "../../src/files/filename.js";
import { readIndex } from "../../src/files/indexfile.js";
import { readSeen } from "../../src/files/seen.js";
import { entriesOf, readSegment } from "../../src/files/segment.js";
import { canonical } from "../../src/model/json.js";
import { bucketId } from "../../src/model/names.js";
import { orderKey, parseOrder } from "../../src/model/order.js";
import { State } from "../../src/model/state.js";
import { exported, testdata, untar } from "./corpus.js";

test("the golden segment", async () => {
  const data = testdata("segment/todos.jsonl.gz");
  const segment = await readSegment(data);
  assert.equal(segment.signature, "valid");
  assert.equal(segment.bucket, "todos");
  const name = { bucket: bucketId("todos"), writer: segment.writer, first: segment.first, last: segment.last, hash: await hashOf(data) };
  assert.deepEqual((await readSegment(data, parseSegmentName(segmentName(name)))).chain, segment.chain);
  assert.equal([...entriesOf(segment)].length, segment.lines.length);
});

test("a segment of a later version says more, which is signed too", async () => {
  const data = testdata("segment/later.jsonl.gz");
  const segment = await readSegment(data);
  assert.equal(segment.signature, "valid");
  assert.deepEqual(segment.lines, (await readSegment(testdata("segment/todos.jsonl.gz"))).lines);
  const said = gunzipSync(data).toString();
  for (const [from, to] of [[`"remarks":{"a":[1]}`, `"remarks":{"a":[2]}`], [`"remarks":{"a":[1]},`, ""]] as const) {
    assert.ok(said.includes(from));
    await assert.rejects(readSegment(new Uint8Array(gzipSync(said.replace(from, to)))), FileError);
  }
});

test("the golden index, its chunk, and what a device has seen of it", async () => {
  const index = await readIndex(testdata("index/index.json"));
  assert.equal(index.signature, "valid");
  const data = testdata("index/chunk.jsonl.gz");
  const chunk = await readChunk(data);
  assert.deepEqual(index.chunks, [{ bytes: data.length, count: chunk.lines.length, hash: await hashOf(data) }]);
  assert.equal(chunk.index, index.id);
  const order = parseOrder(index.order);
  const keys = nodesOf(chunk).map(({ id, node, value }) => orderKey(order, id, node.created, value));
  assert.deepEqual([...keys].sort(), keys);
  const seen = await readSeen(testdata("index/seen.json"));
  assert.equal(seen.signature, "valid");
  assert.deepEqual(seen.buckets.get("todos")?.indexes, [await hashOf(testdata("index/index.json"))]);
});

test("the golden chunk is what the golden segment makes of its nodes", async () => {
  const state = new State();
  for (const entry of entriesOf(await readSegment(testdata("segment/todos.jsonl.gz")))) state.fold(entry);
  const chunk = await readChunk(testdata("index/chunk.jsonl.gz"));
  const told = nodesOf(chunk);
  assert.ok(told.length > 0);
  for (const { id, node } of told) {
    assert.equal(node.rev(), state.node(id).rev(), id);
    assert.equal(canonical(node.value()), canonical(state.node(id).value()), id);
  }
});

test("the share of the fixture exports as the daemon that wrote it did", async () => {
  const state = new State();
  let read = 0;
  for (const [path, data] of untar("fixtures/1.tar.gz")) {
    const name = parseSegmentName(path.replace(/^.*\//, ""));
    if (!name || !path.startsWith("share/")) continue;
    const segment = await readSegment(data, name);
    assert.equal(segment.signature, "valid");
    for (const entry of entriesOf(segment)) state.fold(entry);
    read++;
  }
  assert.equal(read, 9);
  assert.equal(exported(state), new TextDecoder().decode(testdata("fixtures/1.ndjson")));
});
