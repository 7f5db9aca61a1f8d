import { NodeState } from "../model/node.js";
import type { Chunks } from "./chunks.js";
import type { Indexes } from "./indexes.js";
import type { Tail } from "./tail.js";

/** Where a line of a node stands. */
export interface LinePlace {
  /** the place of the index among those of the view */
  readonly index: number;
  /** the place of the chunk in it */
  readonly chunk: number;
}

/** Puts nodes together from lines that stand in chunks, and from the tail. */
export class Nodes {
  constructor(private readonly indexes: Indexes, private readonly chunks: Chunks, private readonly tail: Tail) {}

  /**
   * What the lines at some places say of a node; not to be changed.
   *
   * @throws FileError, FetchError
   */
  async parts(id: string, places: readonly LinePlace[]): Promise<NodeState[]> {
    const parts: NodeState[] = [];
    for (const { index, chunk } of places) {
      const told = (await this.chunks.get(this.indexes.all[index]!, chunk)).get(id);
      if (told) parts.push(told.node);
    }
    return parts;
  }

  /**
   * A node as the lines at some places and the tail make it; not to be changed.
   *
   * @throws FileError, FetchError
   */
  async at(id: string, places: readonly LinePlace[]): Promise<NodeState> {
    return this.whole(id, await this.parts(id, places));
  }

  /** A node as all that indexes hold of it and the tail make it; not to be changed. */
  whole(id: string, parts: readonly NodeState[]): NodeState {
    const late = this.tail.state.nodes.get(id);
    const all = late ? [...parts, late] : parts;
    if (all.length === 1) return all[0]!;
    const node = new NodeState();
    for (const part of all) node.merge(part);
    return node;
  }
}
