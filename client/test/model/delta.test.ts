import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DeltaReader } from "../../src/model/delta.js";
import { canonical, FormatError, type JsonObject } from "../../src/model/json.js";
import { NodeState } from "../../src/model/node.js";
import { chance } from "./chance.js";
import { TESTDATA } from "./vectors.js";

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
