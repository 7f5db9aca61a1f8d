import type { View, ViewNode } from "setlogger/static";

/** A stretch of the list, as far as it was read: it begins behind the one before it. */
interface Block {
  count: number;
  /** the place of its last node */
  last: string;
  nodes?: readonly ViewNode[];
  /** they are to be read again */
  isOld?: boolean;
  /** when its nodes were last asked for */
  used: number;
}

/** How many blocks keep their nodes: those asked for last. */
const KEPT = 8;

/** How long it rests when something could not be read, in milliseconds. */
const RETRY = 2000;

/** The rows of a feed. Of those far from the screen it keeps how many they are; they are read again when they are asked for. */
export class Rows {
  private blocks: Block[] = [];
  private clock = 0;
  private isBusy = false;
  /** Why what was asked for last could not be read. */
  trouble: unknown;

  /** `changed` is called when more is known; `given` with each page that was read for the first time. */
  constructor(private readonly view: View, private readonly changed: () => void, private readonly given: (nodes: readonly ViewNode[]) => void) {
    this.begin();
  }

  /** How many are known so far. */
  get count(): number {
    return this.blocks.reduce((sum, { count }) => sum + count, 0);
  }

  /** Whether these are all. */
  get isDone(): boolean {
    return this.view.isDone;
  }

  /** How many rows are held in memory. */
  get held(): number {
    return this.blocks.reduce((sum, { nodes }) => sum + (nodes?.length ?? 0), 0);
  }

  /** Rows from one number up to another; `undefined` stands for those that are being read. */
  slice(from: number, to: number): (ViewNode | undefined)[] {
    const rows: (ViewNode | undefined)[] = [];
    const missing: number[] = [];
    let start = 0;
    for (const [i, block] of this.blocks.entries()) {
      const end = start + block.count;
      if (end > from && start < to) {
        block.used = ++this.clock;
        if (!block.nodes || block.isOld) missing.push(i);
        for (let row = Math.max(from, start); row < Math.min(to, end); row++) rows.push(block.nodes?.[row - start]);
      }
      start = end;
    }
    if (missing.length > 0) void this.run(() => this.load(missing));
    else if (to > start && !this.isDone) void this.run(() => this.more());
    return rows;
  }

  /** Looks for what changed. */
  refresh(): void {
    void this.run(() => this.look());
  }

  /** A view takes one call at a time: what is asked for meanwhile is asked for again by `changed`. */
  private async run(work: () => Promise<void>): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      if (this.trouble) await this.look(); // a file may be gone that the view no longer names
      await work();
      this.trouble = undefined;
    } catch (error) {
      this.trouble = error;
      await new Promise((resolve) => setTimeout(resolve, RETRY));
    }
    this.isBusy = false;
    this.changed();
  }

  private async look(): Promise<void> {
    const { type } = await this.view.refresh();
    if (type === "reset") this.begin();
    else if (type === "change") for (const block of this.blocks) block.isOld = true;
  }

  private begin(): void {
    this.blocks = [];
    this.add(this.view.first);
  }

  private async more(): Promise<void> {
    this.add((await this.view.next()) ?? []);
  }

  /** Adds a page. Some of its nodes may belong to where the list was read already. */
  private add(page: readonly ViewNode[]): void {
    this.given(page);
    const behind = this.blocks.at(-1)?.last ?? "";
    const nodes = page.filter(({ place }) => place > behind);
    for (const { place } of page) if (place <= behind) this.miscounted(place);
    const last = nodes.at(-1);
    if (last) this.blocks.push({ count: nodes.length, last: last.place, nodes, used: ++this.clock });
    this.forget();
  }

  private miscounted(place: string): void {
    const block = this.blocks.find(({ last }) => place <= last)!;
    block.count++;
    block.isOld = true;
  }

  private async load(missing: readonly number[]): Promise<void> {
    for (const i of missing) {
      const block = this.blocks[i]!;
      const before = this.blocks[i - 1]?.last;
      const nodes = await this.view.between(before === undefined ? "" : before + "\0", block.last);
      Object.assign(block, { nodes, count: nodes.length, isOld: false });
    }
    this.forget();
  }

  private forget(): void {
    const held = this.blocks.filter(({ nodes }) => nodes).sort((a, b) => b.used - a.used);
    for (const block of held.slice(KEPT)) delete block.nodes;
  }
}
