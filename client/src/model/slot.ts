import { compareJson, type Json } from "./json.js";
import { type Anchor, BASE_SALT, compareAnchors, compareSlots, type SlotId } from "./slots.js";

/** A slot that is known: it holds a value, or is a place for an element. */
export interface Slot {
  readonly id: SlotId;
  readonly anchor: Anchor;
  readonly element?: SlotId;
  readonly value?: Json;
}

/** Orders two slots of one id by parent, side, kind, and what they hold. */
export function compareForms(a: Slot, b: Slot): number {
  const anchors = compareAnchors(a.anchor, b.anchor);
  if (anchors !== 0) return anchors;
  if (a.element && b.element) return compareSlots(a.element, b.element);
  if (a.element || b.element) return a.element ? 1 : -1;
  return compareJson(a.value, b.value);
}

/** The slots that a plain value gives: a chain of salt 0. */
export function baseSlots(base: readonly Json[]): Slot[] {
  return base.map((value, k) => ({
    id: { salt: BASE_SALT, k },
    anchor: k === 0 ? { isLeft: false } : { parent: { salt: BASE_SALT, k: k - 1 }, isLeft: false },
    value,
  }));
}
