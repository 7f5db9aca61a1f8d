import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { bytesOf } from "../../src/model/json.js";
import { bucketId, compareWriters, firstChain, hex, nextChain, writerOf } from "../../src/model/names.js";
import { sha256 } from "../../src/model/sha256.js";
import { vectors } from "./vectors.js";

let ran = 0;
for (const [file, cases] of vectors()) {
  for (const vector of cases) {
    if (vector.steps || vector.entries) continue;
    ran++;
    test(`${file}: ${vector.name}`, () => {
      if (vector.sorted) {
        assert.deepEqual([...vector.sorted].reverse().sort(compareWriters), vector.sorted);
        return;
      }
      const writer = writerOf(Buffer.from(vector.key!, "base64"));
      assert.equal(writer, vector.writer);
      if (vector.bucketId !== undefined) assert.equal(bucketId(vector.bucket!), vector.bucketId);
      if (!vector.chains) return;
      let chain = firstChain(vector.bucket!, writer);
      const chains = [hex(chain)];
      for (const line of vector.lines!) chains.push(hex((chain = nextChain(chain, bytesOf(line)))));
      assert.deepEqual(chains, vector.chains);
    });
  }
}

test("there are cases of the form identity", (t) => {
  t.diagnostic(`${ran} cases`);
  assert.ok(ran >= 16, `${ran} cases`);
});

test("SHA-256 is that of another implementation, at every length around a block's", () => {
  for (let length = 0; length < 300; length++) {
    const data = randomBytes(length);
    const want = createHash("sha256").update(data).digest("hex");
    assert.equal(hex(sha256(data)), want);
    assert.equal(hex(sha256(data.subarray(0, length >> 1), data.subarray(length >> 1))), want);
  }
});
