import { type Action, MAX_DEPTH } from "./action.js";
import { ArrayState } from "./array.js";
import type { Entry } from "./entry.js";
import { depth, isArray, type Json, withMembers } from "./json.js";
import { type Mark, type Stamp, stampText } from "./mark.js";
import { Refusal } from "./refusal.js";
import { arrayIn, type Place, seenIn } from "./seen.js";
import type { Sequence } from "./sequence.js";
import { type Anchor, type Indexes, type SlotId, slotAfter, type Slots, spansOf, writeSlots } from "./slots.js";

/** How many milliseconds may lie between the stamps of two inserts or moves of one run. */
const RUN_GAP = 1000;

/** How many runs are remembered before those that ended are forgotten. */
const MANY_RUNS = 1024;

interface NextSlot {
  readonly id: SlotId;
  readonly stamp: Stamp;
}

/** The slots behind those that an entry made, by array. */
export type MadeSlots = Map<string, NextSlot>;

/** A writer's memory of which ids its next slots in each array have. It lasts as long as the program. */
export class Runs {
  private readonly latest: MadeSlots = new Map();

  /** What goes on at a stamp. */
  next(array: string, stamp: Stamp): NextSlot | undefined {
    const next = this.latest.get(array);
    return next && goesOn(next, stamp) ? next : undefined;
  }

  /** Takes over what an entry made. */
  commit(made: MadeSlots, stamp: Stamp): void {
    for (const [array, next] of made) this.latest.set(array, next);
    if (this.latest.size <= MANY_RUNS) return;
    for (const [array, next] of this.latest) {
      if (!goesOn(next, stamp)) this.latest.delete(array);
    }
  }
}

function goesOn(next: NextSlot, stamp: Stamp): boolean {
  return next.stamp.ms + RUN_GAP >= stamp.ms;
}

/** Names an array: its node, path and floor. */
export function arrayKey(id: string, path: readonly string[], floor: Mark): string {
  return JSON.stringify([id, path, stampText(floor), floor.writer, floor.number, floor.position]);
}

/** Says by element what an action on an array says by index. */
export function arrayAction(action: Action, place: Place, entry: Entry, runs: Runs, made: MadeSlots): Action {
  const seen = seenIn(place);
  if (seen !== undefined && !isArray(seen)) throw new Refusal("invalid", `${action.type} needs an array or nothing`);
  for (const value of action.values ?? []) checkDepth(action.path!.length + 1, value);
  const order = (arrayIn(place) ?? new ArrayState(place.floor)).sequence(place.plain);
  checkIndexes(action, order.length);
  const newSlots = (n: number): SlotId => {
    const array = arrayKey(action.id, action.path!, place.floor);
    const next = made.get(array) ?? runs.next(array, entry.stamp);
    const first = next?.id ?? { salt: entry.salt, k: 0 };
    made.set(array, { id: slotAfter(first, n), stamp: entry.stamp });
    return first;
  };
  const slots = { floor: place.floor, ...said(action, order, newSlots) };
  return { ...action, slots, json: withMembers(action.json, { slots: writeSlots(slots) }) };
}

function said(action: Action, order: Sequence, newSlots: (n: number) => SlotId): Omit<Slots, "floor"> {
  const indexes = action.indexes!;
  const { index, to, count } = indexes;
  switch (action.type) {
    case "ARRAY_INSERT":
      return { anchor: hang(order, indexes, index), first: newSlots(action.values!.length) };
    case "ARRAY_REMOVE":
      return { spans: spansOf(order.elements().slice(index, index + count)) };
    case "ARRAY_MOVE":
      return { element: order.elementAt(index), anchor: hang(order, indexes, to > index ? to + 1 : to), first: newSlots(1) };
    default:
      return { element: order.elementAt(index) };
  }
}

/** Where new slots hang that are to show at an index, or to stand behind a slot. */
function hang(order: Sequence, indexes: Indexes, index: number): Anchor {
  const { behind } = indexes;
  return behind && order.isAttached(behind) ? order.behind(behind) : order.inFrontOf(index);
}

/** Refuses what lies outside of an array of n elements. */
function checkIndexes(action: Action, n: number): void {
  const { index, to, count } = action.indexes!;
  const isInside = action.type === "ARRAY_INSERT" ? index <= n : index < n && to < n && count <= n - index;
  if (!isInside) throw new Refusal("invalid", `${action.type} reaches beyond an array of ${n}`);
}

/** Refuses what would nest a node deeper than 63. */
export function checkDepth(steps: number, value: Json): void {
  if (steps + depth(value) >= MAX_DEPTH) throw new Refusal("invalid", "the node would be nested deeper than 63");
}
