import type { NodeState } from "../model/node.js";
import { type Order, orderKey } from "../model/order.js";
import type { Chunks } from "./chunks.js";
import type { Indexes } from "./indexes.js";
import type { LinePlace, Nodes } from "./nodes.js";

/** A node that is certain as soon as its place in the order is reached. */
export interface Candidate {
  readonly id: string;
  /** where it stands in the order */
  readonly key: string;
  readonly places: readonly LinePlace[];
}

/** Where a node stands in an order. */
export function keyOf(order: Order, id: string, node: NodeState): string {
  return orderKey(order, id, node.created, node.value());
}

/**
 * Reads indexes whole, all but one: of their nodes, ids and places are kept.
 *
 * @throws FileError, FetchError
 */
export async function scan(
  indexes: Indexes, but: number | undefined, chunks: Chunks, nodes: Nodes, order: Order,
): Promise<Map<string, Candidate>> {
  const found = new Map<string, Candidate>();
  const shared = new Set<string>();
  for (const [index, { chunks: refs }] of indexes.all.entries()) {
    if (index === but) continue;
    for (const chunk of refs.keys()) {
      for (const { id, node } of (await chunks.get(indexes.all[index]!, chunk)).values()) {
        const before = found.get(id);
        if (before) shared.add(id);
        const places = [...(before?.places ?? []), { index, chunk }];
        found.set(id, { id, places, key: before ? "" : keyOf(order, id, nodes.whole(id, [node])) });
      }
    }
  }
  for (const id of shared) {
    const places = indexes.lasting(found.get(id)!.places);
    found.set(id, { id, places, key: keyOf(order, id, await nodes.at(id, places)) });
  }
  return found;
}
