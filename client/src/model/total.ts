import { type Json, MAX_INTEGER } from "./json.js";
import { compareMarks, compareStamps, type Mark, sameMark, type Stamp } from "./mark.js";
import { compareWriters } from "./names.js";

/** The total of one writer's increments of one counter under one floor. */
export interface Total {
  readonly writer: string;
  /** of the entry that began the run */
  readonly salt: string;
  readonly floor: Mark;
  readonly number: number;
  readonly position: number;
  readonly stamp: Stamp;
  readonly total: number;
}

/** Orders totals by what names their run. */
export function compareRuns(a: Total, b: Total): number {
  return compareWriters(a.writer, b.writer) || (a.salt < b.salt ? -1 : Number(a.salt > b.salt)) || compareMarks(a.floor, b.floor);
}

/** Whether a total of a run is later than another; a forked writer can number two alike. */
export function isLaterTotal(a: Total, b: Total): boolean {
  return (a.number - b.number || a.position - b.position || compareStamps(a.stamp, b.stamp) || a.total - b.total) > 0;
}

/** Sorted totals with another one in its place. */
export function keepTotal(totals: readonly Total[], total: Total): readonly Total[] {
  const at = totals.findIndex((old) => compareRuns(old, total) >= 0);
  const old = totals[at];
  if (old === undefined) return [...totals, total];
  if (compareRuns(old, total) > 0) return totals.toSpliced(at, 0, total);
  return isLaterTotal(total, old) ? totals.with(at, total) : totals;
}

/**
 * What a counter shows under a floor: the exact sum of its totals and of the plain value, if that is a number, as the
 * nearest float64. `undefined` when there are no totals.
 */
export function sumUnder(totals: readonly Total[], floor: Mark, base: Json | undefined): number | undefined {
  const sum = integerSum(totals, floor);
  if (sum === undefined) return undefined;
  return typeof base === "number" ? addExactly(base, sum) : Number(sum);
}

function integerSum(totals: readonly Total[], floor: Mark): bigint | undefined {
  const counted = totals.filter((total) => sameMark(total.floor, floor));
  return counted.length === 0 ? undefined : counted.reduce((sum, { total }) => sum + BigInt(total), 0n);
}

/** Whether what a counter shows under a floor, exactly, is beyond ±2^53. */
export function isBeyond(totals: readonly Total[], floor: Mark, base: Json | undefined): boolean {
  const sum = integerSum(totals, floor);
  if (sum === undefined) return false;
  const { digits, scale } = exactSum(typeof base === "number" ? base : 0, sum);
  return (digits < 0n ? -digits : digits) > BigInt(MAX_INTEGER) * scale;
}

/** A number, taken as it is written, and an integer, exactly added and then rounded once. */
export function addExactly(base: number, sum: bigint): number {
  const { digits, power } = exactSum(base, sum);
  return Number(`${digits}e${power}`) || 0; // no -0
}

/** A sum as digits × 10^power = digits / scale. */
function exactSum(base: number, sum: bigint): { digits: bigint; power: number; scale: bigint } {
  const [, sign, whole, fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(base))!;
  const digits = BigInt(sign + whole! + fraction);
  const power = Number(exponent) - fraction.length;
  if (power >= 0) return { digits: digits * 10n ** BigInt(power) + sum, power: 0, scale: 1n };
  const scale = 10n ** BigInt(-power);
  return { digits: digits + sum * scale, power, scale };
}
