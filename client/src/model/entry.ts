import { type Action, isOnArray, readAction } from "./action.js";
import {
  byteLength, FormatError, integersAreSafe, isArray, isInteger, isObject, type Json, type JsonObject, member, parseCanonical,
} from "./json.js";
import { compareStamps, FIRST_STAMP, isBefore, type Mark, MAX_STAMP, readStamp, type Stamp } from "./mark.js";
import { isSalt, isShortHash, isWriter } from "./names.js";

/** The most bytes of an entry's line. */
export const MAX_LINE = 2 ** 20;

/** How deep an entry's line may nest: actions stand two deep. */
const LINE_DEPTH = 66;

/** A writer's latest entry that somebody holds: writer, number, first half of the chain. */
export type Head = readonly [writer: string, number: number, chain: string];

/** One append to a log, as its line says. */
export interface Entry {
  readonly writer: string;
  readonly number: number;
  readonly stamp: Stamp;
  readonly salt: string;
  readonly actions: readonly Action[];
  readonly saw: readonly Head[];
  readonly birth: string;
  /** for each node that the actions name, in order; empty when all are 1 */
  readonly counts: readonly number[];
}

/** The mark of an entry's action. */
export function markOf(entry: Entry, position: number): Mark {
  return { ms: entry.stamp.ms, tick: entry.stamp.tick, writer: entry.writer, number: entry.number, position };
}

/**
 * Reads the line of a writer's entry of that number.
 *
 * @throws FormatError for a line that counts and changes nothing.
 */
export function readEntry(writer: string, number: number, line: string): Entry {
  if (line.length > MAX_LINE || byteLength(line) > MAX_LINE) throw new FormatError("a line over 1 MiB");
  const json = parseCanonical(line, LINE_DEPTH);
  if (!isObject(json) || !integersAreSafe(json)) throw new FormatError("no object, or an integer beyond ±2^53");
  const said = member(json, "number");
  if (said !== undefined && said !== number) throw new FormatError(`another number stands at ${number}`);
  const bare = { writer, number, ...readHead(json) };
  const actions = member(json, "actions");
  if (!isArray(actions)) throw new FormatError("no actions");
  const entry: Entry = { ...bare, actions: actions.map(readAction), counts: readCounts(member(json, "n")) };
  entry.actions.forEach((action, position) => checkFloor(action, markOf(entry, position)));
  if (member(json, "n") !== undefined && entry.counts.length !== idsOf(entry.actions).size) {
    throw new FormatError("n holds a count for each node that is named");
  }
  return entry;
}

/** The ids of the nodes that actions name, each once, in order. */
export function idsOf(actions: readonly Action[]): Set<string> {
  return new Set(actions.map((action) => action.id).filter((id) => id !== ""));
}

function readHead(json: JsonObject): Pick<Entry, "stamp" | "salt" | "saw" | "birth"> {
  const stamp = readStamp(member(json, "stamp"));
  if (!stamp || compareStamps(stamp, FIRST_STAMP) === 0 || compareStamps(stamp, MAX_STAMP) > 0) {
    throw new FormatError("no stamp, or one out of range");
  }
  const salt = member(json, "salt") ?? (Object.hasOwn(json, "salt") ? null : "0000000000000000");
  const birth = member(json, "birth") ?? (Object.hasOwn(json, "birth") ? null : "");
  if (!isSalt(salt) || typeof birth !== "string") throw new FormatError("no salt, or no birth");
  return { stamp, salt, birth, saw: readSaw(member(json, "saw")) };
}

/** Reads `[[writer,number,chain],…]`; throws FormatError. */
export function readSaw(saw: Json | undefined): readonly Head[] {
  if (saw === undefined) return [];
  if (!isArray(saw)) throw new FormatError("saw is a list");
  return saw.map((head) => {
    const [writer, number, chain] = isArray(head) && head.length === 3 ? head : [];
    if (!isWriter(writer) || !isInteger(number, 1) || !isShortHash(chain)) throw new FormatError("saw holds heads");
    return [writer, number, chain];
  });
}

function readCounts(counts: Json | undefined): readonly number[] {
  if (counts === undefined) return [];
  if (!isArray(counts) || !counts.every((count) => isInteger(count, 1))) throw new FormatError("n holds counts from 1");
  return counts as readonly number[];
}

/** Refuses an action in a log without the member that resolves it, or under a floor that is not below it. */
function checkFloor(action: Action, mark: Mark): void {
  const floor = action.type === "INCREMENT" ? action.run?.floor : isOnArray(action) ? action.slots?.floor : undefined;
  if (floor === undefined ? action.path !== undefined : !isBefore(floor, mark)) {
    throw new FormatError(`${action.type} without what resolves it, or under a floor that is not below it`);
  }
}
