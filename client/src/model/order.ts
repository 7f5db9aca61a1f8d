import { bytesOf, canonical, FormatError, isArray, isObject, type Json, type JsonObject } from "./json.js";
import { FIRST_STAMP, type Stamp } from "./mark.js";

/** One thing to order by. */
interface Field {
  readonly name: string;
  readonly isDown: boolean;
}

/** An order of nodes, as x-setlogger has it (docs/schema.md). The last field is the id. */
export type Order = readonly Field[];

/** The order of buckets that set none. */
export const DEFAULT_ORDER: readonly string[] = ["-created", "id"];

/** The most names of an order before the id. */
const MAX_FIELDS = 8;

/** Bytes of a text that are compared. */
const MAX_TEXT = 256;

/**
 * Reads a list of up to 8 distinct names: `id`, `created`, or those of properties, with `-` in front for downwards. What comes
 * after the id decides nothing and is left out; an id is added where none is.
 *
 * @throws FormatError
 */
export function parseOrder(names: readonly string[]): Order {
  const fields: Field[] = [];
  const has = (name: string): boolean => fields.some((field) => field.name === name);
  for (const text of [...(names.length === 0 ? ["-created"] : names), "id"]) {
    const isDown = text.startsWith("-");
    const name = isDown ? text.slice(1) : text;
    if (name === "") throw new FormatError("a name that names nothing");
    if (has("id")) continue;
    if (has(name)) throw new FormatError(`${name} is named twice`);
    fields.push({ name, isDown });
  }
  if (fields.length > MAX_FIELDS + 1) throw new FormatError("more names than an order may have");
  return fields;
}

/** The order that a bucket's schema sets; the default if it sets none, or one that can't be read. */
export function orderOf(schema: Json): readonly string[] {
  const settings = isObject(schema) ? schema["x-setlogger"] : undefined;
  const order = isObject(settings) ? settings["order"] : undefined;
  if (!isArray(order) || !order.every((name) => typeof name === "string")) return DEFAULT_ORDER;
  try {
    return parseOrder(order as readonly string[]).map(({ name, isDown }) => (isDown ? "-" : "") + name);
  } catch (error) {
    if (error instanceof FormatError) return DEFAULT_ORDER;
    throw error;
  }
}

/**
 * Where a node stands: keys, of which each character stands for a byte, sort as their nodes do, and no two nodes have the
 * same. One that is not alive, whose value is null, stands where one without properties would that was created at stamp 0.
 */
export function orderKey(order: Order, id: string, created: Stamp, value: JsonObject | null): string {
  const key: number[] = [];
  for (const field of order) {
    const start = key.length;
    push(key, field, id, value === null ? FIRST_STAMP : created, value ?? {});
    for (let i = start; field.isDown && i < key.length; i++) key[i]! ^= 0xff;
  }
  return String.fromCharCode(...key);
}

function push(key: number[], { name, isDown }: Field, id: string, created: Stamp, value: JsonObject): void {
  if (name === "created") {
    pushInteger(key, created.ms, 6);
    pushInteger(key, created.tick, 2);
  } else if (name === "id" && !isDown) {
    key.push(...bytesOf(id));
  } else if (name === "id") {
    pushText(key, bytesOf(id));
  } else {
    pushValue(key, Object.hasOwn(value, name) ? value[name] : undefined);
  }
}

function pushInteger(key: number[], value: number, bytes: number): void {
  for (let i = bytes - 1; i >= 0; i--) key.push(Math.floor(value / 2 ** (8 * i)) % 256);
}

/** Appends a value in a form that sorts: what it is, then what it says. */
function pushValue(key: number[], value: Json | undefined): void {
  if (value === undefined) key.push(1);
  else if (value === null) key.push(2);
  else if (typeof value === "boolean") key.push(value ? 4 : 3);
  else if (typeof value === "number") pushNumber(key, value);
  else {
    const text = typeof value === "string" ? value : canonical(value);
    key.push(typeof value === "string" ? 6 : isArray(value) ? 7 : 8);
    pushText(key, bytesOf(text).subarray(0, MAX_TEXT));
  }
}

function pushNumber(key: number[], value: number): void {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  key.push(5);
  for (let i = 0; i < 8; i++) {
    const byte = view.getUint8(i);
    key.push(value < 0 ? byte ^ 0xff : i === 0 ? byte | 0x80 : byte);
  }
}

/** Appends a text and a byte that is not in it. */
function pushText(key: number[], text: Uint8Array): void {
  for (const byte of text) {
    if (byte <= 1) key.push(1, byte + 1);
    else key.push(byte);
  }
  key.push(0);
}
