import type { Index } from "../files/indexfile.js";
import type { Order } from "../model/order.js";
import type { Chunks } from "./chunks.js";
import type { Indexes } from "./indexes.js";
import type { LinePlace, Nodes } from "./nodes.js";
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

/** The nodes of a view in order, of which only those come that are certain. Its memory is ids and places, no values. */
export class Pages {
  /** not given out yet; sorted, those that come first at the end */
  private queue: Candidate[] = [];
  /** from indexes read whole */
  private readonly scan: Scan;
  private isScanned = false;
  private readonly oldest: number | undefined;
  private chunk = 0;
  /** ids of the lines that were read */
  private readonly met = new Set<string>();
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

  /** Puts candidates to where they stand after the tail said more of them. */
  async again(ids: ReadonlySet<string>): Promise<void> {
    if (!this.isScanned) return this.scan.again(ids);
    for (const [i, candidate] of this.queue.entries()) {
      if (ids.has(candidate.id)) this.queue[i] = await this.keyed(candidate.id, candidate.places);
    }
    if (this.frontier === undefined) this.addLate();
    this.queue.sort(byKey);
  }

  private async keyed(id: string, places: readonly LinePlace[]): Promise<Candidate> {
    const { nodes, order } = this.sources;
    return { id, places, key: keyOf(order, id, await nodes.at(id, places)) };
  }

  /** How many of the queue do not stand behind the frontier. */
  private certain(): number {
    const { frontier, queue } = this;
    if (frontier === undefined) return queue.length;
    let low = 0;
    let high = queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (queue[middle]!.key > frontier) low = middle + 1;
      else high = middle;
    }
    return queue.length - low;
  }

  private async begin(): Promise<void> {
    if (this.isScanned) return;
    await this.scan.run();
    this.isScanned = true;
    for (const id of this.scan.found.keys()) this.met.add(id);
    this.queue = [...this.scan.found.values()].sort(byKey);
    if (this.oldest === undefined || this.index.chunks.length === 0) this.end();
  }

  private get index(): Index {
    return this.sources.indexes.all[this.oldest!]!;
  }

  /** Reads the next chunk. */
  private async advance(): Promise<void> {
    const { chunks, nodes, order } = this.sources;
    const place = { index: this.oldest!, chunk: this.chunk };
    let last = this.frontier!;
    const told = await chunks.get(this.index, this.chunk);
    const places = [place];
    for (const { id, node } of told.values()) {
      last = keyOf(order, id, node);
      if (this.scan.found.has(id)) continue;
      this.met.add(id);
      this.queue.push({ id, places, key: keyOf(order, id, nodes.whole(id, [node])) });
    }
    this.frontier = last;
    if (++this.chunk === this.index.chunks.length) this.end();
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
      if (this.met.has(id)) continue;
      this.met.add(id);
      this.queue.push({ id, places: [], key: keyOf(order, id, nodes.whole(id, [])) });
    }
  }
}

/** The last one first. */
function byKey(a: Candidate, b: Candidate): number {
  return a.key < b.key ? 1 : -Number(a.key > b.key);
}
