import type { AskAction } from "./asks.js";
import { troubleOf } from "./lanes.js";
import type { EngineSide } from "./side.js";
import { bucketIn } from "./state.js";

/** Loads the next page of a list of a bucket, or the first one anew. */
export type Load = (bucket: string, page: string, ask: AskAction & { type: "setlogger/LOAD_MORE" }) => Promise<void>;

/** Makes what loads pages. While a list loads, and at its end, it does nothing. */
export function createLoad({ client, gate, tell, slice }: EngineSide): Load {
  const loading = new Set<string>();
  return async (bucket, page, { query, anew }) => {
    const state = slice();
    const cursor = anew || !state ? undefined : bucketIn(state, bucket).pages[page]?.next;
    const name = JSON.stringify([bucket, page]);
    if (loading.has(name)) return;
    loading.add(name);
    try {
      const { nodes, next } = cursor === null ? { nodes: [], next: cursor } : await client.nodes(bucket, { ...query, ...(cursor && { cursor }) });
      gate.pass(bucket, () => {
        tell({ type: "setlogger/CHANGED", bucket, nodes });
        tell({ type: "setlogger/PAGE", bucket, page, ids: nodes.map(({ id }) => id), next, anew });
      });
    } catch (error) {
      tell({ type: "setlogger/PAGE_FAILED", bucket, page, error: troubleOf(error) });
    }
    loading.delete(name);
  };
}
