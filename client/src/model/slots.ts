import { FormatError, isArray, isInteger, isObject, type Json, type JsonObject, MAX_INTEGER, member } from "./json.js";
import { type Mark, NO_MARK, sameMark, writeMark } from "./mark.js";
import { isSalt } from "./names.js";

/** Names a slot of an array: the salt of the entry that began its run, and its number in the run. */
export interface SlotId {
  readonly salt: string;
  readonly k: number;
}

/** The salt of the slots that the plain value at a path gives. */
export const BASE_SALT = "0000000000000000";

/** Where a slot hangs; without a parent it is a right child of the root. */
export interface Anchor {
  readonly parent?: SlotId;
  readonly isLeft: boolean;
}

/** Slots of one run that follow each other. */
export interface Span extends SlotId {
  readonly count: number;
}

/** What an action on an array says by element (docs/format.md, Arrays). */
export interface Slots {
  readonly floor: Mark;
  /** of ARRAY_INSERT and ARRAY_MOVE: the first new slot, and where it hangs */
  readonly first?: SlotId;
  readonly anchor?: Anchor;
  /** of ARRAY_SET and ARRAY_MOVE */
  readonly element?: SlotId;
  /** of ARRAY_REMOVE */
  readonly spans?: readonly Span[];
}

/** What a caller says of an array by index. */
export interface Indexes {
  readonly index: number;
  readonly to: number;
  readonly count: number;
  /** of an undo: the slot right behind which to insert or move, rather than at an index */
  readonly behind?: SlotId;
}

/** What a map has a slot under. */
export function slotKey(id: SlotId): string {
  return id.salt + id.k;
}

/** Orders slots by salt, then number. */
export function compareSlots(a: SlotId, b: SlotId): number {
  return a.salt === b.salt ? a.k - b.k : a.salt < b.salt ? -1 : 1;
}

/** Whether two slots are one. */
export function sameSlot(a: SlotId, b: SlotId): boolean {
  return a.k === b.k && a.salt === b.salt;
}

/** The slot so many numbers behind another in its run. */
export function slotAfter(id: SlotId, n: number): SlotId {
  return { salt: id.salt, k: id.k + n };
}

/** Orders anchors by parent, the root first, then side, the left first. */
export function compareAnchors(a: Anchor, b: Anchor): number {
  if (!a.parent || !b.parent) return Number(a.parent !== undefined) - Number(b.parent !== undefined);
  return compareSlots(a.parent, b.parent) || Number(b.isLeft) - Number(a.isLeft);
}

/** Reads `[salt,k]`; throws FormatError. */
export function readSlot(value: Json | undefined): SlotId {
  if (isArray(value) && value.length === 2) {
    const [salt, k] = value;
    if (isSalt(salt) && isInteger(k, 0, MAX_INTEGER - 1)) return { salt, k };
  }
  throw new FormatError("no slot");
}

/** Reads `[[salt,k,count],…]`; throws FormatError. */
export function readSpans(value: Json | undefined): Span[] {
  if (!isArray(value)) throw new FormatError("no spans");
  return value.map((span) => {
    if (!isArray(span) || span.length !== 3) throw new FormatError("no span");
    const count = span[2];
    const first = readSlot(span.slice(0, 2));
    if (!isInteger(count, 1) || count > MAX_INTEGER - first.k) throw new FormatError("no span");
    return { ...first, count };
  });
}

/** Spans as `[[salt,k,count],…]`. */
export function writeSpans(spans: readonly Span[]): Json {
  return spans.map((span) => [span.salt, span.k, span.count]);
}

/** Slots as spans: neighbours of one run in one. */
export function spansOf(ids: readonly SlotId[]): Span[] {
  const spans: { salt: string; k: number; count: number }[] = [];
  for (const id of ids) {
    const last = spans.at(-1);
    if (last && last.salt === id.salt && last.k + last.count === id.k) last.count++;
    else spans.push({ ...id, count: 1 });
  }
  return spans;
}

/**
 * Reads the member slots of an action in a log that makes n slots. Members that its type does not have may hold anything.
 *
 * @throws FormatError
 */
export function readSlots(value: Json, type: string, n: number, readFloor: (slots: JsonObject) => Mark): Slots {
  if (!isObject(value)) throw new FormatError("slots is an object");
  const floor = readFloor(value);
  if (type === "ARRAY_REMOVE") {
    const spans = readSpans(member(value, "spans"));
    if (spans.length === 0) throw new FormatError("no spans");
    return { floor, spans };
  }
  const element = type === "ARRAY_INSERT" ? {} : { element: readSlot(member(value, "element")) };
  if (type === "ARRAY_SET") return { floor, ...element };
  return { floor, ...element, ...readNew(value, n) };
}

/** Reads where new slots begin and hang. */
function readNew(slots: JsonObject, n: number): { first: SlotId; anchor: Anchor } {
  const first = readSlot(member(slots, "first"));
  if (first.salt === BASE_SALT || n > MAX_INTEGER - first.k) throw new FormatError("no first slot");
  const parent = member(slots, "parent");
  const side = member(slots, "side");
  if (side !== undefined && (side !== "left" || parent === undefined)) throw new FormatError("no side");
  if (parent === undefined) return { first, anchor: { isLeft: false } };
  return { first, anchor: { parent: readSlot(parent), isLeft: side !== undefined } };
}

/** The member slots of an action in a log. */
export function writeSlots(slots: Slots): JsonObject {
  const { first, anchor, element, spans, floor } = slots;
  const slot = (id: SlotId): Json => [id.salt, id.k];
  return {
    ...(element && { element: slot(element) }),
    ...(first && { first: slot(first) }),
    ...(!sameMark(floor, NO_MARK) && { floor: writeMark(floor) }),
    ...(anchor?.parent && { parent: slot(anchor.parent) }),
    ...(anchor?.isLeft && { side: "left" }),
    ...(spans && { spans: writeSpans(spans) }),
  };
}

/**
 * Reads the members by which a caller names elements.
 *
 * @throws FormatError
 */
export function readIndexes(json: JsonObject, type: string): Indexes {
  const index = member(json, "index");
  const to = member(json, "to");
  const count = member(json, "count");
  if (!isInteger(index, 0)) throw new FormatError(`index of ${type} is an integer from 0`);
  if (to === undefined ? type === "ARRAY_MOVE" : !isInteger(to, 0)) throw new FormatError(`to of ${type} is an integer from 0`);
  if (count !== undefined && !isInteger(count, 1)) throw new FormatError(`count of ${type} is an integer from 1`);
  return { index, to: to === undefined ? 0 : Number(to), count: count === undefined ? 1 : Number(count) };
}
