import type { ArrayState } from "./array.js";
import type { Marks } from "./deltawrite.js";
import type { Json, JsonObject } from "./json.js";
import { stampText } from "./mark.js";
import type { Sequence } from "./sequence.js";
import type { Slot } from "./slot.js";
import { compareSlots, sameSlot, type SlotId, slotAfter, slotKey } from "./slots.js";

/** Writes an array of a node's line. */
export class ArrayWriter {
  /** known slots in the order of their ids */
  private readonly slots: readonly Slot[];
  private readonly salts: readonly string[];

  /** The order is given if the array may be what is seen at its path. */
  constructor(private readonly array: ArrayState, private readonly marks: Marks, private readonly order: Sequence | undefined) {
    this.slots = [...array.slots.values()].sort((a, b) => compareSlots(a.id, b.id));
    this.salts = this.listSalts();
  }

  write(): JsonObject {
    const { array } = this;
    const values = this.slots.filter((slot) => this.isUntold(slot)).map(({ value }) => value as Json);
    return {
      ...this.marks.member("floor", array.floor),
      newest: stampText(array.newest),
      ...listed("buried", this.buried()),
      ...listed("gone", this.gone()),
      ...this.pieces(),
      ...listed("moves", byId(array.moves).map(({ id, mark, to }) => [...this.slot(id), this.marks.place(mark), ...this.slot(to)])),
      ...listed("places", this.slots.flatMap(({ id, element }) => (element ? [[...this.slot(id), ...this.slot(element)]] : []))),
      ...listed("salts", this.salts),
      ...listed("sets", byId(array.sets).map(({ id, mark, value }) => {
        return [...this.slot(id), this.marks.place(mark), ...(this.isShown(id) ? [] : [value])];
      })),
      ...listed("values", values),
    };
  }

  /** Those that the array refers to, sorted. */
  private listSalts(): string[] {
    const salts = new Set<string>();
    for (const { id, anchor, element } of this.slots) {
      salts.add(id.salt);
      if (anchor.parent && !isChained(id, anchor.parent, anchor.isLeft)) salts.add(anchor.parent.salt);
      if (element) salts.add(element.salt);
    }
    for (const { salt } of this.array.removed.spans()) salts.add(salt);
    for (const { id } of this.array.sets.values()) salts.add(id.salt);
    for (const { id, to } of this.array.moves.values()) salts.add(id.salt).add(to.salt);
    return [...salts].sort();
  }

  private slot({ salt, k }: SlotId): [number, number] {
    return [this.salts.indexOf(salt), k];
  }

  private isShown(element: SlotId): boolean {
    return this.order?.shows(element) ?? false;
  }

  /** Whether the value that an element was inserted with must be said. */
  private isUntold({ id, element }: Slot): boolean {
    if (element || this.array.removed.has(id)) return false;
    return this.array.sets.has(slotKey(id)) || !this.isShown(id);
  }

  /** The known slots in columns, cut where one does not follow the one before it in its run. */
  private pieces(): JsonObject {
    const lengths: number[] = [];
    const jumps: Json[] = [];
    const parents: Json[] = [];
    let last: SlotId | undefined;
    for (const { id, anchor } of this.slots) {
      const follows = last !== undefined && sameSlot(slotAfter(last, 1), id);
      const isRun = anchor.parent !== undefined && isChained(id, anchor.parent, anchor.isLeft);
      last = id;
      if (follows && isRun) {
        lengths[lengths.length - 1]!++;
        continue;
      }
      if (!follows) jumps.push([lengths.length, ...this.slot(id)]);
      lengths.push(1);
      parents.push(this.parent(id, anchor.parent, anchor.isLeft));
    }
    return { ...listed("lengths", lengths), ...listed("jumps", jumps), ...listed("parents", parents) };
  }

  private parent(id: SlotId, parent: SlotId | undefined, isLeft: boolean): Json {
    if (!parent) return 0;
    if (isChained(id, parent, isLeft)) return null;
    const back = id.k - parent.k;
    if (parent.salt === id.salt && back > 0) return isLeft ? -back : back;
    return [...this.slot(parent), isLeft ? 1 : 0];
  }

  /** How many slots in a row are not removed, then how many are, then again. */
  private gone(): number[] {
    const counts = [0];
    for (const { id } of this.slots) {
      const isGone = this.array.removed.has(id);
      if (isGone !== (counts.length % 2 === 0)) counts.push(0);
      counts[counts.length - 1]!++;
    }
    return counts.length % 2 === 1 ? counts.slice(0, -1) : counts;
  }

  /** Removed elements that are not known. */
  private buried(): Json[] {
    const known = this.slots.filter(({ id }) => this.array.removed.has(id)).map(({ id }) => id);
    return this.array.removed.spans().flatMap(({ salt, k, count }) => {
      const stretches: Json[] = [];
      let from = k;
      for (const id of known) {
        if (id.salt !== salt || id.k < k || id.k >= k + count) continue;
        if (id.k > from) stretches.push([...this.slot({ salt, k: from }), id.k - from]);
        from = id.k + 1;
      }
      if (from < k + count) stretches.push([...this.slot({ salt, k: from }), k + count - from]);
      return stretches;
    });
  }
}

/** A member that is a list, left out when it is empty. */
function listed(name: string, items: readonly Json[]): JsonObject {
  return items.length > 0 ? { [name]: items } : {};
}

function isChained(id: SlotId, parent: SlotId, isLeft: boolean): boolean {
  return !isLeft && parent.salt === id.salt && parent.k === id.k - 1;
}

function byId<T extends { readonly id: SlotId }>(registers: ReadonlyMap<string, T>): T[] {
  return [...registers.values()].sort((a, b) => compareSlots(a.id, b.id));
}
