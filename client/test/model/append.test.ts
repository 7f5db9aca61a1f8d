import assert from "node:assert/strict";
import { test } from "node:test";
import { Bucket, type Receipt, type UndoReceipt } from "../../src/model/bucket.js";
import { canonical, compareText, type Json, type JsonObject } from "../../src/model/json.js";
import { Refusal } from "../../src/model/refusal.js";
import { State } from "../../src/model/state.js";
import { type Step, type Vector, vectors } from "./vectors.js";

/** Plays the steps of a case and compares what comes of each. */
function play(vector: Vector): void {
  const buckets = new Map<string, Bucket>();
  const at = (name: string): Bucket => {
    if (!buckets.has(name)) buckets.set(name, new Bucket(name));
    return buckets.get(name)!;
  };
  const answers: (Receipt | undefined)[] = [];
  for (const [i, step] of vector.steps!.entries()) {
    if (step.from === undefined) answers[i] = check(step, at(step.device), answers, `step ${i}`);
    else for (const entry of at(step.from).log) at(step.device).receive(entry, step.now ?? 0);
  }
  for (const [name, want] of Object.entries(vector.state!)) {
    assert.equal(canonical(at(name).state.summary()), canonical(want), name);
    const again = new State();
    for (const entry of at(name).log) again.fold(entry);
    assert.equal(canonical(again.summary()), canonical(want), `${name}, folded anew`);
  }
}

function check(step: Step, bucket: Bucket, answers: (Receipt | undefined)[], at: string): Receipt | undefined {
  const expect = step.expect ?? {};
  const options = {
    now: step.now!, salt: step.salt!, ...(step.key !== undefined && { key: step.key }), ...(step.match !== undefined && { match: step.match }),
  };
  let receipt: Receipt | UndoReceipt;
  try {
    receipt = step.undo === undefined
      ? bucket.append(step.text ?? JSON.stringify(step.send), options)
      : bucket.undo(step.undo, options);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    assert.equal(error.kind, expect["refused"], `${at}: ${error.message}`);
    if ("position" in expect) assert.equal(error.position, expect["position"], at);
    return undefined;
  }
  assert.equal(expect["refused"], undefined, `${at} is not refused: ${receipt.line}`);
  compare(receipt, expect, answers, at);
  return receipt;
}

function compare(receipt: Receipt | UndoReceipt, expect: JsonObject, answers: (Receipt | undefined)[], at: string): void {
  const said = receipt.line === undefined ? { number: null } : (JSON.parse(receipt.line) as JsonObject);
  for (const [name, want] of Object.entries(expect)) {
    if (name === "repeats") {
      assert.deepEqual(receipt, { ...answers[want as number], isRepeated: true }, at);
    } else if (name === "left") {
      assert.equal(canonical(leftOf(receipt as UndoReceipt)), canonical(want), at);
    } else {
      assert.equal(canonical((said as JsonObject)[name] ?? null), canonical(want), `${at}: ${name} in ${receipt.line}`);
    }
  }
  assert.equal(receipt.isRepeated, "repeats" in expect, at);
}

function leftOf(receipt: UndoReceipt): Json {
  const left = receipt.left.map(({ id, path }) => [id, path] as const);
  return left.sort((a, b) => compareText(a[0], b[0]) || compareText(a[1].join("\0"), b[1].join("\0"))).map(([id, path]) => [id, path]);
}

let ran = 0;
for (const [file, cases] of vectors()) {
  for (const vector of cases) {
    if (!vector.steps) continue;
    ran++;
    test(`${file}: ${vector.name}`, () => play(vector));
  }
}

test("there are cases of the form append", (t) => {
  t.diagnostic(`${ran} cases`);
  assert.ok(ran >= 156, `${ran} cases`);
});
