import type { Action } from "./action.js";
import { arrayKey } from "./composearray.js";
import { type Entry, idsOf, markOf } from "./entry.js";
import { FormatError, type Json, MAX_INTEGER, member } from "./json.js";
import { isBefore } from "./mark.js";
import { isWriter } from "./names.js";
import { readSpans, type SlotId, slotAfter, slotKey, sameSlot } from "./slots.js";
import { laterSchema, NO_SCHEMA, type Schema, State } from "./state.js";

/** `WRITER:NUMBER`, which names an entry of a log that did not fork. */
export type EntryId = string;

/** Names an entry. */
export function entryId({ writer, number }: { readonly writer: string; readonly number: number }): EntryId {
  return `${writer}:${number}`;
}

/** Whether a value names an entry. */
export function isEntryId(value: Json | undefined): value is EntryId {
  const [writer, number, ...rest] = typeof value === "string" ? value.split(":") : [];
  return isWriter(writer) && /^[1-9][0-9]{0,15}$/.test(number ?? "") && Number(number) <= MAX_INTEGER && rest.length === 0;
}

/** What undos put back in one array. */
export class Again {
  /** removed elements, and as which they were put back */
  readonly restored = new Map<string, SlotId>();
  /** slots that undos made, and in whose place they stand */
  readonly homes = new Map<string, SlotId>();

  clone(): Again {
    const copy = new Again();
    for (const [key, id] of this.restored) copy.restored.set(key, id);
    for (const [key, id] of this.homes) copy.homes.set(key, id);
    return copy;
  }
}

/** What the actions of undos say of arrays, by array. */
export class PutBack {
  private readonly arrays = new Map<string, Again>();

  of(array: string): Again {
    let again = this.arrays.get(array);
    if (!again) this.arrays.set(array, (again = new Again()));
    return again;
  }

  clone(): PutBack {
    const copy = new PutBack();
    for (const [array, again] of this.arrays) copy.arrays.set(array, again.clone());
    return copy;
  }

  /** Notes what the slots are for that an undo's action made. */
  note(action: Action): void {
    if (!action.slots) return;
    const again = this.of(arrayKey(action.id, action.path!, action.slots.floor));
    eachOf(action, "restores", (made, old) => {
      again.restored.set(slotKey(old), made);
      again.homes.set(slotKey(made), old);
    });
    eachOf(action, "places", (made, place) => again.homes.set(slotKey(made), place));
  }
}

/** Goes through the slots that an action made, each with what a member says of it. */
function eachOf(action: Action, name: string, each: (made: SlotId, of: SlotId) => void): void {
  let next = action.slots?.first;
  if (!next) return;
  const end = slotAfter(next, Math.max(action.values?.length ?? 0, 1));
  for (const span of spansIn(member(action.json, name))) {
    for (let i = 0; i < span.count && !sameSlot(next, end); i++) {
      each(next, slotAfter(span, i));
      next = slotAfter(next, 1);
    }
  }
}

function spansIn(value: Json | undefined): ReturnType<typeof readSpans> {
  try {
    return readSpans(value);
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}

/** The entry that an entry undoes, `undefined` if it undoes none. */
export function undoneIn(entry: Entry): EntryId | undefined {
  for (const { json } of entry.actions) {
    const of = member(json, "undoes");
    if (typeof of === "string") return isEntryId(of) ? of : undefined;
  }
  return undefined;
}

/**
 * What undoing an entry asks of the log: the nodes that the entry names as all entries with lower marks made them, and
 * which entries are undos themselves.
 */
export class Past {
  /** the nodes that the entry names, before it */
  readonly before = new State();
  readonly putBack = new PutBack();
  /** the greatest schema below the entry */
  former: Schema = NO_SCHEMA;
  private readonly ids: ReadonlySet<string>;
  private readonly undoneBy = new Map<EntryId, EntryId[]>();
  private readonly undos = new Set<EntryId>();

  constructor(readonly entry: Entry) {
    this.ids = idsOf(entry.actions);
    this.note(entry);
  }

  /** Takes an entry of the log in, once. The order does not matter, nor does the undone entry itself. */
  add(entry: Entry): void {
    if (entryId(entry) === entryId(this.entry)) return;
    this.note(entry);
    if (!isBefore(markOf(entry, 0), markOf(this.entry, 0))) return;
    entry.actions.forEach((action, position) => {
      const mark = markOf(entry, position);
      if (this.ids.has(action.id)) this.before.apply(action, mark);
      if (action.schema !== undefined) this.former = laterSchema(this.former, { mark, value: action.schema });
    });
  }

  private note(entry: Entry): void {
    const of = undoneIn(entry);
    if (of === undefined) return;
    const id = entryId(entry);
    this.undoneBy.set(of, [...(this.undoneBy.get(of) ?? []), id]);
    this.undos.add(id);
    entry.actions.forEach((action) => this.putBack.note(action));
  }

  /** Whether an entry is the one that is undone, an undo, or one that was undone. */
  isMine(id: EntryId): boolean {
    return id === entryId(this.entry) || this.undos.has(id) || this.undoOf(id) !== undefined;
  }

  /** An entry that undoes one, and was not undone in turn. A forged log may hold undos in a circle. */
  undoOf(id: EntryId, seen = new Set<EntryId>()): EntryId | undefined {
    seen.add(id);
    return (this.undoneBy.get(id) ?? []).find((by) => !seen.has(by) && this.undoOf(by, seen) === undefined);
  }
}
