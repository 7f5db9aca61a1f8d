import { ArrayState } from "./array.js";
import { canonical, bytesOf, compareJson, type Json, type JsonObject } from "./json.js";
import {
  compareMarks, FIRST_STAMP, isBefore, laterMark, laterStamp, type Mark, NO_MARK, sameMark, type Stamp,
} from "./mark.js";
import { hex } from "./names.js";
import { type Place, placeAt, seenAt } from "./seen.js";
import { sha256 } from "./sha256.js";
import { keepTotal, type Total } from "./total.js";

/** One path of a node. All below it is above its floor: what a prefix overwrote is gone. */
export class Vertex {
  /** of the last write at the path; NO_MARK when there was none */
  mark: Mark = NO_MARK;
  /** what it wrote; `undefined` is "absent" */
  value: Json | undefined = undefined;
  /** of the counter */
  totals: readonly Total[] = [];
  /** each under another floor */
  arrays: readonly ArrayState[] = [];
  /** one step deeper */
  children: Map<string, Vertex> | undefined = undefined;

  /** Whether there was a write at the path itself. */
  get isWritten(): boolean {
    return this.mark !== NO_MARK;
  }

  get isEmpty(): boolean {
    return !this.isWritten && !this.isShared;
  }

  /** Whether the path holds more than a write: a counter, an array, or something deeper. */
  get isShared(): boolean {
    return this.totals.length > 0 || this.arrays.length > 0 || (this.children?.size ?? 0) > 0;
  }

  clone(): Vertex {
    const copy = new Vertex();
    copy.mark = this.mark;
    copy.value = this.value;
    copy.totals = this.totals;
    copy.arrays = this.arrays.map((array) => array.clone());
    if (this.children) copy.children = new Map([...this.children].map(([name, child]) => [name, child.clone()]));
    return copy;
  }

  child(name: string): Vertex | undefined {
    return this.children?.get(name);
  }

  /** The child of that name, made if there is none. */
  descend(name: string): Vertex {
    this.children ??= new Map();
    let child = this.children.get(name);
    if (!child) this.children.set(name, (child = new Vertex()));
    return child;
  }

  /** Writes a value here: the last writer wins; of equal marks "absent" is least, then canonical bytes decide. */
  write(mark: Mark, value: Json | undefined): void {
    const order = this.isWritten ? compareMarks(mark, this.mark) : 1;
    if (order < 0 || order === 0 && compareJson(value, this.value) <= 0) return;
    this.mark = mark;
    this.value = value;
    this.cut(mark);
  }

  /** The array here under a floor, made if there is none. */
  arrayUnder(floor: Mark): ArrayState {
    const found = this.array(floor);
    if (found) return found;
    const made = new ArrayState(floor);
    this.arrays = [...this.arrays, made].sort((a, b) => compareMarks(a.floor, b.floor));
    return made;
  }

  /** The array here under a floor, `undefined` when nothing arrived for it. */
  array(floor: Mark): ArrayState | undefined {
    return this.arrays.find((array) => sameMark(array.floor, floor));
  }

  /** Drops what lies below a floor here, the write itself too. */
  raise(floor: Mark): void {
    if (this.isWritten && isBefore(this.mark, floor)) {
      this.mark = NO_MARK;
      this.value = undefined;
    }
    this.cut(floor);
  }

  /** Drops counters, arrays and all deeper that lies below a floor. */
  private cut(floor: Mark): void {
    if (this.totals.length > 0) this.totals = this.totals.filter((total) => !isBefore(total.floor, floor));
    if (this.arrays.length > 0) this.arrays = this.arrays.filter((array) => !isBefore(array.floor, floor));
    if (!this.children) return;
    for (const [name, child] of this.children) {
      child.raise(floor);
      if (child.isEmpty) this.children.delete(name);
    }
    if (this.children.size === 0) this.children = undefined;
  }

  /** Takes in what another state of the same path holds. */
  merge(other: Vertex): void {
    if (other.isWritten) this.write(other.mark, other.value);
    for (const total of other.totals) {
      if (!isBefore(total.floor, this.mark)) this.totals = keepTotal(this.totals, total);
    }
    for (const array of other.arrays) {
      if (!isBefore(array.floor, this.mark)) this.arrayUnder(array.floor).merge(array);
    }
    for (const [name, child] of other.children ?? []) {
      const mine = this.descend(name);
      mine.merge(child);
      mine.raise(this.mark);
      if (mine.isEmpty) this.children?.delete(name);
    }
  }

  /** The highest stamp here and deeper. */
  newest(): Stamp {
    let newest: Stamp = this.mark;
    for (const total of this.totals) newest = laterStamp(newest, total.stamp);
    for (const array of this.arrays) newest = laterStamp(newest, array.newest);
    for (const child of this.children?.values() ?? []) newest = laterStamp(newest, child.newest());
    return newest;
  }
}

/** All that is known of a node. It changes as facts arrive; their order does not matter, nor how often they come. */
export class NodeState {
  /** the last create, NO_MARK if the last delete is later */
  created: Mark = NO_MARK;
  /** the last delete */
  deleted: Mark = NO_MARK;
  /** the N of rev */
  count = 0;
  root = new Vertex();

  clone(): NodeState {
    const copy = new NodeState();
    copy.created = this.created;
    copy.deleted = this.deleted;
    copy.count = this.count;
    copy.root = this.root.clone();
    return copy;
  }

  get isAlive(): boolean {
    return isBefore(this.deleted, this.created);
  }

  /** What is seen of the node, `null` when it is not alive. */
  value(): JsonObject | null {
    return this.isAlive ? (seenAt(this.root, this.deleted, {}) as JsonObject) : null;
  }

  /** `N-h`: a count of writes, and the first 10 bytes of the value's SHA-256 in hex. */
  rev(): string {
    return `${this.count}-${hex(sha256(bytesOf(canonical(this.value()))).subarray(0, 10))}`;
  }

  /** What one path holds. */
  at(path: readonly string[]): Place {
    return placeAt(this.root, this.deleted, path);
  }

  create(mark: Mark): void {
    if (isBefore(this.deleted, mark)) this.created = laterMark(this.created, mark);
  }

  delete(mark: Mark): void {
    if (!isBefore(this.deleted, mark)) return;
    this.deleted = mark;
    if (!isBefore(mark, this.created)) this.created = NO_MARK;
    this.root.raise(mark);
  }

  /** Writes a value at a path. */
  write(path: readonly string[], mark: Mark, value: Json | undefined): void {
    this.reach(path, mark)?.write(mark, value);
  }

  /** Takes the total of a run in. */
  total(path: readonly string[], total: Total): void {
    const vertex = this.reach(path, total.floor);
    if (vertex) vertex.totals = keepTotal(vertex.totals, total);
  }

  /** The array at a path under a floor, `undefined` when that is below another one, so that all about it is dropped. */
  array(path: readonly string[], floor: Mark): ArrayState | undefined {
    return this.reach(path, floor)?.arrayUnder(floor);
  }

  /** The vertex of a path, made if need be, unless a mark lies below a floor on the way there. */
  private reach(path: readonly string[], mark: Mark): Vertex | undefined {
    if (isBefore(mark, this.deleted)) return undefined;
    let vertex: Vertex | undefined = this.root;
    for (const step of path) {
      if (vertex && isBefore(mark, vertex.mark)) return undefined;
      vertex = vertex?.child(step);
    }
    if (vertex && isBefore(mark, vertex.mark)) return undefined;
    return path.reduce((at, step) => at.descend(step), this.root);
  }

  /** Takes in what another state of the same node holds. */
  merge(other: NodeState): void {
    this.count = Math.max(this.count, other.count);
    this.delete(other.deleted);
    this.create(other.created);
    this.root.merge(other.root);
    this.root.raise(this.deleted);
  }

  /** The highest stamp at a path, its prefixes and all that is deeper. */
  newestAt(path: readonly string[]): Stamp {
    let newest = FIRST_STAMP;
    let vertex: Vertex | undefined = this.root;
    for (const step of path) {
      vertex = vertex.child(step);
      if (!vertex) return newest;
      newest = laterStamp(newest, vertex.mark);
    }
    return laterStamp(newest, vertex.newest());
  }
}
