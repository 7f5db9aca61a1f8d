import type { Transport } from "./call.js";
import type { Appended, BucketStatus, Entry, Node, Page, PageQuery } from "./messages.js";

/** What goes with an append. `key`: a repeat with it appends nothing; a fresh one unless given. `once`: no key, and no repeat. */
export interface AppendOptions {
  readonly key?: string;
  /** Rev that the one node touched must have, else `Changed`. */
  readonly ifMatch?: string;
  readonly once?: boolean;
  readonly signal?: AbortSignal;
}

/** Path of a bucket, or of what is in it. */
export const inBucket = (bucket: string, rest = "") => `/v1/buckets/${encodeURIComponent(bucket)}${rest}`;
/** Path of a node. */
export const inNode = (bucket: string, id: string) => inBucket(bucket, `/nodes/${encodeURIComponent(id)}`);

/** The calls that a store makes: those alone, so that a bundle with the enhancer has no others. */
export type CoreCalls = ReturnType<typeof coreCalls>;

/** Makes the calls of a transport. */
export function coreCalls({ get }: Transport) {
  return {
    /** Appends one entry: an action, or a transaction. It is on the disk when the answer comes. */
    append(bucket: string, entry: Entry, o: AppendOptions = {}): Promise<Appended> {
      const headers: Record<string, string> = {};
      if (!o.once) headers["Idempotency-Key"] = o.key ?? crypto.randomUUID();
      if (o.ifMatch) headers["If-Match"] = `"${o.ifMatch}"`;
      return get({ method: "POST", path: inBucket(bucket, "/actions"), body: entry, headers, once: !!o.once, signal: o.signal });
    },
    /** One node, as it is or as it was at a moment. Absent: `NotFound`. */
    node: (bucket: string, id: string, at?: string) => get<Node>({ path: inNode(bucket, id), query: { at } }),
    /** A page of nodes. */
    nodes: (bucket: string, query: PageQuery = {}) => get<Page>({ path: inBucket(bucket, "/nodes"), query }),
    /** Makes or joins a bucket; again changes nothing. */
    makeBucket: (bucket: { readonly name: string; readonly remote?: string; readonly join?: boolean; readonly merge?: boolean }) =>
      get<BucketStatus>({ method: "POST", path: "/v1/buckets", body: bucket }),
  };
}
