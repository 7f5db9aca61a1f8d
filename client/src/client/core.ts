import type { Call, Transport } from "./call.js";
import type { Appended, BucketStatus, Entry, Node, Page, PageQuery } from "./messages.js";

/** Path of a bucket, or of what is in it. */
export const inBucket = (bucket: string, rest = "") => `/v1/buckets/${encodeURIComponent(bucket)}${rest}`;
/** Path of a node. */
export const inNode = (bucket: string, id: string) => inBucket(bucket, `/nodes/${encodeURIComponent(id)}`);

/** The calls that a store makes: those alone, so that a bundle with the enhancer has no others. */
export type CoreCalls = ReturnType<typeof coreCalls>;

/** Makes the calls of a transport. */
export function coreCalls({ get }: Transport) {
  return {
    /** Appends one entry, with the headers of the call. It is on the disk when the answer comes. */
    append: (bucket: string, entry: Entry, call: Pick<Call, "headers" | "once" | "signal">) =>
      get<Appended>({ ...call, method: "POST", path: inBucket(bucket, "/actions"), body: entry }),
    /** One node, as it is or as it was at a moment. Absent: `NotFound`. */
    node: (bucket: string, id: string, at?: string) => get<Node>({ path: inNode(bucket, id), query: { at } }),
    /** A page of nodes. */
    nodes: (bucket: string, query?: PageQuery) => get<Page>({ path: inBucket(bucket, "/nodes"), query }),
    /** Makes or joins a bucket; again changes nothing. */
    makeBucket: (bucket: { readonly name: string; readonly remote?: string; readonly join?: boolean; readonly merge?: boolean }) =>
      get<BucketStatus>({ method: "POST", path: "/v1/buckets", body: bucket }),
  };
}
