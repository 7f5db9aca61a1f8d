import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import WebSocket from "ws";
import { createClient, type ClientOptions, type SetLoggerError, type StreamEvent, type WebSocketConstructor } from "../../src/client/index.js";
import { needsDaemon, startDaemon, until } from "./daemon.js";

/** Follows a daemon, and collects what comes. */
function listenTo(t: TestContext, options: ClientOptions) {
  const events: StreamEvent[] = [];
  const downs: SetLoggerError[] = [];
  let again = () => {};
  const stream = createClient(options).stream({
    event: (event) => void (events.push(event), again()),
    down: (error) => void (downs.push(error), again()),
  });
  t.after(() => stream.close());
  const come = (what: string, holds: () => boolean) => until(what, holds, (look) => (again = look));
  return { events, downs, stream, come };
}

const types = (events: readonly StreamEvent[], bucket: string) => events.filter((e) => e.bucket === bucket).map((e) => e.type);
const has = (events: readonly StreamEvent[], id: string) => events.some((e) => "nodes" in e && e.nodes.some((node) => node.id === id));
const readies = (events: readonly StreamEvent[], bucket: string) => types(events, bucket).filter((type) => type === "ready").length;

const ways: [string, Pick<ClientOptions, "WebSocket">][] = [
  ["a WebSocket", { WebSocket: WebSocket as unknown as WebSocketConstructor }],
  ["an event stream", { WebSocket: null }],
];

for (const [way, how] of ways) {
  test(`${way} tells of all nodes and of each change, of several buckets`, needsDaemon, async (t) => {
    const { client, url, token } = await startDaemon(t);
    for (const name of ["a", "b/c"]) await client.makeBucket({ name });
    await client.append("a", { type: "CREATE_NODE", id: "1" });
    const { events, stream, come } = listenTo(t, { url, token, ...how });
    stream.subscribe("a");
    await come("the nodes of a", () => readies(events, "a") === 1);
    assert.deepEqual(types(events, "a"), ["reset", "snapshot", "ready"]);
    stream.subscribe("b/c");
    await come("b/c is there", () => readies(events, "b/c") === 1);
    await client.append("b/c", { type: "CREATE_NODE", id: "2" });
    await come("2", () => has(events, "2"));
    await client.append("a", { type: "DELETE_NODE", id: "1" });
    await come("the delete", () => events.some((e) => "nodes" in e && e.nodes.some((node) => "deleted" in node)));
    stream.unsubscribe("a");
    await client.append("a", { type: "CREATE_NODE", id: "3" });
    await client.append("b/c", { type: "CREATE_NODE", id: "4" });
    await come("4", () => has(events, "4"));
    assert.equal(has(events, "3"), false);
  });

  test(`${way} goes on from its place after a crash of the daemon`, needsDaemon, async (t) => {
    const daemon = await startDaemon(t);
    await daemon.client.makeBucket({ name: "a" });
    await daemon.client.append("a", { type: "CREATE_NODE", id: "1" });
    const { events, downs, stream, come } = listenTo(t, { ...daemon, ...how });
    stream.subscribe("a");
    await come("the nodes", () => readies(events, "a") === 1);
    await daemon.kill();
    await come("the break", () => downs.length > 0);
    assert.equal(downs[0]?.name, "Unreachable");
    await daemon.start();
    await daemon.client.append("a", { type: "CREATE_NODE", id: "2" });
    await come("2", () => has(events, "2"));
    assert.equal(types(events, "a").filter((type) => type === "reset").length, 1);
  });

  test(`${way} says why a bucket ends, and why there is none`, needsDaemon, async (t) => {
    const { url, token, client } = await startDaemon(t);
    await client.makeBucket({ name: "a" });
    const { events, stream, come } = listenTo(t, { url, token, ...how });
    stream.subscribe("a");
    stream.subscribe("missing");
    await come("the end of missing", () => types(events, "missing").includes("end"));
    const end = events.find((e) => e.type === "end");
    assert.equal(end?.type === "end" && end.error?.status, 404);
    await come("a", () => readies(events, "a") > 0);
    const stranger = listenTo(t, { url, token: "wrong", ...how });
    stranger.stream.subscribe("a");
    await stranger.come("the refusal", () => stranger.downs.length > 0);
    assert.equal(stranger.downs[0]?.name, "Unauthorized");
  });
}
