import type { Index } from "../files/indexfile.js";
import type { ToldNode } from "../model/delta.js";
import type { NodeState } from "../model/node.js";
import type { Order } from "../model/order.js";
import type { Chunks } from "./chunks.js";
import type { Indexes } from "./indexes.js";
import type { Nodes } from "./nodes.js";
import { ReadChunks } from "./readchunks.js";
import { type Candidate, keyOf, Scan } from "./scan.js";
import type { Tail } from "./tail.js";

/** What pages are made of. */
export interface PageSources {
  readonly indexes: Indexes;
  readonly chunks: Chunks;
  readonly tail: Tail;
  readonly nodes: Nodes;
  readonly order: Order;
  readonly orderNames: readonly string[];
}

/** A node of which something was read, with what its lines say. */
export interface Found extends Candidate {
  readonly parts: readonly NodeState[];
  /** whether it was given out */
  readonly isOut: boolean;
}

/**
 * The nodes of a view in order, of which only those come that are certain. Of a node that stands in the one index that is not
 * read whole, and that the tail does not name, it keeps a hash once it was given out.
 */
export class Pages {
  /** not given out yet; sorted, those that come first at the end */
  private queue: Candidate[] = [];
  /** those that the lines of that index do not tell all of: from indexes read whole, or named by the tail */
  private readonly apart = new Map<string, Candidate>();
  private readonly scan: Scan;
  private isScanned = false;
  private readonly oldest: number | undefined;
  private readonly read = new ReadChunks();
  /** up to where the order is known; `undefined` when it is known to its end */
  private frontier: string | undefined = "";

  constructor(private readonly sources: PageSources) {
    const { indexes, chunks, nodes, order, orderNames } = sources;
    this.oldest = indexes.oldest(orderNames);
    this.scan = new Scan(indexes, this.oldest, chunks, nodes, order);
  }

  /** Whether all was given out. */
  get isDone(): boolean {
    return this.frontier === undefined && this.queue.length === 0;
  }

  /**
   * Up to n candidates that come next, fewer at the end. They come again until they are dropped.
   *
   * @throws FileError, FetchError; what could not be read is asked for again by the next call.
   */
  async next(n: number): Promise<Candidate[]> {
    await this.begin();
    while (this.frontier !== undefined && this.certain() < n) await this.advance();
    const count = Math.min(n, this.certain());
    return this.queue.slice(this.queue.length - count).reverse();
  }

  /** Takes as many candidates out of those that come next. */
  drop(n: number): void {
    this.queue.length -= n;
  }

  /**
   * Those that were given out and stand between two places, both included, in order.
   *
   * @throws FileError, FetchError
   */
  async between(first: string, last: string): Promise<Candidate[]> {
    const found = [...this.apart.values()].filter(({ key }) => first <= key && key <= last);
    for (const chunk of this.read.between(first, last)) {
      const all = [...(await this.chunk(chunk)).values()];
      for (let i = this.firstFrom(all, first); i < all.length; i++) {
        const candidate = this.plain(all[i]!, chunk);
        if (candidate.key > last) break;
        if (!this.apart.has(candidate.id)) found.push(candidate);
      }
    }
    return found.filter(({ key }) => !this.isQueued(key)).sort((a, b) => byKey(b, a));
  }

  /** The first of a chunk's lines that does not stand before a place. */
  private firstFrom(all: readonly ToldNode[], place: string): number {
    const { order } = this.sources;
    return firstThat(all.length, (i) => keyOf(order, all[i]!.id, all[i]!.node) >= place);
  }

  /**
   * What was read of some nodes; those of which nothing was are left out. Nothing changes.
   *
   * @throws FileError, FetchError
   */
  async find(ids: ReadonlySet<string>): Promise<Map<string, Found>> {
    const found = new Map<string, Found>();
    if (!this.isScanned) return found;
    const may = [...ids].map((id) => ({ id, chunks: this.apart.has(id) ? [] : this.read.withId(id) }));
    may.sort((a, b) => (a.chunks[0] ?? -1) - (b.chunks[0] ?? -1)); // those of one chunk beside each other
    for (const { id, chunks } of may) {
      const candidate = this.apart.get(id) ?? (await this.seek(id, chunks));
      if (!candidate) continue;
      const parts = await this.sources.nodes.parts(id, candidate.places);
      found.set(id, { ...candidate, parts, isOut: !this.isQueued(candidate.key) });
    }
    return found;
  }

  private async seek(id: string, chunks: readonly number[]): Promise<Candidate | undefined> {
    for (const chunk of chunks) {
      const told = (await this.chunk(chunk)).get(id);
      if (told) return this.plain(told, chunk);
    }
    return undefined;
  }

  /** Puts nodes to where they stand, now that the tail says more of some that it names; `found` are those of which something was read. */
  again(ids: ReadonlySet<string>, found: ReadonlyMap<string, Found>): void {
    if (!this.isScanned) return this.scan.again(ids);
    const { nodes, order } = this.sources;
    for (const { id, places, parts } of found.values()) {
      if (ids.has(id)) this.apart.set(id, { id, places, key: keyOf(order, id, nodes.whole(id, parts)) });
    }
    this.queue = this.queue.map((candidate) => (ids.has(candidate.id) ? this.apart.get(candidate.id)! : candidate));
    if (this.frontier === undefined) this.addLate();
    this.queue.sort(byKey);
  }

  private isQueued(key: string): boolean {
    return this.queue[firstThat(this.queue.length, (i) => this.queue[i]!.key <= key)]?.key === key;
  }

  /** How many of the queue do not stand behind the frontier. */
  private certain(): number {
    const { frontier, queue } = this;
    return queue.length - (frontier === undefined ? 0 : firstThat(queue.length, (i) => queue[i]!.key <= frontier));
  }

  private async begin(): Promise<void> {
    if (this.isScanned) return;
    await this.scan.run();
    this.isScanned = true;
    for (const [id, candidate] of this.scan.found) this.apart.set(id, candidate);
    this.queue = [...this.apart.values()].sort(byKey);
    if (this.oldest === undefined || this.index.chunks.length === 0) this.end();
  }

  private get index(): Index {
    return this.sources.indexes.all[this.oldest!]!;
  }

  private chunk(chunk: number): ReturnType<Chunks["get"]> {
    return this.sources.chunks.get(this.index, chunk);
  }

  private plain({ id, node }: ToldNode, chunk: number): Candidate {
    return { id, places: [{ index: this.oldest!, chunk }], key: keyOf(this.sources.order, id, node) };
  }

  /** Reads the next chunk. */
  private async advance(): Promise<void> {
    const { tail, nodes, order } = this.sources;
    const number = this.read.count;
    const told = await this.chunk(number);
    let last = this.frontier!;
    for (const one of told.values()) {
      const plain = this.plain(one, number);
      last = plain.key;
      if (this.scan.found.has(one.id)) continue;
      const isNamed = tail.state.nodes.has(one.id);
      const candidate = isNamed ? { ...plain, key: keyOf(order, one.id, nodes.whole(one.id, [one.node])) } : plain;
      if (isNamed) this.apart.set(one.id, candidate);
      this.queue.push(candidate);
    }
    this.read.add(told.keys(), last);
    this.frontier = last;
    if (this.read.count === this.index.chunks.length) this.end();
    this.queue.sort(byKey);
  }

  /** Now that all lines were read, the tail tells all of what no line has. */
  private end(): void {
    this.frontier = undefined;
    this.addLate();
    this.queue.sort(byKey);
  }

  private addLate(): void {
    const { tail, nodes, order } = this.sources;
    for (const id of tail.state.nodes.keys()) {
      if (this.apart.has(id)) continue;
      const candidate = { id, places: [], key: keyOf(order, id, nodes.whole(id, [])) };
      this.apart.set(id, candidate);
      this.queue.push(candidate);
    }
  }
}

/** The last one first. */
function byKey(a: Candidate, b: Candidate): number {
  return a.key < b.key ? 1 : -Number(a.key > b.key);
}

/** The first index for which something holds that holds for all behind it; n if it holds for none. */
function firstThat(n: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
