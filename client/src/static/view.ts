import { FileError, type SignatureCheck } from "../files/error.js";
import { type JsonObject, sameJson } from "../model/json.js";
import { isWriter } from "../model/names.js";
import type { NodeState } from "../model/node.js";
import { type Order, parseOrder } from "../model/order.js";
import { Chunks } from "./chunks.js";
import { Indexes } from "./indexes.js";
import { type LinePlace, Nodes } from "./nodes.js";
import { Pages } from "./pages.js";
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

interface Given {
  readonly rev: string;
  readonly place: string;
  readonly isAlive: boolean;
  /** `undefined` for a node that the top alone has told so far */
  readonly places: readonly LinePlace[] | undefined;
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
  private top!: Map<string, NodeState>;
  private nodes: Nodes | undefined;
  private pages: Pages | undefined;
  private given!: Map<string, Given>;
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
    return [...this.given.values()].filter(({ isAlive }) => isAlive).length >= this.file.nodes;
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
        const given = this.given.get(id);
        if (!given?.places) {
          const node = await this.nodes!.at(id, places);
          this.give(id, node, places);
          if (node.isAlive && !given) page.push(this.told(id, node));
        }
        this.pages.drop(1);
      }
    }
  }

  private async startPages(): Promise<Pages> {
    const { share, chunks, tail, order } = this;
    const left = tail.takeNamed();
    await tail.read(this.file);
    tail.takeNamed(); // what was given out so far is of the top, which has it
    tail.name(left);
    const indexes = await Indexes.load(share, this.file);
    const nodes = (this.nodes = new Nodes(indexes, chunks, tail));
    return new Pages({ indexes, chunks, tail, nodes, order, orderNames: this.file.order });
  }

  private give(id: string, node: NodeState, places: readonly LinePlace[] | undefined): void {
    this.given.set(id, { rev: node.rev(), place: keyOf(this.order, id, node), isAlive: node.isAlive, places });
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
    await this.tail.read(file);
    this.file = file;
    this.takeTop(file);
    const named = this.tail.takeNamed();
    try {
      await this.pages?.again(named);
      return await this.changes(named);
    } catch (error) {
      this.tail.name(named); // for the next time
      throw error;
    }
  }

  private begin(file: ViewFile): void {
    this.file = file;
    this.order = parseOrder(file.order);
    this.tail = new Tail(this.share);
    this.nodes = this.pages = undefined;
    this.given = new Map();
    this.top = new Map();
    this.takeTop(file);
    for (const { id, node } of file.top) this.give(id, node, undefined);
  }

  /** Whoever was in the top stays known: the tail says what became of it. */
  private takeTop(file: ViewFile): void {
    for (const { id, node } of file.top) this.top.set(id, node);
    this.first = file.top.map(({ id, node }) => this.told(id, node));
  }

  private async changes(named: ReadonlySet<string>): Promise<ViewChange> {
    const nodes: (ViewNode | { id: string; value: null })[] = [];
    for (const id of this.byPlace(new Set([...named, ...this.file.top.map(({ id }) => id)]))) {
      const given = this.given.get(id);
      const node = await this.whole(id, given?.places);
      if (node.rev() === given?.rev && keyOf(this.order, id, node) === given.place) continue;
      this.give(id, node, given?.places);
      if (node.isAlive) nodes.push(this.told(id, node));
      else if (given?.isAlive) nodes.push({ id, value: null });
    }
    return nodes.length > 0 ? { type: "change", nodes } : { type: "same" };
  }

  /** Those of which something was given out, or is in the top; such as stand in one chunk beside each other. */
  private byPlace(ids: ReadonlySet<string>): string[] {
    const place = (id: string): number => {
      const at = this.given.get(id)?.places?.[0];
      return at ? at.index * 2 ** 20 + at.chunk : -1;
    };
    return [...ids].filter((id) => this.given.has(id) || this.top.has(id)).sort((a, b) => place(a) - place(b));
  }

  /** A node from its lines, or as the top told it, with the tail. */
  private async whole(id: string, places: readonly LinePlace[] | undefined): Promise<NodeState> {
    if (places && this.nodes) return this.nodes.at(id, places);
    const node = this.top.get(id)!.clone();
    const late = this.tail.state.nodes.get(id);
    if (late) node.merge(late);
    return node;
  }
}

function indexNames(file: ViewFile): readonly string[] {
  return file.indexes.map(({ name }) => name);
}
