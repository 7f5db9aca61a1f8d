import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { LogAction, Value } from "../../src/client/index.js";
import { addPending, isNodeAction } from "../../src/redux/rebase.js";
import { emptyBucket } from "../../src/redux/state.js";
import { at } from "../../src/redux/table.js";

/** A case of the form append, of testdata/vectors/README.md. */
interface Case {
  readonly name: string;
  readonly steps?: readonly {
    readonly device: string; readonly from?: string; readonly undo?: string; readonly key?: string; readonly match?: string;
    readonly send?: LogAction | { readonly actions: readonly LogAction[] };
    readonly expect?: { readonly refused?: string };
  }[];
  readonly state?: Readonly<Record<string, { readonly nodes?: Readonly<Record<string, { readonly value: Value | null }>> }>>;
}

const folder = new URL("../../../../testdata/vectors/", import.meta.url);
const cases = readdirSync(folder).filter((name) => name.endsWith(".json"))
  .flatMap((name) => (JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Case[]).map((one) => ({ ...one, file: name })));

/** What one device sends, one entry after the other, is what the reducer is for. */
const alone = cases.filter(({ steps }) => {
  const device = steps?.[0]?.device;
  return steps?.every((s) => s.device === device && s.from === undefined && s.undo === undefined && s.key === undefined && s.match === undefined && typeof s.send === "object");
});

/** What needs what a plain value does not tell: whether an object or an array was set, or is there for what is in it. */
const beyond = new Set(["an array that is hidden cannot be reached"]);

/** Refusals of what a value may be, which the daemon alone looks at: the edit shows until it is rolled back. */
const unchecked = /depth|length of an id|no property|without a type/;

for (const one of alone) {
  test(`vector: ${one.name}`, { skip: beyond.has(one.name) && "not told by a plain value" }, () => {
    const device = one.steps?.[0]?.device ?? "";
    let bucket = emptyBucket;
    for (const { send, expect } of one.steps ?? []) {
      if (!send) continue;
      const actions = "actions" in send ? (send as { actions: readonly LogAction[] }).actions : [send as LogAction];
      if (!Array.isArray(actions) || actions.some((action) => action?.["id"] === undefined && isNodeAction(action))) continue; // no path leads to it
      const now = addPending(bucket, String(bucket.pending.length), actions);
      if (expect?.refused) {
        if (!unchecked.test(one.name)) assert.deepEqual(now.overlay, bucket.overlay, `taken: ${JSON.stringify(send)}`);
        continue;
      }
      bucket = now;
    }
    for (const [id, node] of Object.entries(one.state?.[device]?.nodes ?? {})) assert.deepEqual(at(bucket.overlay, id) ?? null, node.value, id);
  });
}

test("there are vectors", () => assert.ok(alone.length > 40, String(alone.length)));
