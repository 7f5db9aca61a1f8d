import { ArrayState } from "./array.js";
import { FormatError, isArray, isInteger, type Json, type JsonObject, list, MAX_INTEGER, sameJson } from "./json.js";
import { isBefore, type Mark, sameMark } from "./mark.js";
import { isSalt } from "./names.js";
import { Sequence } from "./sequence.js";
import { type Anchor, BASE_SALT, compareSlots, type SlotId, slotAfter, slotKey } from "./slots.js";

/** What a path takes from above: its floor, and the plain value there. */
export interface Seen {
  readonly floor: Mark;
  readonly plain: Json | undefined;
}

/**
 * Reads an array of a node's line, at a path where a value is seen.
 *
 * @throws FormatError
 */
export function readArrayState(
  told: JsonObject, floor: Mark, value: Json | undefined, above: Seen, markAt: (place: Json | undefined) => Mark,
): ArrayState {
  const seen = isArray(value) && sameMark(floor, above.floor) ? value : [];
  const reader = new ArrayReader(new ArrayState(floor), told, seen.length, markAt);
  reader.pieces();
  reader.gone();
  reader.places();
  reader.buried();
  reader.registers();
  reader.values(seen, above.plain);
  return reader.array;
}

interface Known {
  readonly id: SlotId;
  readonly anchor: Anchor;
  element?: SlotId;
  isGone: boolean;
}

class ArrayReader {
  private readonly salts: readonly string[];
  /** in the order of their ids */
  private readonly known = new Map<string, Known>();
  private readonly untold: { readonly id: SlotId; readonly mark: Mark }[] = [];

  constructor(
    readonly array: ArrayState, private readonly told: JsonObject, private readonly seenLength: number,
    private readonly markAt: (place: Json | undefined) => Mark,
  ) {
    this.salts = list(told, "salts").map((salt) => {
      if (!isSalt(salt)) throw new FormatError("no salt");
      return salt;
    });
    if (this.salts.some((salt, i) => i > 0 && salt <= this.salts[i - 1]!)) throw new FormatError("salts are not in order");
  }

  private numbers(value: Json | undefined, n: number): number[] {
    if (!isArray(value) || value.length !== n || !value.every((item) => isInteger(item, 0))) {
      throw new FormatError(`no list of ${n} integers`);
    }
    return value as number[];
  }

  private slot(salt: number | undefined, k: number | undefined): SlotId {
    const text = this.salts[salt!];
    if (text === undefined || k === undefined || k >= MAX_INTEGER) throw new FormatError("a slot out of range");
    return { salt: text, k };
  }

  /** Reads the known slots, without what they hold. */
  pieces(): void {
    const lengths = this.lengths();
    const parents = list(this.told, "parents");
    const jumps = new Map(list(this.told, "jumps").map((jump) => {
      const [i, s, k] = this.numbers(jump, 3);
      return [i!, this.slot(s, k)];
    }));
    if (lengths.length !== parents.length) throw new FormatError("an array has as many lengths as parents");
    let next: SlotId | undefined;
    for (const [i, length] of lengths.entries()) {
      const first = jumps.get(i) ?? next;
      if (!first || next && compareSlots(first, next) < 0) throw new FormatError("pieces are not in order");
      this.piece(first, length, this.anchor(first, parents[i]!));
      next = slotAfter(first, length);
    }
  }

  /** Lengths that there are values, removals and places for: no few bytes may ask for much memory. */
  private lengths(): number[] {
    const lengths = list(this.told, "lengths");
    if (!lengths.every((length) => isInteger(length, 1))) throw new FormatError("a piece without slots");
    const all = (lengths as number[]).reduce((sum, length) => sum + length, 0);
    const gone = list(this.told, "gone").reduce<number>((sum, count, i) => sum + (i % 2 === 1 ? Number(count) : 0), 0);
    const held = this.seenLength + list(this.told, "values").length + list(this.told, "places").length;
    if (all > gone + held) throw new FormatError("an array has fewer values than elements");
    return lengths as number[];
  }

  private piece(first: SlotId, length: number, anchor: Anchor): void {
    if (first.salt === BASE_SALT || length > MAX_INTEGER - first.k) throw new FormatError("a piece out of range");
    let at = anchor;
    for (let i = 0; i < length; i++) {
      const id = slotAfter(first, i);
      this.known.set(slotKey(id), { id, anchor: at, isGone: false });
      at = { parent: id, isLeft: false };
    }
  }

  private anchor(id: SlotId, told: Json): Anchor {
    if (isArray(told)) {
      const [s, k, side] = this.numbers(told, 3);
      return { parent: this.slot(s, k), isLeft: side === 1 };
    }
    const back = told === null ? 1 : told;
    if (!isInteger(back) || Math.abs(back) > id.k) throw new FormatError("no parent");
    if (back === 0) return { isLeft: false };
    return { parent: slotAfter(id, -Math.abs(back)), isLeft: back < 0 };
  }

  /** Marks what is removed of the known slots. */
  gone(): void {
    const known = [...this.known.values()];
    let at = 0;
    let isGone = false;
    for (const count of list(this.told, "gone")) {
      if (!isInteger(count, 0) || at + count > known.length) throw new FormatError("more slots are removed than there are");
      for (const end = at + count; at < end; at++) known[at]!.isGone = isGone;
      isGone = !isGone;
    }
    for (const slot of known) {
      if (slot.isGone) this.array.remove({ ...slot.id, count: 1 });
    }
  }

  places(): void {
    for (const place of list(this.told, "places")) {
      const [s, k, es, ek] = this.numbers(place, 4);
      const slot = this.known.get(slotKey(this.slot(s, k)));
      if (!slot || slot.element) throw new FormatError("a place is no slot");
      slot.element = this.slot(es, ek);
    }
  }

  buried(): void {
    for (const span of list(this.told, "buried")) {
      const [s, k, count] = this.numbers(span, 3);
      const first = this.slot(s, k);
      if (count! < 1 || count! > MAX_INTEGER - first.k) throw new FormatError("buried elements out of range");
      this.array.remove({ ...first, count: count! });
    }
  }

  /** Reads the last sets and moves of elements. */
  registers(): void {
    for (const set of list(this.told, "sets")) {
      if (!isArray(set) || set.length < 3 || set.length > 4) throw new FormatError("no set");
      const [s, k] = this.numbers(set.slice(0, 2), 2);
      const id = this.slot(s, k);
      const mark = this.register(id, set[2], this.array.sets);
      const value = set[3];
      if (value === undefined) this.untold.push({ id, mark });
      this.array.sets.set(slotKey(id), { id, mark, value: value ?? null });
    }
    for (const move of list(this.told, "moves")) {
      const [s, k, place, ts, tk] = this.numbers(move, 5);
      const id = this.slot(s, k);
      const mark = this.register(id, place, this.array.moves);
      this.array.moves.set(slotKey(id), { id, mark, to: this.slot(ts, tk) });
    }
  }

  private register(id: SlotId, place: Json | undefined, registers: ReadonlyMap<string, unknown>): Mark {
    const mark = this.markAt(place ?? 0);
    if (registers.has(slotKey(id)) || this.array.removed.has(id) || !isBefore(this.array.floor, mark)) {
      throw new FormatError("a set or a move twice, of a removed element, or below its floor");
    }
    return mark;
  }

  /** Gives the elements what they hold: those that show may be told by what is seen. */
  values(seen: readonly Json[], base: Json | undefined): void {
    for (const [key, { id, anchor, element }] of this.known) {
      this.array.slots.set(key, element ? { id, anchor, element } : { id, anchor, value: null });
    }
    const shown = seen.length > 0 ? this.shown(seen, base) : new Map<string, Json>();
    for (const { id, mark } of this.untold) {
      const value = shown.get(slotKey(id));
      if (value === undefined) throw new FormatError("a set without a value");
      this.array.sets.set(slotKey(id), { id, mark, value });
    }
    const told = list(this.told, "values")[Symbol.iterator]();
    for (const [key, { id, anchor, element, isGone }] of this.known) {
      if (element || isGone) continue;
      const value = this.array.sets.has(key) ? undefined : shown.get(key);
      const given = value === undefined ? told.next() : { value, done: false };
      if (given.done) throw new FormatError("an array has fewer values than elements");
      this.array.slots.set(key, { id, anchor, value: given.value as Json });
    }
    if (!told.next().done) throw new FormatError("an array has more values than elements");
  }

  /** What is seen of the elements that show. */
  private shown(seen: readonly Json[], base: Json | undefined): Map<string, Json> {
    const shown = new Map<string, Json>();
    const order = new Sequence(this.array, base);
    if (order.length === 0) return shown;
    if (order.length !== seen.length) throw new FormatError("an array that is not what is seen of it");
    for (const [i, element] of order.elements().entries()) {
      const isBase = element.salt === BASE_SALT && !this.array.sets.has(slotKey(element));
      if (isBase && !sameJson(order.value(element), seen[i])) throw new FormatError("an array that is not what is seen of it");
      shown.set(slotKey(element), seen[i]!);
    }
    return shown;
  }
}
