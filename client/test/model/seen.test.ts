import assert from "node:assert/strict";
import { test } from "node:test";
import { canonical, type JsonObject } from "../../src/model/json.js";
import { State } from "../../src/model/state.js";
import { addExactly } from "../../src/model/total.js";

const WRITER = "aaaaaaaaaaaaaaaa";

function folded(...actions: readonly JsonObject[]): State {
  const state = new State();
  for (const [i, action] of actions.entries()) {
    const entry = { actions: [action], number: i + 1, salt: "00000000000000a1", stamp: `${1000 + i}-0` };
    state.foldLine(WRITER, i + 1, canonical(entry));
  }
  return state;
}

test("elements of a plain array hide a counter, an empty one does not", () => {
  const run = { floor: ["1000-0", WRITER, 1, 0], salt: "00000000000000a2", total: 5 };
  for (const [x, seen] of [[[1], [1]], [[], 5], [3, 8], [{}, 5], [{ y: 1 }, { y: 1 }]] as const) {
    const state = folded(
      { type: "CREATE_NODE", id: "n", properties: { x } },
      { type: "INCREMENT", id: "n", path: ["x"], by: 5, run },
    );
    assert.equal(canonical(state.node("n").value()), canonical({ x: seen }), canonical(x));
  }
});

test("a name that JavaScript knows is a name like any other", () => {
  const text = '{"__proto__":{"a":1},"constructor":2,"toString":null}';
  const state = folded(
    { type: "CREATE_NODE", id: "__proto__", properties: JSON.parse(text) as JsonObject },
    { type: "SET_PROPERTY", id: "__proto__", path: ["__proto__", "__proto__"], value: 3 },
  );
  assert.equal(canonical(state.node("__proto__").value()), '{"__proto__":{"__proto__":3,"a":1},"constructor":2,"toString":null}');
});

test("a counter is summed exactly, then rounded once", () => {
  assert.equal(addExactly(0.1, 3n), 3.1);
  assert.equal(addExactly(4.656612873077393e-10, 4194304n), 4194304.000000001); // as written it is more than half a step
  assert.equal(addExactly(1e300, 1n), 1e300);
  assert.equal(addExactly(-0.5, 0n), -0.5);
  assert.equal(Object.is(addExactly(-1, 1n), 0), true);
  assert.equal(addExactly(0.5, 9007199254740993n + 9007199254740992n), 18014398509481985.5);
});
