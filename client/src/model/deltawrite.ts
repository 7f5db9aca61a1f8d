import type { ArrayState, MovedElement, SetElement } from "./array.js";
import { ArrayWriter } from "./deltawritearray.js";
import { isArray, isObject, type Json, type JsonObject, member, sameJson, setMember } from "./json.js";
import { isBefore, type Mark, NO_MARK, sameMark, stampText, writeMark } from "./mark.js";
import type { NodeState, Vertex } from "./node.js";
import type { Seen } from "./deltaarray.js";
import { compareSlots, type SlotId } from "./slots.js";
import type { Total } from "./total.js";

/** A node as a line of a chunk tells it (docs/format.md, A node's state); its canonical text is the line. */
export function writeDelta(id: string, node: NodeState): JsonObject {
  const marks = new Marks();
  collect(marks, node);
  const value = node.value();
  const writer = new LineWriter(marks);
  return {
    id,
    value,
    ...(!node.root.isEmpty && { at: writer.vertex(node.root, value ?? undefined, { floor: node.deleted, plain: {} }) }),
    ...(node.count > 0 && { count: node.count }),
    ...marks.member("created", node.created),
    ...marks.member("deleted", node.deleted),
    ...(marks.list.length > 0 && { marks: marks.list.map(writeMark) }),
  };
}

/** The marks that a line refers to by place, from 1. */
export class Marks {
  readonly list: Mark[] = [];

  add(mark: Mark): void {
    if (!sameMark(mark, NO_MARK) && this.place(mark) === 0) this.list.push(mark);
  }

  /** The place of a mark, 0 for none. */
  place(mark: Mark): number {
    return this.list.findIndex((other) => sameMark(other, mark)) + 1;
  }

  /** A member that is a mark, left out when there is none. */
  member(name: string, mark: Mark): JsonObject {
    return sameMark(mark, NO_MARK) ? {} : { [name]: this.place(mark) };
  }
}

function collect(marks: Marks, node: NodeState): void {
  marks.add(node.created);
  marks.add(node.deleted);
  const walk = (vertex: Vertex): void => {
    marks.add(vertex.mark);
    for (const total of vertex.totals) marks.add(total.floor);
    for (const array of vertex.arrays) {
      marks.add(array.floor);
      for (const { mark } of registersOf(array)) marks.add(mark);
    }
    for (const [, child] of sorted(vertex)) walk(child);
  };
  walk(node.root);
}

/** Sets and moves in the order in which a writer of lines names their marks: by stretches of 64 slots. */
function registersOf(array: ArrayState): (SetElement | MovedElement)[] {
  const all = [...array.sets.values(), ...array.moves.values()];
  const isMove = (register: SetElement | MovedElement): number => Number("to" in register);
  const stretch = ({ id }: SetElement | MovedElement): SlotId => ({ salt: id.salt, k: Math.floor(id.k / 64) });
  return all.sort((a, b) => compareSlots(stretch(a), stretch(b)) || isMove(a) - isMove(b) || compareSlots(a.id, b.id));
}

function sorted(vertex: Vertex): [string, Vertex][] {
  return [...(vertex.children ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
}

class LineWriter {
  constructor(private readonly marks: Marks) {}

  /** What stands at a path where a value is seen; above is what it takes from the path above. */
  vertex(vertex: Vertex, seen: Json | undefined, above: Seen): JsonObject {
    const inner = vertex.isWritten ? { floor: vertex.mark, plain: vertex.value } : above;
    const all = this.commonMark(vertex, seen);
    const children = this.children(vertex, seen, inner, all);
    return {
      ...(vertex.isWritten && vertex.value === undefined && seen !== undefined && { absent: true }),
      ...this.marks.member("all", all),
      ...(vertex.arrays.length > 0 && { arrays: vertex.arrays.map((array) => this.array(array, seen, inner)) }),
      ...(Object.keys(children).length > 0 && { children }),
      ...this.marks.member("mark", vertex.mark),
      ...(vertex.totals.length > 0 && { totals: vertex.totals.map((total) => this.total(total)) }),
      ...(vertex.value !== undefined && !sameJson(vertex.value, seen) && { value: vertex.value }),
    };
  }

  /** The mark of most members that are one write each; of as many the least, NO_MARK when it is no use. */
  private commonMark(vertex: Vertex, seen: Json | undefined): Mark {
    const times = new Map<number, number>();
    if (isObject(seen)) {
      for (const [name, child] of vertex.children ?? []) {
        const value = member(seen, name);
        if (value !== undefined && isPlain(child, value)) times.set(this.marks.place(child.mark), (times.get(this.marks.place(child.mark)) ?? 0) + 1);
      }
    }
    let common = NO_MARK;
    let most = 0;
    for (const [place, count] of times) {
      const mark = this.marks.list[place - 1]!;
      if (count > most || count === most && isBefore(mark, common)) [common, most] = [mark, count];
    }
    return common;
  }

  /** What stands one step deeper, but what goes without saying. */
  private children(vertex: Vertex, seen: Json | undefined, inner: Seen, all: Mark): JsonObject {
    const object = isObject(seen) ? seen : {};
    const told: { [name: string]: Json } = {};
    const hasAll = !sameMark(all, NO_MARK);
    for (const name of Object.keys(object)) {
      if (hasAll && !vertex.child(name)) setMember(told, name, null);
    }
    for (const [name, child] of vertex.children ?? []) {
      const value = member(object, name);
      if (!isPlain(child, value)) {
        const plain = isObject(inner.plain) ? member(inner.plain, name) : undefined;
        setMember(told, name, this.vertex(child, value, { floor: inner.floor, plain }));
      } else if (value === undefined || !sameMark(child.mark, all)) {
        setMember(told, name, this.marks.place(child.mark));
      }
    }
    return told;
  }

  private total({ writer, salt, floor, number, position, stamp, total }: Total): Json {
    return [writer, salt, this.marks.place(floor), number, position, stampText(stamp), total];
  }

  private array(array: ArrayState, seen: Json | undefined, inner: Seen): JsonObject {
    const isSeen = sameMark(array.floor, inner.floor) && isArray(seen);
    return new ArrayWriter(array, this.marks, isSeen ? array.sequence(inner.plain) : undefined).write();
  }
}

/** Whether a vertex is one write of what is seen there. */
function isPlain(vertex: Vertex, seen: Json | undefined): boolean {
  return vertex.isWritten && !vertex.isShared && sameJson(vertex.value, seen);
}
