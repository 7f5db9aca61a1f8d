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

/** Reads indexes whole, all but one: of their nodes, ids and places are kept. It goes on where it was when a file was not there. */
export class Scan {
  readonly found = new Map<string, Candidate>();
  /** ids of which several lines may count, and are not put together yet */
  private readonly shared = new Set<string>();
  private readonly todo: LinePlace[] = [];

  constructor(
    private readonly indexes: Indexes, but: number | undefined, private readonly chunks: Chunks, private readonly nodes: Nodes,
    private readonly order: Order,
  ) {
    for (const [index, { chunks: refs }] of indexes.all.entries()) {
      if (index !== but) for (const chunk of refs.keys()) this.todo.push({ index, chunk });
    }
    this.todo.reverse();
  }

  /** Reads to the end; throws FileError or FetchError. */
  async run(): Promise<void> {
    for (let place = this.todo.at(-1); place; place = this.todo.at(-1)) {
      await this.read(place);
      this.todo.pop();
    }
    for (const id of this.shared) {
      const places = this.indexes.lasting(this.found.get(id)!.places);
      this.found.set(id, { id, places, key: keyOf(this.order, id, await this.nodes.at(id, places)) });
      this.shared.delete(id);
    }
  }

  private async read(place: LinePlace): Promise<void> {
    const told = await this.chunks.get(this.indexes.all[place.index]!, place.chunk);
    for (const { id, node } of told.values()) {
      const before = this.found.get(id);
      if (before) this.shared.add(id);
      const places = [...(before?.places ?? []), place];
      this.found.set(id, { id, places, key: before ? "" : keyOf(this.order, id, this.nodes.whole(id, [node])) });
    }
  }

  /** Puts nodes together anew that the tail said more of. */
  again(ids: ReadonlySet<string>): void {
    for (const id of ids) {
      if (this.found.has(id)) this.shared.add(id);
    }
  }
}
