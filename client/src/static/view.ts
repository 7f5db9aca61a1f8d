import { FileError, type SignatureCheck } from "../files/error.js";
import { type JsonObject, sameJson } from "../model/json.js";
import { isWriter } from "../model/names.js";
import type { NodeState } from "../model/node.js";
import { type Order, parseOrder } from "../model/order.js";
import { Chunks } from "./chunks.js";
import { Indexes } from "./indexes.js";
import { Nodes } from "./nodes.js";
import { type Found, Pages } from "./pages.js";
import { keyOf } from "./scan.js";
import { type Fetch, Share } from "./share.js";
import { Tail } from "./tail.js";
import { readView, type ViewFile, viewPath } from "./viewfile.js";

/** Which view is read, and how. */
export interface ViewOptions {
  /** of the folder of the share */
  readonly url: string;
  /** the bucket's name */
  readonly bucket: string;
  /** `globalThis.fetch` if it is left out */
  readonly fetch?: Fetch;
  /** the devices whose views are taken; any if they are left out */
  readonly devices?: readonly string[];
  /** how many nodes a page has, 100 if it is left out; the first one has those of the view's top */
  readonly pageSize?: number;
  /** how many chunks are kept in memory, 8 if it is left out */
  readonly chunks?: number;
}

/** A node of a view. */
export interface ViewNode {
  readonly id: string;
  readonly value: JsonObject;
  readonly rev: string;
  /** where it stands in the bucket's order: these sort as nodes do, character by character */
  readonly place: string;
}

/** What became of the nodes that were given out, since the view was read last. */
export type ViewChange =
  /** nothing */
  | { readonly type: "same" }
  /** these are other, new, or gone */
  | { readonly type: "change"; readonly nodes: readonly (ViewNode | { readonly id: string; readonly value: null })[] }
  /** the view begins anew: forget all nodes, and take `first` and `next()` again */
  | { readonly type: "reset" };

/** How a node that was given out stands. */
interface Standing {
  readonly node: NodeState;
  readonly rev: string;
  readonly place: string;
  readonly isAlive: boolean;
}

/**
 * Reads a bucket from static files, by its published view. One request gives the newest page.
 *
 * @throws FetchError, FileError
 */
export async function openView(options: ViewOptions): Promise<View> {
  const view = new View(options);
  await view.refresh();
  return view;
}

/** A bucket read from static files. One call at a time. */
export class View {
  private readonly share: Share;
  private readonly chunks: Chunks;
  private file!: ViewFile;
  private etag: string | undefined;
  private order!: Order;
  private tail!: Tail;
  /** nodes of this top and of those before, all given out */
  private top!: Map<string, NodeState>;
  private nodes: Nodes | undefined;
  private pages: Pages | undefined;
  /** the newest nodes in order, as the view was read last */
  first: readonly ViewNode[] = [];

  /** Use openView. */
  constructor(private readonly options: ViewOptions) {
    this.share = new Share(options.url, options.fetch ?? ((url, init) => globalThis.fetch(url, init)));
    this.chunks = new Chunks(this.share, options.chunks ?? 8);
  }

  /** How many nodes are alive. */
  get size(): number {
    return this.file.nodes;
  }

  /** When the view was written, Unix milliseconds. */
  get time(): number {
    return this.file.time;
  }

  /** Whether the view's signature could be checked. */
  get signature(): SignatureCheck {
    return this.file.signature;
  }

  /** Whether all nodes were given out. */
  get isDone(): boolean {
    if (this.pages) return this.pages.isDone;
    return [...this.top.keys()].filter((id) => this.standing(id)!.isAlive).length >= this.file.nodes;
  }

  /**
   * The nodes that come next in the bucket's order and were not given out, `undefined` when there are no more. Only nodes
   * come of which all is known; one that the tail moved to a place that was passed comes late, as its place tells.
   *
   * @throws FetchError; where a file is missing, refresh and go on. FileError
   */
  async next(): Promise<readonly ViewNode[] | undefined> {
    const page: ViewNode[] = [];
    try {
      await this.fill(page, this.options.pageSize ?? 100);
    } catch (error) {
      if (page.length === 0) throw error; // else the next call meets it again
    }
    return page.length > 0 ? page : undefined;
  }

  private async fill(page: ViewNode[], size: number): Promise<void> {
    while (page.length < size && !this.isDone) {
      this.pages ??= await this.startPages();
      for (const { id, places } of await this.pages.next(size - page.length)) {
        const node = await this.nodes!.at(id, places);
        if (node.isAlive && !this.top.has(id)) page.push(this.told(id, node));
        this.pages.drop(1);
      }
    }
  }

  private async startPages(): Promise<Pages> {
    const { share, chunks, tail, order } = this;
    await tail.readAndFold(this.file); // what was given out so far is of the top, which has it
    const indexes = await Indexes.load(share, this.file);
    const nodes = (this.nodes = new Nodes(indexes, chunks, tail));
    return new Pages({ indexes, chunks, tail, nodes, order, orderNames: this.file.order });
  }

  /**
   * The nodes between two places, both included, that were given out, as they are now: for a list that forgets what is far from
   * the screen. It reads chunks again.
   *
   * @throws FetchError, FileError
   */
  async between(first: string, last: string): Promise<readonly ViewNode[]> {
    const found = new Map<string, ViewNode>();
    for (const { id, places } of (await this.pages?.between(first, last)) ?? []) {
      const node = await this.nodes!.at(id, places);
      if (node.isAlive) found.set(id, this.told(id, node));
    }
    for (const id of this.top.keys()) {
      if (found.has(id)) continue;
      const { node, place, isAlive } = this.standing(id)!;
      if (isAlive && first <= place && place <= last) found.set(id, this.told(id, node));
    }
    return [...found.values()].sort((a, b) => (a.place < b.place ? -1 : 1));
  }

  private told(id: string, node: NodeState): ViewNode {
    return { id, value: node.value()!, rev: node.rev(), place: keyOf(this.order, id, node) };
  }

  /**
   * Looks whether the view was written again, and answers what became of the nodes that were given out.
   *
   * @throws FetchError, FileError; all stays as it was then.
   */
  async refresh(): Promise<ViewChange> {
    const version = await this.share.newer(viewPath(this.options.bucket), this.etag);
    if (!version) return { type: "same" };
    const file = await readView(version.data, this.options.bucket);
    const { devices } = this.options;
    if (devices && !(isWriter(file.device) && devices.includes(file.device) && file.signature === "valid")) {
      throw new FileError("other", "the view is of a device that is not trusted");
    }
    const change = await this.take(file);
    this.etag = version.etag;
    return change;
  }

  private async take(file: ViewFile): Promise<ViewChange> {
    const old = this.file as ViewFile | undefined;
    if (old && old.device === file.device && file.count <= old.count) return { type: "same" };
    const isSame = old && sameJson(indexNames(old), indexNames(file)) && sameJson(old.order, file.order) && sameJson(old.births, file.births);
    if (!isSame) {
      this.begin(file);
      return { type: "reset" };
    }
    const late = await this.tail.read(file);
    const ids = new Set([...late.ids, ...file.top.map(({ id }) => id)]);
    const found = (await this.pages?.find(ids)) ?? new Map<string, Found>();
    const before = new Map([...ids].map((id) => [id, this.standing(id, found.get(id))]));
    this.tail.fold(late); // nothing fails from here on
    this.file = file;
    this.takeTop(file);
    this.pages?.again(late.ids, found);
    return this.changes(before, found);
  }

  private begin(file: ViewFile): void {
    this.file = file;
    this.order = parseOrder(file.order);
    this.tail = new Tail(this.share);
    this.nodes = this.pages = undefined;
    this.top = new Map();
    this.takeTop(file);
  }

  /** Whoever was in the top stays known: the tail says what became of it. */
  private takeTop(file: ViewFile): void {
    for (const { id, node } of file.top) this.top.set(id, node);
    this.first = file.top.map(({ id, node }) => this.told(id, node));
  }

  private changes(before: ReadonlyMap<string, Standing | undefined>, found: ReadonlyMap<string, Found>): ViewChange {
    const nodes: (ViewNode | { id: string; value: null })[] = [];
    for (const [id, was] of before) {
      const is = this.standing(id, found.get(id));
      if (!is || (is.rev === was?.rev && is.place === was.place)) continue;
      if (is.isAlive) nodes.push(this.told(id, is.node));
      else if (was?.isAlive) nodes.push({ id, value: null });
    }
    return nodes.length > 0 ? { type: "change", nodes } : { type: "same" };
  }

  /** How a node stands by its lines or as the top told it, with the tail; `undefined` for one that was not given out. */
  private standing(id: string, found?: Found): Standing | undefined {
    const top = this.top.get(id);
    if (!top && !found?.isOut) return undefined;
    const node = found ? this.nodes!.whole(id, found.parts) : merged(top!, this.tail.state.nodes.get(id));
    return { node, rev: node.rev(), place: keyOf(this.order, id, node), isAlive: node.isAlive };
  }
}

function merged(top: NodeState, late: NodeState | undefined): NodeState {
  const node = top.clone();
  if (late) node.merge(late);
  return node;
}

function indexNames(file: ViewFile): readonly string[] {
  return file.indexes.map(({ name }) => name);
}
