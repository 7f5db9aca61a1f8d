import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, pair } from "../../src/client/index.js";
import { needsDaemon, startDaemon } from "./daemon.js";

test("an app is let in for the buckets it names", needsDaemon, async (t) => {
  const { client: owner, url } = await startDaemon(t);
  const seen: string[] = [];
  const token = await pair(createClient({ url }), { name: "Lists", scopes: ["todos:rw"] }, {
    onCode({ id, code }) {
      seen.push(code);
      void owner.approveApp(id);
    },
  });
  assert.match(seen[0] ?? "", /^[A-Z0-9]{4}-[A-Z0-9]{4}$/);
  const app = createClient({ url, token: () => token });
  await app.makeBucket({ name: "todos" });
  assert.equal((await app.append("todos", { type: "CREATE_NODE", id: "1" })).number, 1);
  await assert.rejects(app.makeBucket({ name: "other" }), { name: "Forbidden", status: 403 });
  const [entry] = await owner.apps();
  assert.equal(entry?.state, "active");
  await owner.removeApp(entry?.id ?? "");
  await assert.rejects(app.nodes("todos"), { name: "Unauthorized" });
});

test("a denied app is told", needsDaemon, async (t) => {
  const { client: owner, url } = await startDaemon(t);
  const asking = pair(createClient({ url }), { name: "Lists", scopes: ["todos:rw"] }, { onCode: ({ id }) => void owner.removeApp(id) });
  await assert.rejects(asking, (error: Error) => ["Forbidden", "NotFound"].includes(error.name));
});

test("waiting for the person ends with the signal", needsDaemon, async (t) => {
  const { url } = await startDaemon(t);
  const ending = new AbortController();
  const asking = pair(createClient({ url }), { name: "Lists", scopes: ["todos:rw"] }, { signal: ending.signal, onCode: () => ending.abort() });
  await assert.rejects(asking, { name: "AbortError" });
});
