import type { ClientOptions, Transport } from "./call.js";
import { coreCalls, inBucket, inNode } from "./core.js";
import { createRepeating } from "./repeat.js";
import { createStream, type Stream, type StreamListener } from "./stream.js";
import type {
  App, AppAsked, Appended, AppendedMany, AppRequest, BucketShown, BucketStatus, Entry, History, Log, Node, Page, PageQuery, RemoteStatus, Settings,
  Status, Undone,
} from "./messages.js";

/** Typed calls of one daemon. All throw a SetLoggerError. */
export type Client = ReturnType<typeof createClient>;

/** Makes a client; nothing is sent until a call is made. */
export function createClient(options: ClientOptions = {}) {
  const transport = createRepeating(options);
  return {
    ...coreCalls(transport),
    ...appendCalls(transport),
    ...dataCalls(transport),
    ...bucketCalls(transport),
    ...deviceCalls(transport),
    /** Changes of many buckets over one connection that is taken up again when it breaks. */
    stream: (listener: StreamListener): Stream => createStream(options, transport, listener),
  };
}

/** What goes with an append. `key`: a repeat with it appends nothing; a fresh one unless given. `once`: no key, and no repeat. */
export interface AppendOptions {
  readonly key?: string;
  /** Rev that the one node touched must have, else `Changed`. */
  readonly ifMatch?: string;
  readonly once?: boolean;
  readonly signal?: AbortSignal;
}

/** Appends with all options that there are. */
function appendCalls(transport: Transport) {
  const { append } = coreCalls(transport);
  return {
    /** Appends one entry: an action, or a transaction. It is on the disk when the answer comes. */
    append(bucket: string, entry: Entry, o: AppendOptions = {}): Promise<Appended> {
      const headers: Record<string, string> = {};
      if (!o.once) headers["Idempotency-Key"] = o.key ?? crypto.randomUUID();
      if (o.ifMatch) headers["If-Match"] = `"${o.ifMatch}"`;
      return append(bucket, entry, { headers, once: !!o.once, signal: o.signal });
    },
  };
}

/** What else is read of buckets and written to them. */
function dataCalls({ get }: Transport) {
  return {
    /** Appends each as an entry, in order, and stops at the first that is refused: see `line` and `committed` of the error. */
    appendMany: (bucket: string, entries: readonly Entry[]) =>
      get<AppendedMany>({
        method: "POST", path: inBucket(bucket, "/actions"), body: entries.map((e) => JSON.stringify(e)).join("\n"),
        headers: { "Content-Type": "application/x-ndjson" }, once: true,
      }),
    /** Undoes an entry, `WRITER:NUMBER`, or the last of this device. */
    undo: (bucket: string, entry?: string, key: string = crypto.randomUUID()) =>
      get<Undone>({
        method: "POST", path: inBucket(bucket, "/undo"), body: entry ? { entry } : { last: true }, headers: { "Idempotency-Key": key },
      }),
    /** All nodes of a query, page by page. */
    async *eachNode(bucket: string, query: PageQuery = {}): AsyncGenerator<Node, void, undefined> {
      for (let cursor = query.cursor; ;) {
        const page: Page = await get<Page>({ path: inBucket(bucket, "/nodes"), query: { ...query, cursor } });
        yield* page.nodes;
        if (page.next === null) return;
        cursor = page.next;
      }
    },
    /** What was written to a node, the last first. */
    history: (bucket: string, id: string, query: { readonly limit?: number; readonly cursor?: string } = {}) =>
      get<History>({ path: `${inNode(bucket, id)}/history`, query }),
    /** Entries in the order they reached this device. */
    log: (bucket: string, query: { readonly after?: string; readonly limit?: number } = {}) => get<Log>({ path: inBucket(bucket, "/log"), query }),
  };
}

/** What is done with buckets as a whole. */
function bucketCalls({ get }: Transport) {
  return {
    buckets: async () => (await get<{ buckets: readonly BucketStatus[] }>({ path: "/v1/buckets" })).buckets,
    bucket: (name: string) => get<BucketShown>({ path: inBucket(name) }),
    /** Sets the members named, on all devices; null takes one away. */
    changeBucket: (name: string, settings: Settings) => get<BucketShown>({ method: "PATCH", path: inBucket(name), body: { settings } }),
    /** Leaves a bucket; its file stays unless `purge`. */
    leaveBucket: (name: string, purge = false) => get<void>({ method: "DELETE", path: inBucket(name), query: { purge: purge || undefined } }),
    /** The JSON Schema that was set last; null when there is none. */
    schema: async (name: string) => (await get<{ schema: unknown }>({ path: inBucket(name, "/schema") })).schema,
  };
}

/** What concerns the daemon, its remotes and its apps. */
function deviceCalls({ get }: Transport) {
  return {
    /** Tells whether a daemon answers; never throws. */
    isThere: () => get({ path: "/healthz", once: true }).then(() => true, () => false),
    status: () => get<Status>({ path: "/v1/status" }),
    remotes: async () => (await get<{ remotes: readonly RemoteStatus[] }>({ path: "/v1/remotes" })).remotes,
    addRemote: (name: string, path: string) => get<RemoteStatus>({ method: "POST", path: "/v1/remotes", body: { name, path } }),
    removeRemote: (name: string) => get<void>({ method: "DELETE", path: `/v1/remotes/${encodeURIComponent(name)}` }),
    /** Syncs now, and waits for it. */
    sync: () => get<{ remotes: readonly RemoteStatus[] }>({ method: "POST", path: "/v1/sync" }),
    /** Asks for this app to be let in; `pair` does all steps. */
    askApp: (request: AppRequest) => get<AppAsked>({ method: "POST", path: "/v1/apps", body: request, once: true }),
    /** How the request stands, and once the token. `NotFound`: it is over. */
    pollApp: (id: string, secret: string) =>
      get<App>({ path: `/v1/apps/${encodeURIComponent(id)}`, headers: { "Setlogger-Secret": secret }, once: true }),
    /** Lets a program in, or the page of an `origin`, and answers its token; for callers with the scope admin. */
    addApp: (request: AppRequest & { readonly origin?: string }) =>
      get<AppAsked & { readonly token: string }>({ method: "POST", path: "/v1/apps", body: { ...request, approve: true }, once: true }),
    apps: async () => (await get<{ apps: readonly App[] }>({ path: "/v1/apps" })).apps,
    approveApp: (id: string) => get<App>({ method: "POST", path: `/v1/apps/${encodeURIComponent(id)}/approve` }),
    removeApp: (id: string) => get<void>({ method: "DELETE", path: `/v1/apps/${encodeURIComponent(id)}` }),
  };
}
