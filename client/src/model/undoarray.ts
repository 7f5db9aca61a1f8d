import type { Action } from "./action.js";
import { ArrayState } from "./array.js";
import { arrayKey } from "./composearray.js";
import { type Json, sameJson } from "./json.js";
import type { Again } from "./past.js";
import { arrayIn, type Place } from "./seen.js";
import type { Sequence } from "./sequence.js";
import { compareSlots, sameSlot, type SlotId, slotKey, type Span, spansOf, writeSpans } from "./slots.js";
import type { Undoer } from "./undo.js";

/** Puts back what an entry did to elements of an array that still stands under its floor. */
export function undoElements(undoer: Undoer, id: string, path: readonly string[], edits: readonly Action[]): void {
  const list = new ListUndo(undoer, id, path, edits);
  list.judge();
  list.setBack();
  list.moveBack();
  list.insertAgain();
  list.remove();
}

/** An array with its order. */
interface View {
  readonly array: ArrayState;
  readonly order: Sequence;
}

function viewOf(place: Place): View {
  const array = arrayIn(place) ?? new ArrayState(place.floor);
  return { array, order: array.sequence(place.plain) };
}

class ListUndo {
  private readonly again: Again;
  private readonly was: View;
  private readonly left: View;
  // elements, each once, and those of the first two in no other list
  private inserted: SlotId[];
  private readonly removed: SlotId[];
  private set: SlotId[] = [];
  private moved: SlotId[] = [];

  constructor(
    private readonly undoer: Undoer, private readonly id: string, private readonly path: readonly string[], edits: readonly Action[],
  ) {
    this.again = undoer.putBack.of(arrayKey(id, path, edits[0]!.slots!.floor));
    this.was = viewOf(undoer.before.node(id).at(path));
    this.left = viewOf(undoer.after.node(id).at(path));
    const isRemoved = (id: SlotId): boolean => edits.some(({ slots }) => slots!.spans?.some((span) => isIn(span, id)));
    const inserts = edits.filter(({ type }) => type === "ARRAY_INSERT");
    const isInserted = (id: SlotId): boolean =>
      inserts.some(({ slots, values }) => isIn({ ...slots!.first!, count: values!.length }, id));
    this.inserted = this.left.order.elements().filter((id) => isInserted(id) && !isRemoved(id)).sort(compareSlots);
    this.removed = this.was.order.elements().filter((id) => isRemoved(id) && !isInserted(id));
    for (const { type, slots } of edits) {
      const element = slots!.element;
      if (!element || isInserted(element) || isRemoved(element) || !this.was.order.shows(element)) continue;
      const into = type === "ARRAY_SET" ? this.set : this.moved;
      if (!into.some((other) => sameSlot(other, element))) into.push(element);
    }
  }

  /** The array as the actions so far make it. */
  private now(): View {
    return viewOf(this.undoer.now(this.id).at(this.path));
  }

  /** The element as which an undo put one back, if it was removed, else itself. A forged log may hold a circle. */
  private current(now: View, element: SlotId): SlotId {
    let current = element;
    for (let steps = this.again.restored.size; steps > 0; steps--) {
      const again = this.again.restored.get(slotKey(current));
      if (!again || !now.array.removed.has(current)) break;
      current = again;
    }
    return current;
  }

  /** Keeps of the elements those that are as the entry left them. */
  judge(): void {
    const now = this.now();
    this.set = this.set.filter((element) => this.stays(this.change(now, element, true, false)));
    this.moved = this.moved.filter((element) => this.stays(this.change(now, element, false, true)));
    this.inserted = this.inserted.filter((element) => {
      if (!now.order.shows(this.current(now, element))) return false; // somebody removed it
      return this.stays(this.change(now, element, true, true));
    });
  }

  private stays(reason: string | undefined): boolean {
    if (reason !== undefined) this.undoer.leave(this.id, this.path, reason);
    return reason === undefined;
  }

  /** Why an element is not as the entry left it, `undefined` when it is. */
  private change(now: View, element: SlotId, value: boolean, place: boolean): string | undefined {
    const current = this.current(now, element);
    if (!now.order.shows(current)) return "the element was removed since";
    if (value && !this.keepsValue(now, element, current)) return "the element was changed since";
    if (place && !this.keepsPlace(now, element, current)) return "the element was moved since";
    return undefined;
  }

  private keepsValue(now: View, element: SlotId, current: SlotId): boolean {
    const set = now.array.sets.get(slotKey(current));
    return (!set || this.undoer.isMine(set.mark)) && sameJson(now.order.value(current), this.left.order.value(element));
  }

  /** Whether an element stands where the entry left it, by nobody's move since: there, or in its place. */
  private keepsPlace(now: View, element: SlotId, current: SlotId): boolean {
    const move = now.array.moves.get(slotKey(current));
    if (move && !this.undoer.isMine(move.mark)) return false;
    let slot = now.array.placeOf(current);
    const left = this.left.array.placeOf(element);
    for (let steps = this.again.homes.size; steps > 0 && !sameSlot(slot, left); steps--) {
      const place = this.again.homes.get(slotKey(slot));
      if (!place) break;
      slot = place;
    }
    return sameSlot(slot, left);
  }

  setBack(): void {
    for (const element of this.set) {
      const now = this.now();
      const current = this.current(now, element);
      const value = this.was.order.value(element);
      if (sameJson(now.order.value(current), value)) continue;
      this.emit("ARRAY_SET", { index: indexIn(now, current), value });
    }
  }

  /** Even to the index at which it shows an element is moved: of what is removed or moved, some may stand between. */
  moveBack(): void {
    for (const element of this.moved) {
      const target = this.was.array.placeOf(element);
      const now = this.now();
      const current = this.current(now, element);
      if (!now.order.isAttached(target) || sameSlot(now.array.placeOf(current), target)) continue;
      const index = indexIn(now, current);
      const to = now.order.index(target);
      this.emit("ARRAY_MOVE", { index, to: index < to ? to - 1 : to, places: writeSpans(spansOf([target])) }, target);
    }
  }

  /**
   * Inserts the removed elements right behind where they stood, neighbours in one action: an index alone would let them slip
   * in front of others that stood before them and are put back later.
   */
  insertAgain(): void {
    for (let rest = this.removed; rest.length > 0; ) {
      const { n, index } = this.together(rest);
      if (n === 0) return this.undoer.leave(this.id, this.path, "the element was removed since");
      const elements = rest.slice(0, n);
      const places = elements.map((element) => this.was.array.placeOf(element));
      const isMoved = places.some((place, i) => !sameSlot(place, elements[i]!));
      const values = elements.map((element) => this.was.order.value(element));
      const restores = writeSpans(spansOf(elements));
      this.emit("ARRAY_INSERT", { index, values, restores, ...(isMoved && { places: writeSpans(spansOf(places)) }) }, places.at(-1));
      rest = rest.slice(n);
    }
  }

  /** How many of the elements stood side by side, with no slot between them, and at what index. */
  private together(elements: readonly SlotId[]): { n: number; index: number } {
    const { order } = this.now();
    let before: SlotId | undefined;
    let index = 0;
    for (const [n, element] of elements.entries()) {
      const at = this.was.array.placeOf(element);
      const follows = before === undefined ? at : order.following(before);
      if (!order.isAttached(at) || !follows || !sameSlot(follows, at)) return { n, index };
      if (n === 0) index = order.index(at);
      before = at;
    }
    return { n: elements.length, index };
  }

  /** Removes the elements that the entry inserted, the last first. */
  remove(): void {
    const now = this.now();
    const indexes = this.inserted.map((element) => indexIn(now, this.current(now, element))).sort((a, b) => a - b);
    for (let last = indexes.length; last > 0; ) {
      let first = last - 1;
      while (first > 0 && indexes[first - 1] === indexes[first]! - 1) first--;
      this.emit("ARRAY_REMOVE", { index: indexes[first]!, count: last - first });
      last = first;
    }
  }

  private emit(type: string, set: { [name: string]: Json }, behind?: SlotId): void {
    this.undoer.emit(type, this.id, this.path, set, behind);
  }
}

function isIn(span: Span, id: SlotId): boolean {
  return span.salt === id.salt && span.k <= id.k && id.k < span.k + span.count;
}

/** The index of an element that shows. */
function indexIn(view: View, element: SlotId): number {
  return view.order.index(view.array.placeOf(element));
}
