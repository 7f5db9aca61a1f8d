import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, SetLoggerError } from "../../src/client/index.js";
import { freePort, needsDaemon, startDaemon } from "./daemon.js";

test("data goes in and comes out", needsDaemon, async (t) => {
  const { client } = await startDaemon(t);
  const bucket = "lists/ünused-never".replace("ü", "u");
  assert.equal((await client.makeBucket({ name: bucket })).name, bucket);
  const id = "a b/ü";
  const made = await client.append(bucket, { type: "CREATE_NODE", id, properties: { title: "Milk", rank: 2 } });
  assert.equal(made.number, 1);
  assert.deepEqual(await client.node(bucket, id), { id, value: { rank: 2, title: "Milk" }, rev: made.revs[id] });

  const both = await client.append(bucket, { actions: [{ type: "CREATE_NODE", id: "2", properties: { rank: 1 } }, { type: "INCREMENT", id: "2", property: "rank" }] });
  assert.equal(both.number, 2);
  const many = await client.appendMany(bucket, [3, 4, 5].map((rank) => ({ type: "CREATE_NODE", id: `n${rank}`, properties: { rank } })));
  assert.deepEqual([many.committed, many.last], [3, 5]);

  const page = await client.nodes(bucket, { order: "rank", where: ["rank:gt:1", "rank:lt:5"], limit: 2 });
  assert.deepEqual(page.nodes.map((node) => node.value["rank"]), [2, 2]);
  assert.equal(page.scanned, true);
  const all: unknown[] = [];
  for await (const node of client.eachNode(bucket, { order: "-rank", limit: 2 })) all.push(node.value["rank"]);
  assert.deepEqual(all, [5, 4, 3, 2, 2]);

  const undone = await client.undo(bucket);
  assert.equal(undone.entry, `${made.writer}:5`);
  await assert.rejects(client.node(bucket, "n5"), { name: "NotFound", status: 404 });
  const history = await client.history(bucket, "2");
  assert.deepEqual(history.entries.map((e) => e.actions.length), [2]);
  assert.equal((await client.log(bucket, { limit: 2 })).entries.length, 2);
  assert.deepEqual((await client.changeBucket(bucket, { order: ["-rank"] })).settings.order, ["-rank"]);
  assert.ok(await client.schema(bucket));
  assert.deepEqual((await client.buckets()).map((b) => b.name), [bucket]);
  assert.equal((await client.status()).buckets.length, 1);
  assert.equal((await client.sync()).remotes[0]?.state, "idle");
});

test("a repeat with one key appends once", needsDaemon, async (t) => {
  const { client } = await startDaemon(t);
  await client.makeBucket({ name: "todos" });
  const first = await client.append("todos", { type: "CREATE_NODE", id: "1" }, { key: "k" });
  assert.deepEqual(await client.append("todos", { type: "CREATE_NODE", id: "1" }, { key: "k" }), first);
  assert.equal((await client.log("todos")).entries.length, 1);
});

test("refusals have a name, a status and a hint", needsDaemon, async (t) => {
  const { client, url } = await startDaemon(t);
  await client.makeBucket({ name: "todos" });
  const refusal = async (call: Promise<unknown>) => {
    const error = await call.then(() => undefined, (e: unknown) => e);
    assert.ok(error instanceof SetLoggerError, String(error));
    return error;
  };
  const conflict = await refusal(client.append("todos", { type: "SET_PROPERTY", id: "no", property: "a", value: 1 }));
  assert.deepEqual([conflict.name, conflict.status, conflict.hint], ["Conflict", 409, "CREATE_NODE makes or revives it"]);
  const wrong = await refusal(client.append("todos", { type: "INCREMENT", id: "1", property: "a", by: 0.5 }));
  assert.deepEqual([wrong.name, wrong.status], ["Refused", 422]);
  await client.append("todos", { type: "CREATE_NODE", id: "1" });
  const changed = await refusal(client.append("todos", { type: "CREATE_NODE", id: "1", properties: { a: 1 } }, { ifMatch: "9-0000" }));
  assert.equal(changed.name, "Changed");
  const line = await refusal(client.appendMany("todos", [{ type: "x" }, { type: "DELETE_NODE", id: "no" }]));
  assert.deepEqual([line.line, line.committed], [2, 1]);
  await client.append("todos", { type: "SET_SCHEMA", schema: { properties: { title: { type: "string" } } } });
  const broken = await refusal(client.append("todos", { type: "SET_PROPERTY", id: "1", property: "title", value: 5 }));
  assert.deepEqual(broken.violations.map((v) => v.path), ["/title"]);
  const stranger = await refusal(createClient({ url, token: "wrong" }).status());
  assert.deepEqual([stranger.name, stranger.status, stranger.hint.length > 0], ["Unauthorized", 401, true]);
});

test("no daemon: unreachable, at once", async () => {
  const client = createClient({ url: `http://127.0.0.1:${await freePort()}` });
  await assert.rejects(client.status(), { name: "Unreachable", status: 0, hint: "start it: setlogger serve" });
  assert.equal(await client.isThere(), false);
});

test("a call outlasts a crash of the daemon, and stands once", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  await daemon.client.makeBucket({ name: "todos" });
  await daemon.kill();
  const call = daemon.client.append("todos", { type: "CREATE_NODE", id: "1" });
  await daemon.start();
  assert.equal((await call).number, 1);
  assert.equal((await daemon.client.log("todos")).entries.length, 1);
});
