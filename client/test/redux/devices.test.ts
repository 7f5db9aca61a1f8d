// Two devices on one shared folder, whose daemons are killed while edits are on their way.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { needsDaemon } from "../client/daemon.js";
import { arrayInsert, createNode, increment, selectNodes, selectReady, selectStatus, setProperty, type EditStorage, type Queued } from "../../src/redux/index.js";
import { openStore } from "./device.js";
import { meet, pairOf } from "./pair.js";

/** Keeps edits as files of a folder, over restarts of a program. */
function folderStorage(folder: string): EditStorage {
  let count = 0;
  return {
    async load() {
      const names = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
      count = Math.max(count, ...names.map((name) => parseInt(name, 10)));
      return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as Queued));
    },
    add: (queued) => writeFile(join(folder, `${String(++count).padStart(9, "0")} ${queued.key}.json`), JSON.stringify(queued)),
    async remove(key) {
      for (const name of await readdir(folder)) if (name.endsWith(` ${key}.json`)) await unlink(join(folder, name));
    },
  };
}

test("another device's edits come, and merge with those made here", needsDaemon, async (t) => {
  const [a, b] = await pairOf(t);
  const [here, there] = [openStore(t, a, { follow: ["/todos"] }), openStore(t, b, { follow: ["/todos"] })];
  here.dispatch(createNode("/todos/1", { title: "Milk", tags: ["x"], n: 0 }));
  await here.store.setlogger.idle();
  await meet(a, b);
  await there.come("the node", () => selectNodes(there.slice(), "/todos").length === 1);
  here.dispatch(increment("/todos/1", "n", 5));
  here.dispatch(arrayInsert("/todos/1", "tags", 0, ["a"]));
  there.dispatch(increment("/todos/1", "n", 7));
  there.dispatch(setProperty("/todos/1", "title", "Oat milk"));
  await Promise.all([here, there].map(({ store }) => store.setlogger.idle()));
  await meet(a, b);
  const wanted = JSON.stringify([{ id: "1", value: { n: 12, tags: ["a", "x"], title: "Oat milk" } }]);
  for (const device of [here, there]) await device.come("both edits", () => JSON.stringify(selectNodes(device.slice(), "/todos")) === wanted);
});

test("daemons die again and again: no edit is lost, none stands twice", needsDaemon, async (t) => {
  const [a, b] = await pairOf(t);
  const folder = await mkdtemp(join(tmpdir(), "setlogger-queue-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const devices = [{ daemon: a, ...openStore(t, a, { storage: folderStorage(folder) }) }, { daemon: b, ...openStore(t, b) }];
  let made = 0;
  for (const { dispatch, store } of devices) {
    dispatch(createNode("/todos/count", {}));
    await store.setlogger.idle();
    await meet(a, b);
  }
  for (let round = 0; round < 6; round++) {
    for (const { dispatch } of devices) {
      for (let i = 0; i < 30; i++, made++) dispatch(i % 3 ? increment("/todos/count", "n") : createNode(`/todos/${made}`, { made }));
    }
    const dying = devices[round % 2]!;
    const left = () => selectStatus(dying.slice()).pending;
    await dying.come("some are sent", () => left() < 30 - 3 * round);
    await dying.daemon.kill();
    await dying.come("the break", () => !dying.slice().connected);
    await dying.daemon.start();
    await Promise.all(devices.map(({ store }) => store.setlogger.idle()));
  }
  await meet(a, b);
  const counts = made - made / 3;
  for (const { daemon, slice, come } of devices) {
    assert.equal((await daemon.client.node("todos", "count")).value["n"], counts);
    await come("all nodes", () => selectNodes(slice(), "/todos").length === made / 3 + 1);
    assert.equal(selectNodes<{ n?: number }>(slice(), "/todos").find(({ id }) => id === "count")?.value.n, counts);
    assert.deepEqual(selectStatus(slice()), { connected: true, pending: 0, problems: [] });
    assert.ok(selectReady(slice(), "/todos"));
    const { entries } = await daemon.client.log("todos", { limit: 1000 });
    const edits = entries.filter(({ entry }) => entry.actions.some(({ id, properties }) => id === "count" && !properties ? true : id !== "count" && id !== undefined));
    assert.equal(edits.length, made);
  }
  assert.deepEqual(await readdir(folder), []);
});
