import type { ArrayState } from "./array.js";
import { isArray, type Json } from "./json.js";
import { baseSlots, compareForms, type Slot } from "./slot.js";
import { type Anchor, compareSlots, sameSlot, type SlotId, slotKey } from "./slots.js";

/** The order of an array's attached slots (plain Fugue: Weidner & Kleppmann, "The Art of the Fugue"). */
export class Sequence {
  /** all slots known, those of the plain value too */
  private readonly slots: ReadonlyMap<string, Slot>;
  private readonly children = new Map<string, Slot[]>();
  /** attached slots in order */
  private readonly order: SlotId[] = [];
  private readonly places = new Map<string, number>();
  /** places in order at which elements show, and which */
  private readonly shown: { readonly place: number; readonly element: SlotId }[] = [];

  constructor(private readonly array: ArrayState, readonly base: Json | undefined) {
    this.slots = withBase(array.slots, base);
    for (const slot of this.slots.values()) {
      const key = sideKey(slot.anchor.parent, slot.anchor.isLeft);
      const side = this.children.get(key);
      if (side) side.push(slot);
      else this.children.set(key, [slot]);
    }
    for (const side of this.children.values()) side.sort((a, b) => compareSlots(b.id, a.id));
    this.walk();
  }

  /** Lays the slots out, without recursion: runs are long. */
  private walk(): void {
    const todo: (Slot | SlotId)[] = [...(this.children.get(sideKey(undefined, false)) ?? [])];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      if (!("anchor" in next)) {
        this.place(next);
        continue;
      }
      todo.push(...(this.children.get(sideKey(next.id, false)) ?? []));
      todo.push(next.id);
      todo.push(...(this.children.get(sideKey(next.id, true)) ?? []));
    }
  }

  private place(id: SlotId): void {
    const key = slotKey(id);
    this.places.set(key, this.order.length);
    const element = this.slots.get(key)!.element ?? id;
    if (this.isInserted(element) && !this.array.removed.has(element) && sameSlot(this.array.placeOf(element), id)) {
      this.shown.push({ place: this.order.length, element });
    }
    this.order.push(id);
  }

  private isInserted(element: SlotId): boolean {
    const slot = this.slots.get(slotKey(element));
    return slot !== undefined && slot.element === undefined;
  }

  /** How many elements show. */
  get length(): number {
    return this.shown.length;
  }

  /** The element that shows at an index. */
  elementAt(index: number): SlotId {
    return this.shown[index]!.element;
  }

  /** All elements that show, in order. */
  elements(): SlotId[] {
    return this.shown.map(({ element }) => element);
  }

  /** What the elements that show hold. */
  values(): Json[] {
    return this.shown.map(({ element }) => this.value(element));
  }

  /** What an element that was inserted holds. */
  value(element: SlotId): Json {
    const key = slotKey(element);
    return (this.array.sets.get(key) ?? this.slots.get(key))!.value as Json;
  }

  /** Whether an element shows. */
  shows(element: SlotId): boolean {
    const at = this.places.get(slotKey(this.array.placeOf(element)));
    if (at === undefined) return false;
    const shown = this.shown[this.firstFrom(at)];
    return shown?.place === at && sameSlot(shown.element, element);
  }

  /** Whether a slot is in the order. */
  isAttached(slot: SlotId): boolean {
    return this.places.has(slotKey(slot));
  }

  /** How many elements show in front of an attached slot. */
  index(slot: SlotId): number {
    return this.firstFrom(this.places.get(slotKey(slot))!);
  }

  private firstFrom(place: number): number {
    let low = 0;
    let high = this.shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.shown[middle]!.place < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The slot behind an attached one in the order, `undefined` behind the last. */
  following(slot: SlotId): SlotId | undefined {
    return this.order[this.places.get(slotKey(slot))! + 1];
  }

  /** Where new slots hang that are to stand right behind an attached slot; in front of all without one. */
  behind(slot: SlotId | undefined): Anchor {
    if (slot && !this.children.has(sideKey(slot, false))) return { parent: slot, isLeft: false };
    const next = slot ? this.following(slot) : this.order[0];
    return next ? { parent: next, isLeft: true } : { isLeft: false };
  }

  /** Where new slots hang that are to show at an index. */
  inFrontOf(index: number): Anchor {
    return this.behind(index === 0 ? undefined : this.order[this.shown[index - 1]!.place]);
  }
}

function sideKey(parent: SlotId | undefined, isLeft: boolean): string {
  return (parent ? slotKey(parent) : "") + (isLeft ? "<" : ">");
}

function withBase(known: ReadonlyMap<string, Slot>, base: Json | undefined): ReadonlyMap<string, Slot> {
  if (!isArray(base) || base.length === 0) return known;
  const all = new Map(known);
  for (const slot of baseSlots(base)) {
    const old = all.get(slotKey(slot.id));
    if (!old || compareForms(slot, old) > 0) all.set(slotKey(slot.id), slot);
  }
  return all;
}
