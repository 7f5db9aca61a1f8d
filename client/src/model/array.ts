import { compareJson, type Json } from "./json.js";
import { FIRST_STAMP, isBefore, laterStamp, type Mark, type Stamp } from "./mark.js";
import { Removed } from "./removed.js";
import { Sequence } from "./sequence.js";
import { compareForms, type Slot } from "./slot.js";
import { type Anchor, compareSlots, type SlotId, slotAfter, slotKey, type Span } from "./slots.js";

/** The last ARRAY_SET of an element. */
export interface SetElement {
  readonly id: SlotId;
  readonly mark: Mark;
  readonly value: Json;
}

/** The last ARRAY_MOVE of an element: the slot that is its place. */
export interface MovedElement {
  readonly id: SlotId;
  readonly mark: Mark;
  readonly to: SlotId;
}

/** What is known of the array at a path under one floor: facts about slots, whose order follows from them. */
export class ArrayState {
  /** the highest stamp of its actions */
  newest: Stamp = FIRST_STAMP;
  readonly slots = new Map<string, Slot>();
  readonly removed = new Removed();
  /** of elements that are not removed */
  readonly sets = new Map<string, SetElement>();
  readonly moves = new Map<string, MovedElement>();
  private order: Sequence | undefined;

  constructor(readonly floor: Mark) {}

  /** A copy that changes apart from this one. */
  clone(): ArrayState {
    const copy = new ArrayState(this.floor);
    copy.merge(this);
    copy.order = this.order;
    return copy;
  }

  /** Takes in slots that chain from the first, with their values. */
  insert(first: SlotId, anchor: Anchor, values: readonly Json[]): void {
    let at = anchor;
    values.forEach((value, i) => {
      const id = slotAfter(first, i);
      this.put({ id, anchor: at, value });
      at = { parent: id, isLeft: false };
    });
  }

  /** Takes a slot in: of two of one id the greater counts. */
  put(slot: Slot): void {
    const key = slotKey(slot.id);
    const old = this.slots.get(key);
    if (old && compareForms(slot, old) <= 0) return;
    this.slots.set(key, slot);
    this.order = undefined;
  }

  /** Removes elements, known or not, for good. */
  remove(span: Span): void {
    if (!this.removed.add(span)) return;
    for (const kept of [this.sets, this.moves]) {
      for (const [key, { id }] of kept) {
        if (id.salt === span.salt && id.k >= span.k && id.k < span.k + span.count) kept.delete(key);
      }
    }
    this.order = undefined;
  }

  /** Writes an element's value: the last writer wins, and greater canonical bytes among equal marks. */
  set(id: SlotId, mark: Mark, value: Json): void {
    this.write(this.sets, { id, mark, value }, (old) => compareJson(value, old.value));
  }

  /** Writes an element's place: the last writer wins, and the greater slot among equal marks. */
  move(id: SlotId, mark: Mark, to: SlotId): void {
    this.write(this.moves, { id, mark, to }, (old) => compareSlots(to, old.to));
  }

  /** Keeps the last write of an element; `compare` tells whether it is greater than one of the same mark. */
  private write<T extends SetElement | MovedElement>(kept: Map<string, T>, write: T, compare: (old: T) => number): void {
    const key = slotKey(write.id);
    const old = kept.get(key);
    if (this.removed.has(write.id) || old && !isLater(write.mark, old.mark, () => compare(old))) return;
    kept.set(key, write);
    this.order = undefined;
  }

  /** Notes the stamp of an action. */
  note(stamp: Stamp): void {
    this.newest = laterStamp(this.newest, stamp);
  }

  /** Takes all in that another state of the same array knows. */
  merge(other: ArrayState): void {
    this.note(other.newest);
    for (const slot of other.slots.values()) this.put(slot);
    for (const span of other.removed.spans()) this.remove(span);
    for (const { id, mark, value } of other.sets.values()) this.set(id, mark, value);
    for (const { id, mark, to } of other.moves.values()) this.move(id, mark, to);
  }

  /** The slot where an element stands, if that is attached. */
  placeOf(element: SlotId): SlotId {
    return this.moves.get(slotKey(element))?.to ?? element;
  }

  /** The order of the attached slots above a plain value; good until the next change. */
  sequence(base: Json | undefined): Sequence {
    if (this.order?.base !== base) this.order = undefined;
    return (this.order ??= new Sequence(this, base));
  }
}

function isLater(mark: Mark, old: Mark, compareWhat: () => number): boolean {
  return isBefore(old, mark) || !isBefore(mark, old) && compareWhat() > 0;
}
