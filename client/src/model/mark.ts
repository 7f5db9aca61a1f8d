import { FormatError, isArray, isInteger, type Json } from "./json.js";
import { compareWriters, isWriter } from "./names.js";

/** A reading of a hybrid logical clock (Kulkarni et al., 2014): Unix milliseconds of 48 bits, a tick of 16. */
export interface Stamp {
  readonly ms: number;
  readonly tick: number;
}

/** The place of a write among all writes: its stamp and, for ties, whose action it is. */
export interface Mark extends Stamp {
  readonly writer: string;
  /** of the entry, from 1 */
  readonly number: number;
  /** of the action in its entry, from 0 */
  readonly position: number;
}

const TICKS = 2 ** 16;

/** The stamp below all others. */
export const FIRST_STAMP: Stamp = { ms: 0, tick: 0 };

/** The mark of no write, below all others. */
export const NO_MARK: Mark = { ms: 0, tick: 0, writer: "aaaaaaaaaaaaaaaa", number: 0, position: 0 };

/** The last millisecond of 2099: no clock is believed beyond it. */
export const MAX_WALL = 4102444799999;

/** The highest stamp that is folded: a year above, for stamps that had to exceed others. */
export const MAX_STAMP: Stamp = { ms: MAX_WALL + 366 * 24 * 3600 * 1000, tick: 0 };

/** A position that no action of an entry has. */
const MAX_POSITION = 2 ** 20;

/** Reads `milliseconds-tick`, `undefined` for anything else. */
export function readStamp(text: Json | undefined): Stamp | undefined {
  const parts = typeof text === "string" ? /^(0|[1-9][0-9]{0,14})-(0|[1-9][0-9]{0,4})$/.exec(text) : null;
  if (parts === null) return undefined;
  const stamp = { ms: Number(parts[1]), tick: Number(parts[2]) };
  return stamp.ms < 2 ** 48 && stamp.tick < TICKS ? stamp : undefined;
}

/** A stamp as `milliseconds-tick`. */
export function stampText(stamp: Stamp): string {
  return `${stamp.ms}-${stamp.tick}`;
}

/** Orders stamps. */
export function compareStamps(a: Stamp, b: Stamp): number {
  return a.ms - b.ms || a.tick - b.tick;
}

/** The later of two stamps. */
export function laterStamp(a: Stamp, b: Stamp): Stamp {
  return compareStamps(a, b) < 0 ? b : a;
}

/** The stamp one tick later. */
export function afterStamp(stamp: Stamp): Stamp {
  return stamp.tick + 1 < TICKS ? { ms: stamp.ms, tick: stamp.tick + 1 } : { ms: stamp.ms + 1, tick: 0 };
}

/** The mark with the stamp one tick lower. */
export function beforeMark(mark: Mark): Mark {
  return mark.tick > 0 ? { ...mark, tick: mark.tick - 1 } : { ...mark, ms: mark.ms - 1, tick: TICKS - 1 };
}

/** Orders marks by stamp, writer, number, position. */
export function compareMarks(a: Mark, b: Mark): number {
  if (a === b) return 0;
  return a.ms - b.ms || a.tick - b.tick || compareWriters(a.writer, b.writer) || a.number - b.number || a.position - b.position;
}

/** Whether a mark stands before another. */
export function isBefore(a: Mark, b: Mark): boolean {
  return compareMarks(a, b) < 0;
}

/** The later of two marks. */
export function laterMark(a: Mark, b: Mark): Mark {
  return isBefore(a, b) ? b : a;
}

/** Whether two marks are the same. */
export function sameMark(a: Mark, b: Mark): boolean {
  return compareMarks(a, b) === 0;
}

/**
 * Reads `[stamp,writer,number,position]`.
 *
 * @throws FormatError
 */
export function readMark(value: Json | undefined): Mark {
  if (isArray(value) && value.length === 4) {
    const [text, writer, number, position] = value;
    const stamp = readStamp(text);
    if (stamp && isWriter(writer) && isInteger(number, 1) && isInteger(position, 0, MAX_POSITION)) {
      return { ...stamp, writer, number, position };
    }
  }
  throw new FormatError("no mark");
}

/** A mark as `[stamp,writer,number,position]`. */
export function writeMark(mark: Mark): Json {
  return [stampText(mark), mark.writer, mark.number, mark.position];
}
