import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DeltaReader } from "../../src/model/delta.js";
import { writeDelta } from "../../src/model/deltawrite.js";
import { canonical, FormatError, type Json, type JsonObject } from "../../src/model/json.js";
import { NodeState } from "../../src/model/node.js";
import { State } from "../../src/model/state.js";
import { chance } from "./chance.js";
import { TESTDATA, vectors } from "./vectors.js";

const lines = readFileSync(new URL("delta/nodes.jsonl", TESTDATA), "utf8").trimEnd().split("\n");

test("the golden nodes show their values, and merging one with itself changes nothing", () => {
  assert.ok(lines.length > 0);
  for (const line of lines) {
    const { id, node, value } = new DeltaReader().read(line);
    const said = JSON.parse(line) as JsonObject;
    assert.equal(id, said["id"]);
    assert.equal(canonical(value), canonical(said["value"] ?? null));
    const again = new NodeState();
    again.merge(node);
    again.merge(new DeltaReader().read(line).node);
    assert.equal(canonical(again.value()), canonical(value));
    assert.equal(again.rev(), node.rev());
  }
});

test("changed lines are refused, or are other nodes, and nothing else is thrown", (t) => {
  const random = chance(11);
  let refused = 0;
  for (let i = 0; i < 20000; i++) {
    const line = lines[random.below(lines.length)]!;
    const at = random.below(line.length);
    const changed = line.slice(0, at) + String.fromCharCode(32 + random.below(95)) + line.slice(at + 1);
    try {
      new DeltaReader().read(changed);
    } catch (error) {
      assert.ok(error instanceof FormatError, `${String(error)} for ${changed}`);
      refused++;
    }
  }
  t.diagnostic(`${refused} of 20000 refused`);
  assert.ok(refused > 10000);
});

test("the golden nodes are written as they stand", () => {
  for (const line of lines) {
    const { id, node } = new DeltaReader().read(line);
    assert.equal(canonical(writeDelta(id, node)), line);
  }
});

test("the nodes of all vectors are told by lines: read, they are the same nodes, and merge as they do", () => {
  let told = 0;
  for (const [, cases] of vectors()) {
    for (const { name, entries = [] } of cases) {
      const parts = [new State(), new State(), new State()] as const;
      for (const [i, said] of entries.entries()) {
        const line = said.line ?? canonical(said.entry as Json);
        const number = said.number ?? Number(said.entry?.["number"] ?? 0);
        for (const state of [parts[0], parts[1 + (i % 2)]!]) state.foldLine(said.writer, number, line);
      }
      for (const [id, node] of parts[0].nodes) {
        const again = (of: NodeState): NodeState => new DeltaReader().read(canonical(writeDelta(id, of))).node;
        assert.equal(canonical(writeDelta(id, again(node))), canonical(writeDelta(id, node)), name);
        const merged = again(parts[1].node(id));
        merged.merge(again(parts[2].node(id)));
        assert.equal(merged.rev(), node.rev(), name);
        assert.equal(canonical(writeDelta(id, merged)), canonical(writeDelta(id, node)), name);
        told++;
      }
    }
  }
  assert.ok(told >= 225, `${told} nodes`);
});
