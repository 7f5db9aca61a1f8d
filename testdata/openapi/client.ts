// Calls a daemon by the types that were made from its OpenAPI document. DAEMON and TOKEN say which.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

// sure answers the data of a call that was not refused; a refusal is told with its hint.
function sure<T>(answer: { data?: T; error?: components["schemas"]["Error"] }): T {
  if (answer.error) throw new Error(`${answer.error.detail} (${answer.error.hint ?? "no hint"})`);
  if (answer.data === undefined) throw new Error("no answer");
  return answer.data;
}

function expect(what: string, got: unknown, wanted: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(got)}, want ${JSON.stringify(wanted)}`);
}

const client = createClient<paths>({ baseUrl: given("DAEMON"), headers: { Authorization: `Bearer ${given("TOKEN")}` } });
const bucket = "lists/typed";
const path = { bucket };

const made: components["schemas"]["BucketStatus"] = sure(await client.POST("/v1/buckets", { body: { name: bucket } }));
expect("the new bucket", made.name, bucket);

const shown = sure(await client.PATCH("/v1/buckets/{bucket}", { params: { path }, body: { settings: { order: ["-rank"], publish: null } } }));
expect("its settings", shown.settings.order, ["-rank"]);

const done = sure(await client.POST("/v1/buckets/{bucket}/actions", {
  params: { path, header: { "Idempotency-Key": "once" } },
  body: { type: "CREATE_NODE", id: "a b/ü", properties: { rank: 1 } },
}));
if (!("revs" in done)) throw new Error("one entry is answered as many");

const node = sure(await client.GET("/v1/buckets/{bucket}/nodes/{id}", { params: { path: { ...path, id: "a b/ü" } } }));
expect("the node", node, { id: "a b/ü", value: { rank: 1 }, rev: done.revs["a b/ü"] });

const page = sure(await client.GET("/v1/buckets/{bucket}/nodes", { params: { path, query: { where: ["rank:gt:0"], limit: 5 } } }));
if (typeof page === "string") throw new Error("a page is answered as lines");
expect("the page", page.nodes.map((n) => n.id), ["a b/ü"]);

const undone = sure(await client.POST("/v1/buckets/{bucket}/undo", { params: { path }, body: { last: true } }));
expect("what was left", undone.left, []);

const status = sure(await client.GET("/v1/status"));
expect("the buckets", status.buckets.map((b) => b.name), [bucket]);

const absent = await client.GET("/v1/buckets/{bucket}/nodes/{id}", { params: { path: { ...path, id: "a" } } });
expect("an absent node", [absent.response.status, absent.error?.title], [404, "Not Found"]);

const left = await client.DELETE("/v1/buckets/{bucket}", { params: { path } });
expect("leaving", left.response.status, 204);
console.log("typed calls work");
