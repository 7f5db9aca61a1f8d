import assert from "node:assert/strict";
import { test } from "node:test";
import { needsDaemon, startDaemon } from "../client/daemon.js";
import { createNode, increment, selectNode } from "../../src/redux/index.js";
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
