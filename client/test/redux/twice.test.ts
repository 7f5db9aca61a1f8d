import assert from "node:assert/strict";
import { test } from "node:test";
import { needsDaemon, startDaemon } from "../client/daemon.js";
import { arrayInsert, createNode, increment, loadMore, memoryStorage, selectNode, selectReady, selectStatus, transaction } from "../../src/redux/index.js";
import { openStore } from "./device.js";

test("an edit never shows twice, though the stream may tell of it before its answer comes", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  /** Answers late: after the stream has told. */
  const late: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init);
    if (init?.method === "POST") await daemon.client.status().then(() => daemon.client.status());
    return answer;
  };
  const { dispatch, slice, store } = openStore(t, daemon, { fetch: late });
  const shown: number[] = [];
  store.subscribe(() => shown.push(selectNode<{ n: number }>(slice(), "/todos/1")?.n ?? 0));
  dispatch(createNode("/todos/1", { n: 0 }));
  for (let i = 1; i <= 30; i++) dispatch(increment("/todos/1", "n"));
  await store.setlogger.idle();
  assert.equal(Math.max(...shown), 30);
  assert.deepEqual(shown, [...shown].sort((a, b) => a - b), "it never goes back");
  assert.equal(shown.at(-1), 30);
});

/** The lists that were shown, one after the other. */
function watched({ store, slice }: ReturnType<typeof openStore>): string[][] {
  const shown: string[][] = [];
  store.subscribe(() => shown.push([...(selectNode<{ order?: string[] }>(slice(), "/todos/list")?.order ?? [])]));
  return shown;
}

/** Nothing is inserted twice, so nothing may ever show twice. */
const once = (shown: readonly string[][]) => assert.deepEqual(shown.filter((order) => new Set(order).size !== order.length), []);

test("nor while its answer is lost", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  await daemon.client.makeBucket({ name: "todos" });
  let told = (): void => undefined;
  const stream = daemon.client.stream({ event: ({ type }) => type === "change" && told() });
  stream.subscribe("todos");
  t.after(() => stream.close());
  const lost = new Set<string | null>();
  /** Loses the first answer of each edit, once streams have told. */
  const losing: typeof fetch = async (input, init) => {
    const key = new Headers(init?.headers).get("Idempotency-Key");
    if (!key || lost.has(key)) return fetch(input, init);
    lost.add(key);
    const change = new Promise<void>((resolve) => (told = resolve));
    await fetch(input, init);
    await change;
    await daemon.client.status();
    throw new TypeError("lost");
  };
  const opened = openStore(t, daemon, { fetch: losing, follow: ["/todos"] });
  await opened.come("that nothing is there", () => selectReady(opened.slice(), "/todos"));
  const shown = watched(opened);
  opened.dispatch(createNode("/todos/list", {}));
  for (let i = 0; i < 8; i++) opened.dispatch(arrayInsert("/todos/list", "order", 0, [String(i)]));
  await opened.store.setlogger.idle();
  once(shown);
  assert.deepEqual(shown.at(-1), [..."76543210"]);
  assert.equal(lost.size, 9);
});

test("nor after a reload before the answer, nor by a page that was loaded meanwhile", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const storage = memoryStorage();
  for (let i = 0; i < 5; i++) {
    let take = (): void => undefined;
    const taken = new Promise<void>((resolve) => (take = resolve));
    /** Never answers an edit. */
    const mute: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init);
      if (!new Headers(init?.headers).has("Idempotency-Key") || answer.status === 404) return answer;
      take();
      return new Promise(() => undefined);
    };
    const before = openStore(t, daemon, { storage, fetch: mute });
    const first = watched(before);
    before.dispatch(transaction([createNode("/todos/list", {}), arrayInsert("/todos/list", "order", 0, [String(i)])]));
    await taken;
    before.dispatch(loadMore("/todos"));
    await daemon.client.status();
    before.store.setlogger.close();
    const after = openStore(t, daemon, { storage, follow: ["/todos"] });
    const shown = watched(after);
    after.dispatch(loadMore("/todos"));
    await after.come("the edit", () => selectStatus(after.slice()).pending === 0 && shown.at(-1)?.length === i + 1);
    after.store.setlogger.close();
    once(first);
    once(shown);
  }
  assert.deepEqual((await daemon.client.node("todos", "list")).value, { order: [..."43210"] });
});
