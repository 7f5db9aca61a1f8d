import assert from "node:assert/strict";
import { test } from "node:test";
import { IDBFactory } from "fake-indexeddb";
import { indexedStorage, memoryStorage, type EditStorage, type Queued } from "../../src/redux/index.js";

const edit = (key: string): Queued => ({ key, bucket: "todos", actions: [{ type: "CREATE_NODE", id: key }] });
const keys = async (storage: EditStorage) => (await storage.load()).map(({ key }) => key);

const makers: Record<string, () => () => EditStorage> = {
  memoryStorage: () => {
    const one = memoryStorage();
    return () => one;
  },
  indexedStorage: () => {
    const factory = new IDBFactory();
    return () => indexedStorage("edits", factory);
  },
};

for (const [name, make] of Object.entries(makers)) {
  test(`${name} keeps edits in their order, for all that open it`, async () => {
    const open = make();
    const [a, b] = [open(), open()];
    assert.deepEqual(await keys(a), []);
    for (const key of ["z", "a", "m"]) await a.add(edit(key));
    await b.add(edit("b"));
    assert.deepEqual(await b.load(), ["z", "a", "m", "b"].map(edit));
    await b.remove("a");
    await b.remove("not there");
    assert.deepEqual(await keys(open()), ["z", "m", "b"]);
  });
}

test("indexedStorage tells when it cannot open", async () => {
  const factory = { open: () => { throw new Error("refused"); } } as unknown as IDBFactory;
  await assert.rejects(indexedStorage("edits", factory).add(edit("a")), /refused/);
});
