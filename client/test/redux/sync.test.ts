import assert from "node:assert/strict";
import { test } from "node:test";
import { needsDaemon, startDaemon, type Daemon } from "../client/daemon.js";
import {
  arrayInsert, createNode, deleteNode, dismiss, follow, increment, loadMore, memoryStorage, reload, selectNode, selectNodes, selectPage,
  selectReady, selectStatus, setProperty, setSchema, transaction,
} from "../../src/redux/index.js";
import { openStore } from "./device.js";

const routes = { "/:user/:list/…": "lists/:user/:list" };
const entries = async (daemon: Daemon, bucket: string) => (await daemon.client.log(bucket, { limit: 1000 })).entries;

test("edits show at once, and are confirmed", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const { dispatch, slice, store } = openStore(t, daemon, { routes });
  dispatch(createNode("/ann/groceries/1", { title: "Milk" }));
  dispatch(setProperty("/ann/groceries/1", ["amount", "unit"], "l"));
  dispatch(transaction([arrayInsert("/ann/groceries/1", "tags", 0, ["cold"]), increment("/ann/groceries/1", "n", 2)]));
  const wanted = { title: "Milk", amount: { unit: "l" }, tags: ["cold"], n: 2 };
  assert.deepEqual(selectNode(slice(), "/ann/groceries/1"), wanted);
  assert.equal(selectStatus(slice()).pending, 3);
  await store.setlogger.idle();
  assert.deepEqual(selectNode(slice(), "/ann/groceries/1"), wanted);
  assert.deepEqual(selectStatus(slice()), { connected: true, pending: 0, problems: [] });
  assert.deepEqual((await daemon.client.node("lists/ann/groceries", "1")).value, wanted);
  const log = await entries(daemon, "lists/ann/groceries");
  assert.deepEqual(log.map((e) => e.entry.actions.length), [1, 1, 2]);
  assert.equal(JSON.stringify(log).includes("setlogger"), false, "the store's stamp is no part of the log");
});

test("what others change arrives as actions", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  await daemon.client.makeBucket({ name: "todos" });
  await daemon.client.append("todos", { type: "CREATE_NODE", id: "1", properties: { a: 1 } });
  const { dispatch, slice, come, seen } = openStore(t, daemon);
  dispatch(follow("/todos"));
  await come("the nodes", () => selectReady(slice(), "/todos"));
  const before = selectNodes(slice(), "/todos");
  await daemon.client.append("todos", { actions: [{ type: "CREATE_NODE", id: "2" }, { type: "SET_PROPERTY", id: "1", property: "a", value: 2 }] });
  await come("the change", () => selectNodes(slice(), "/todos").length === 2);
  assert.deepEqual(selectNodes(slice(), "/todos"), [{ id: "1", value: { a: 2 } }, { id: "2", value: {} }]);
  assert.equal(selectNodes(slice(), "/todos"), selectNodes(slice(), "/todos"));
  assert.notEqual(selectNodes(slice(), "/todos"), before);
  await daemon.client.append("todos", { type: "DELETE_NODE", id: "1" });
  await come("the delete", () => selectNode(slice(), "/todos/1") === undefined);
  assert.ok(seen.filter((type) => type === "setlogger/CHANGED").length >= 3);
});

test("pending edits stand over what comes from others", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  await daemon.client.makeBucket({ name: "todos" });
  await daemon.client.append("todos", { type: "CREATE_NODE", id: "1", properties: { title: "a", n: 1 } });
  let away = false;
  const held: typeof fetch = async (input, init) => {
    if (away && init?.method === "POST") throw new TypeError("the network is away for what is sent");
    return fetch(input, init);
  };
  const { dispatch, slice, come, store } = openStore(t, daemon, { fetch: held, follow: ["/todos"] });
  await come("the nodes", () => selectReady(slice(), "/todos"));
  away = true;
  dispatch(setProperty("/todos/1", "title", "mine"));
  dispatch(increment("/todos/1", "n", 10));
  await daemon.client.append("todos", { actions: [{ type: "SET_PROPERTY", id: "1", property: "title", value: "theirs" }, { type: "SET_PROPERTY", id: "1", property: "n", value: 5 }] });
  await come("their edit under ours", () => selectNode(slice(), "/todos/1")?.["n"] === 15);
  assert.deepEqual(selectNode(slice(), "/todos/1"), { title: "mine", n: 15 });
  away = false;
  await store.setlogger.idle();
  assert.deepEqual((await daemon.client.node("todos", "1")).value, { title: "mine", n: 15 });
  assert.deepEqual(selectNode(slice(), "/todos/1"), { title: "mine", n: 15 });
});

test("a refused edit is rolled back, with an action that says why", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const { dispatch, slice, store, seen } = openStore(t, daemon);
  dispatch(setSchema("/todos", { properties: { title: { type: "string", maxLength: 5 } } }));
  dispatch(createNode("/todos/1", { title: "short" }));
  await store.setlogger.idle();
  const { meta } = dispatch(setProperty("/todos/1", "title", "too long for it")) as unknown as { meta: { setlogger: { key: string } } };
  assert.deepEqual(selectNode(slice(), "/todos/1"), { title: "too long for it" });
  dispatch(setProperty("/todos/1", "done", true));
  await store.setlogger.idle();
  assert.deepEqual(selectNode(slice(), "/todos/1"), { title: "short", done: true });
  assert.equal(seen.filter((type) => type === "setlogger/REFUSED").length, 1);
  const [problem] = selectStatus(slice()).problems;
  assert.deepEqual([problem?.name, problem?.status, problem?.key], ["Refused", 422, meta.setlogger.key]);
  dispatch(dismiss(meta.setlogger.key));
  assert.deepEqual(selectStatus(slice()).problems, []);
});

test("an edit of what another deleted meanwhile is rolled back", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const { dispatch, slice, store } = openStore(t, daemon);
  dispatch(createNode("/todos/1", { a: 1 }));
  await store.setlogger.idle();
  await daemon.client.append("todos", { type: "DELETE_NODE", id: "1" });
  dispatch(setProperty("/todos/1", "a", 2));
  await store.setlogger.idle();
  assert.equal(selectNode(slice(), "/todos/1"), undefined);
  assert.equal(selectStatus(slice()).problems[0]?.name, "Conflict");
  dispatch(createNode("/todos/1", { b: 1 }));
  dispatch(deleteNode("/todos/1"));
  dispatch(createNode("/todos/1", { c: 1 }));
  await store.setlogger.idle();
  assert.deepEqual(selectNode(slice(), "/todos/1"), { c: 1 });
  assert.deepEqual(slice().buckets["todos"]?.pending, []);
});

for (const auto of [true, false]) {
  test(`pages load one after the other${auto ? "" : ", of a bucket that is not followed"}`, needsDaemon, async (t) => {
    const daemon = await startDaemon(t);
    await daemon.client.makeBucket({ name: "todos" });
    await daemon.client.appendMany("todos", Array.from({ length: 25 }, (_, i) => ({ type: "CREATE_NODE", id: `n${i}`, properties: { rank: i, odd: i % 2 } })));
    const { dispatch, slice, come, store } = openStore(t, daemon, { auto });
    const query = { order: "-rank", where: "odd:eq:1", limit: 5 };
    const page = () => selectPage<{ rank: number }>(slice(), "/todos", query);
    for (const wanted of [5, 10, 12]) {
      dispatch(loadMore("/todos", query));
      dispatch(loadMore("/todos", query));
      assert.equal(page().loading, true);
      await come(`${wanted} nodes`, () => !page().loading && page().nodes.length === wanted);
    }
    assert.equal(page().more, false);
    assert.deepEqual(page().nodes.map(({ value }) => value.rank), [23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1]);
    dispatch(setProperty("/todos/n23", "title", "edited"));
    await store.setlogger.idle();
    assert.deepEqual(page().nodes[0]?.value, { rank: 23, odd: 1, title: "edited" });
    assert.deepEqual(slice().buckets["todos"]?.pending, []);
    assert.equal(selectReady(slice(), "/todos"), auto);
    dispatch(createNode("/todos/n99", { rank: 99, odd: 1 }));
    await store.setlogger.idle();
    dispatch(reload("/todos", query));
    await come("the list anew", () => !page().loading);
    assert.deepEqual(page().nodes.map(({ value }) => value.rank), [99, 23, 21, 19, 17]);
  });
}

test("edits of a stopped daemon wait, survive the program, and are sent once", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const storage = memoryStorage();
  const first = openStore(t, daemon, { storage });
  first.dispatch(createNode("/todos/1", { n: 0 }));
  await first.store.setlogger.idle();
  await daemon.kill();
  await first.come("the break", () => !selectStatus(first.slice()).connected);
  for (let i = 0; i < 20; i++) first.dispatch(increment("/todos/1", "n"));
  assert.deepEqual(selectNode(first.slice(), "/todos/1"), { n: 20 });
  assert.equal(selectStatus(first.slice()).pending, 20);
  while ((await storage.load()).length < 20) await Promise.resolve();
  first.store.setlogger.close();

  const second = openStore(t, daemon, { storage });
  await second.come("the kept edits", () => selectStatus(second.slice()).pending === 20);
  await daemon.start();
  await second.come("all is sent", () => selectStatus(second.slice()).pending === 0 && selectNode<{ n: number }>(second.slice(), "/todos/1")?.n === 20);
  assert.equal((await entries(daemon, "todos")).length, 21);
  assert.deepEqual(await storage.load(), []);
});
