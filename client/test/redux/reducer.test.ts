import assert from "node:assert/strict";
import { test } from "node:test";
import { createNode, increment, selectNode, selectNodes, setloggerReducer, setProperty, transaction, type DaemonAction, type EditAction, type SetLoggerState } from "../../src/redux/index.js";

type Step = DaemonAction | EditAction;
let keys = 0;

/** As the enhancer stamps it. */
const stamped = <A extends EditAction>(action: A, key = `k${keys++}`): A => ({ ...action, meta: { setlogger: { bucket: "b", key } } });
const play = (state: SetLoggerState | undefined, ...steps: Step[]) => steps.reduce<SetLoggerState | undefined>(setloggerReducer, state)!;
const told = (id: string, value: object, rev: string): DaemonAction => ({ type: "setlogger/CHANGED", bucket: "b", nodes: [{ id, value: { ...value }, rev }] });

test("pending edits are applied anew over each confirmed value", () => {
  let state = play(undefined, told("1", { n: 1 }, "1-a"), stamped(increment("/b/1", "n", 10)));
  assert.deepEqual(selectNode(state, "/b/1"), { n: 11 });
  state = play(state, told("1", { n: 5 }, "2-b"));
  assert.deepEqual(selectNode(state, "/b/1"), { n: 15 });
  state = play(state, told("1", { n: 3 }, "1-z"));
  assert.deepEqual(selectNode(state, "/b/1"), { n: 15 }, "what is older is passed by");
});

test("an edit goes once the node has the rev that the daemon answered, and not before", () => {
  let state = play(undefined, told("1", { n: 1 }, "1-a"), stamped(increment("/b/1", "n"), "k"));
  state = play(state, { type: "setlogger/CONFIRMED", bucket: "b", key: "k", revs: { 1: "2-b" } });
  assert.deepEqual(selectNode(state, "/b/1"), { n: 2 });
  assert.equal(state.buckets["b"]?.pending.length, 1);
  state = play(state, told("1", { n: 2 }, "2-b"));
  assert.deepEqual([selectNode(state, "/b/1"), state.buckets["b"]?.pending], [{ n: 2 }, []]);
});

test("the stream may be ahead of the answer", () => {
  const state = play(undefined, told("1", { n: 1 }, "1-a"), stamped(increment("/b/1", "n"), "k"), told("1", { n: 9 }, "5-c"),
    { type: "setlogger/CONFIRMED", bucket: "b", key: "k", revs: { 1: "2-b" } });
  assert.deepEqual([selectNode(state, "/b/1"), state.buckets["b"]?.pending], [{ n: 9 }, []]);
});

test("a transaction shows whole or not at all, and its nodes are rebased together", () => {
  const both = stamped(transaction([createNode("/b/2", { of: 1 }), increment("/b/1", "n")]), "k");
  let state = play(undefined, told("1", { n: 1 }, "1-a"), both);
  assert.deepEqual(selectNodes(state, "/b").map(({ id, value }) => [id, value]), [["1", { n: 2 }], ["2", { of: 1 }]]);
  state = play(state, told("1", { n: "text" }, "2-b"));
  assert.deepEqual(selectNodes(state, "/b").map(({ id, value }) => [id, value]), [["1", { n: "text" }]]);
  state = play(state, told("1", { n: 5 }, "3-c"));
  assert.deepEqual(selectNode(state, "/b/2"), { of: 1 });
});

test("a rolled back edit takes with it what stood on it", () => {
  const refusal = { name: "Refused", status: 422, detail: "", hint: "", bucket: "b", key: "k", actions: [] } as const;
  const state = play(undefined, stamped(createNode("/b/1", { a: 1 }), "k"), stamped(setProperty("/b/1", "b", 2)), { type: "setlogger/REFUSED", refusal });
  assert.equal(selectNode(state, "/b/1"), undefined);
  assert.equal(state.buckets["b"]?.pending.length, 1);
});

test("what does not change stays the same object", () => {
  let state = play(undefined, told("1", { n: 1 }, "1-a"), told("2", { n: 1 }, "1-a"), stamped(setProperty("/b/2", "x", 1)));
  const [one, two, all] = [selectNode(state, "/b/1"), selectNode(state, "/b/2"), selectNodes(state, "/b")];
  state = play(state, told("3", {}, "1-a"), told("1", { n: 1 }, "1-a"), told("2", { n: 1 }, "2-a"));
  assert.equal(selectNode(state, "/b/1"), one);
  assert.equal(selectNode(state, "/b/2"), two);
  assert.equal(selectNodes(state, "/b")[0], all[0]);
});

test("names that JavaScript knows are names like any other", () => {
  const names = ["constructor", "__proto__", "toString", "hasOwnProperty"] as const;
  for (const name of names) {
    const at = { meta: { setlogger: { bucket: name, key: name } } };
    let state = play(undefined, { ...createNode(`/${name}/${name}`, {}), ...at });
    state = play(state, { ...setProperty(`/${name}/${name}`, [name, name], 1), meta: { setlogger: { bucket: name, key: "2" } } });
    const value = selectNode(state, `/${name}/${name}`);
    assert.deepEqual(JSON.stringify(value), `{"${name}":{"${name}":1}}`);
    assert.equal(selectNode(state, `/${name}/other`), undefined);
    assert.equal(({} as Record<string, unknown>)["1"], undefined);
  }
});

test("actions without a stamp, and of others, change nothing", () => {
  const state = play(undefined, told("1", {}, "1-a"));
  for (const action of [createNode("/b/2"), { type: "other" }, { type: "setlogger/OTHER" }, { type: "SET_PROPERTY" }]) assert.equal(setloggerReducer(state, action), state);
});

test("thousands of edits made without a daemon stay cheap, and so do changes of a large bucket", () => {
  let state = play(undefined, { type: "setlogger/CHANGED", bucket: "b", all: true, nodes: Array.from({ length: 50_000 }, (_, i) => ({ id: `n${i}`, value: { i }, rev: "1-a" })) });
  const begun = performance.now();
  for (let i = 0; i < 2000; i++) state = play(state, stamped(setProperty(`/b/n${i}`, "x", 1), `e${i}`));
  for (let i = 0; i < 2000; i++) {
    state = play(state, { type: "setlogger/CONFIRMED", bucket: "b", key: `e${i}`, revs: { [`n${i}`]: "2-b" } }, told(`n${i}`, { i, x: 1 }, "2-b"));
  }
  assert.deepEqual(state.buckets["b"]?.pending, []);
  assert.ok(performance.now() - begun < 10_000, `${performance.now() - begun} ms for 6000 actions`);
});
