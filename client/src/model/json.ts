/**
 * JSON as docs/format.md has it: RFC 8785, with nothing that two readers could take for two things.
 *
 * Values are plain JavaScript values. They are shared, never copied: treat all that the model hands out as read-only.
 */

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object; `__proto__` is a member like any other. */
export interface JsonObject {
  readonly [name: string]: Json;
}

/** The highest magnitude of an integer, 2^53. */
export const MAX_INTEGER = 2 ** 53;

/** What is not of the form that docs/format.md gives. */
export class FormatError extends Error {
  override readonly name: string = "FormatError";
}

/** Whether a value is an object, and no array. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is an array. */
export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The member of an object, `undefined` where there is none. */
export function member(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The items of a member that is a list, none when it is left out. */
export function list(object: JsonObject, name: string): readonly Json[] {
  const value = member(object, name) ?? (Object.hasOwn(object, name) ? null : []);
  if (!isArray(value)) throw new FormatError(`${name} is a list`);
  return value;
}

/** Sets a member, `__proto__` too. */
export function setMember(object: { [name: string]: Json }, name: string, value: Json): void {
  if (name === "__proto__") {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[name] = value;
  }
}

/** An object with some members set anew; `undefined` takes one away. */
export function withMembers(object: JsonObject, set: { [name: string]: Json | undefined }): JsonObject {
  const result: { [name: string]: Json } = {};
  for (const name of Object.keys(object)) {
    if (!Object.hasOwn(set, name)) setMember(result, name, object[name] as Json);
  }
  for (const name of Object.keys(set)) {
    const value = set[name];
    if (value !== undefined) setMember(result, name, value);
  }
  return result;
}

/** Whether a value is an integer in a range. */
export function isInteger(value: Json | undefined, least = -MAX_INTEGER, most = MAX_INTEGER): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}

/** A value's text by RFC 8785: no white space, members sorted by UTF-16 code units, numbers as ECMAScript prints them. */
export function canonical(value: Json): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isArray(value)) return "[" + value.map(canonical).join(",") + "]";
  const object = value as JsonObject;
  const names = Object.keys(object).sort();
  return "{" + names.map((name) => JSON.stringify(name) + ":" + canonical(object[name] as Json)).join(",") + "}";
}

/** Whether two values are the same. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (isArray(a)) return isArray(b) && a.length === b.length && a.every((value, i) => sameJson(value, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]));
}

/** How deep a value is nested: 0 for a scalar. */
export function depth(value: Json): number {
  if (value === null || typeof value !== "object") return 0;
  let deepest = 0;
  for (const inner of isArray(value) ? value : Object.values(value as JsonObject)) {
    deepest = Math.max(deepest, depth(inner));
  }
  return deepest + 1;
}

/** How deep arrays and objects nest in a text, which need be no JSON. */
export function depthOfText(text: string): number {
  let deepest = 0;
  let level = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) i = endOfString(text, i) - 1;
    else if (c === 0x5b || c === 0x7b) deepest = Math.max(deepest, ++level);
    else if (c === 0x5d || c === 0x7d) level--;
  }
  return deepest;
}

/** The place behind the string that begins at a place of a text. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
  return text.length;
}

const SURROGATE = /\p{Surrogate}/u;
const INTEGER = /^-?[0-9]+$/;

/**
 * Reads text that must be canonical already, nested at most so deep.
 *
 * @throws FormatError for any other text.
 */
export function parseCanonical(text: string, deepest: number): Json {
  if (depthOfText(text) > deepest) throw new FormatError(`nested deeper than ${deepest}`);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw new FormatError("no JSON");
  }
  if (canonical(value) !== text) throw new FormatError("not in canonical form");
  if (text.includes("\\ud") || SURROGATE.test(text)) checkText(value);
  return value;
}

/** Refuses lone surrogates, which JSON.parse lets pass. */
function checkText(value: Json): void {
  if (typeof value === "string") {
    if (SURROGATE.test(value)) throw new FormatError("a lone surrogate");
  } else if (isArray(value)) {
    value.forEach(checkText);
  } else if (isObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      checkText(name);
      checkText(inner);
    }
  }
}

/** Whether each integer, which is a number written without point and exponent, lies within ±2^53. */
export function integersAreSafe(value: Json): boolean {
  if (typeof value === "number") {
    return Math.abs(value) <= MAX_INTEGER || !INTEGER.test(String(value));
  }
  if (isArray(value)) return value.every(integersAreSafe);
  return !isObject(value) || Object.values(value).every(integersAreSafe);
}

const encoder = new TextEncoder();

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** How many UTF-8 bytes a text has. */
export function byteLength(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x800 && (c < 0xd800 || c > 0xdfff)) length += 2;
    else if (c >= 0x80) length += 1; // each half of a pair has two of its four bytes
  }
  return length;
}

/** Orders texts by their UTF-8 bytes, which is by code points. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Halves of pairs stand for characters above all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Orders values by the UTF-8 bytes of their canonical text; absent ones come first. */
export function compareJson(a: Json | undefined, b: Json | undefined): number {
  return compareText(a === undefined ? "" : canonical(a), b === undefined ? "" : canonical(b));
}
