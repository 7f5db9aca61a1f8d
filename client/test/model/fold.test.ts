import assert from "node:assert/strict";
import { test } from "node:test";
import { writeDelta } from "../../src/model/deltawrite.js";
import { canonical, type Json } from "../../src/model/json.js";
import { State } from "../../src/model/state.js";
import { chance } from "./chance.js";
import { type Said, vectors } from "./vectors.js";

function fold(state: State, said: Said): void {
  const line = said.line ?? canonical(said.entry as Json);
  const number = said.number ?? Number(said.entry?.["number"] ?? 0);
  state.foldLine(said.writer, number, line);
}

function folded(entries: readonly Said[]): State {
  const state = new State();
  for (const said of entries) fold(state, said);
  return state;
}

let ran = 0;
for (const [file, cases] of vectors()) {
  for (const vector of cases) {
    const { entries } = vector;
    if (!entries) continue;
    ran++;
    test(`${file}: ${vector.name}`, () => {
      const want = canonical(vector.state as Json);
      const checkTold = (state: State): void => {
        for (const [id, line] of Object.entries(vector.told ?? {})) {
          assert.equal(canonical(writeDelta(id, state.node(id))), canonical(line), `the line of ${id}`);
        }
      };
      assert.equal(canonical(folded(entries).summary()), want);
      const random = chance(7);
      for (let i = 0; i < 20; i++) {
        const shuffled: Said[] = random.shuffled<Said>([...entries, ...entries.filter(() => random.below(2) === 0)]);
        const cut = random.below(shuffled.length + 1);
        const first = folded(shuffled.slice(0, cut));
        assert.equal(canonical(folded(shuffled).summary()), want, "in another order");
        checkTold(folded(shuffled));
        first.merge(folded(shuffled.slice(cut)));
        assert.equal(canonical(first.summary()), want, "merged");
        checkTold(first);
      }
    });
  }
}

test("there are cases of the form fold", (t) => {
  t.diagnostic(`${ran} cases`);
  assert.ok(ran >= 248, `${ran} cases`);
});
