import assert from "node:assert/strict";
import { test } from "node:test";
import { IDBFactory } from "fake-indexeddb";
import { needsDaemon, startDaemon } from "../client/daemon.js";
import { indexedStorage, selectNode, selectNodes, selectReady, setProperty } from "../../src/redux/index.js";
import { openStore } from "./device.js";

test("a start without a daemon shows what the daemon told last, of 2,000 nodes a bucket at most", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const { client } = daemon;
  await client.makeBucket({ name: "todos" });
  await client.appendMany("todos", Array.from({ length: 2100 }, (_, n) => ({ type: "CREATE_NODE", id: `n${n}`, properties: { n } })));
  const open = () => indexedStorage("kept", factory);
  const factory = new IDBFactory();
  const before = openStore(t, daemon, { storage: open(), follow: ["/todos"] });
  await before.come("all nodes", () => selectReady(before.slice(), "/todos"));
  const kept = async () => (await open().recall!("todos")) ?? [];
  while (!(await kept()).length) await client.status();
  before.store.setlogger.close();
  assert.equal((await kept()).length, 2000);

  await daemon.kill();
  const away = openStore(t, daemon, { storage: open(), follow: ["/todos"] });
  await away.come("what is kept", () => selectNodes(away.slice(), "/todos").length === 2000);
  assert.equal(selectReady(away.slice(), "/todos"), false);
  const { id, value } = selectNodes<{ n: number }>(away.slice(), "/todos")[0]!;
  away.dispatch(setProperty(`/todos/${id}`, "n", -1));
  assert.deepEqual([selectNode(away.slice(), `/todos/${id}`), id], [{ n: -1 }, `n${value.n}`]);
  await daemon.start();
  await away.come("all nodes", () => selectReady(away.slice(), "/todos") && selectNodes(away.slice(), "/todos").length === 2100);
  await away.store.setlogger.idle();
  assert.deepEqual((await client.node("todos", id)).value, { n: -1 });
});

test("what was deleted meanwhile goes when the daemon is there", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const factory = new IDBFactory();
  const storage = indexedStorage("kept", factory);
  await storage.keep!("todos", [{ id: "gone", value: { title: "old" }, rev: "9-a" }, { id: "1", value: { title: "old" }, rev: "1-a" }]);
  await daemon.client.makeBucket({ name: "todos" });
  await daemon.client.append("todos", { type: "CREATE_NODE", id: "1", properties: { title: "new" } });
  const opened = openStore(t, daemon, { storage, follow: ["/todos"] });
  await opened.come("what is kept", () => !!selectNode(opened.slice(), "/todos/gone"));
  await opened.come("what is there", () => selectReady(opened.slice(), "/todos"));
  assert.deepEqual(selectNodes(opened.slice(), "/todos"), [{ id: "1", value: { title: "new" } }]);
});
