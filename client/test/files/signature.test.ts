import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { TESTDATA } from "../model/vectors.js";

const run = promisify(execFile);

test("where there is no WebCrypto, files are read, and their signatures were not checked", async () => {
  const script = `
    import { readFileSync } from "node:fs";
    Object.defineProperty(globalThis, "crypto", { value: undefined });
    const { readSegment, readIndex } = await import(${JSON.stringify(new URL("../../src/files/index.js", import.meta.url).href)});
    const read = (name) => new Uint8Array(readFileSync(${JSON.stringify(fileURLToPath(TESTDATA))} + name));
    console.log(typeof globalThis.crypto, (await readSegment(read("segment/todos.jsonl.gz"))).signature, (await readIndex(read("index/index.json"))).signature);
  `;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script]);
  assert.equal(stdout.trim(), "undefined unchecked unchecked");
});
