import { byteLength, FormatError, isArray, isInteger, isObject, type Json, type JsonObject, member } from "./json.js";
import { type Mark, NO_MARK, readMark } from "./mark.js";
import { isSalt } from "./names.js";
import { type Indexes, type Slots, readIndexes, readSlots } from "./slots.js";

/** A value at a path; `undefined` is "absent". */
export interface Write {
  readonly path: readonly string[];
  readonly value: Json | undefined;
}

/** What an INCREMENT in a log says: the total of its writer's run under a floor. */
export interface Run {
  readonly salt: string;
  readonly floor: Mark;
  readonly total: number;
}

/** An action as it was read. */
export interface Action {
  readonly type: string;
  /** all that the caller sent */
  readonly json: JsonObject;
  /** of the node; empty for types that name none */
  readonly id: string;
  /** of CREATE_NODE, SET_PROPERTY, REMOVE_PROPERTY */
  readonly writes: readonly Write[];
  /** of INCREMENT and the actions on arrays */
  readonly path?: readonly string[];
  readonly by?: number;
  readonly run?: Run;
  readonly revive?: boolean;
  /** of ARRAY_INSERT and ARRAY_SET */
  readonly values?: readonly Json[];
  /** of an action on an array as a caller sends it */
  readonly indexes?: Indexes;
  /** of an action on an array in a log */
  readonly slots?: Slots;
  /** of SET_SCHEMA: an object or null */
  readonly schema?: Json;
}

/** The most levels of a value, and steps of a path. */
export const MAX_DEPTH = 64;

/** The most bytes of a node's id. */
export const MAX_ID = 512;

const ON_NODES: ReadonlyMap<string, (json: JsonObject, base: Base) => Action> = new Map([
  ["CREATE_NODE", readCreate],
  ["DELETE_NODE", (_json: JsonObject, base: Base) => base],
  ["SET_PROPERTY", readSet],
  ["REMOVE_PROPERTY", readRemove],
  ["INCREMENT", readIncrement],
  ["ARRAY_INSERT", readArray],
  ["ARRAY_REMOVE", readArray],
  ["ARRAY_SET", readArray],
  ["ARRAY_MOVE", readArray],
]);

interface Base {
  readonly type: string;
  readonly json: JsonObject;
  readonly id: string;
  readonly writes: readonly Write[];
}

/**
 * Reads an action, of a log or of a caller. A type that is not known says nothing.
 *
 * @throws FormatError when it is malformed.
 */
export function readAction(json: Json): Action {
  const type = isObject(json) ? member(json, "type") : undefined;
  if (!isObject(json) || typeof type !== "string") throw new FormatError("an action is an object with a type");
  const read = ON_NODES.get(type);
  if (read) return read(json, { type, json, id: readId(json), writes: [] });
  if (type !== "SET_SCHEMA") return { type, json, id: "", writes: [] };
  const schema = member(json, "schema");
  if (schema !== null && !isObject(schema)) throw new FormatError("schema of SET_SCHEMA is an object, or null");
  return { type, json, id: "", writes: [], schema };
}

/** Whether an action edits an array. */
export function isOnArray(action: Action): boolean {
  return action.type.startsWith("ARRAY_") && action.path !== undefined;
}

function readId(json: JsonObject): string {
  const id = member(json, "id");
  if (typeof id !== "string" || id === "" || byteLength(id) > MAX_ID) {
    throw new FormatError(`an id is a string of 1 to ${MAX_ID} bytes`);
  }
  return id;
}

function readCreate(json: JsonObject, base: Base): Action {
  const revive = member(json, "revive") ?? false;
  if (typeof revive !== "boolean" || member(json, "revive") === null) throw new FormatError("revive is true or false");
  const properties = member(json, "properties");
  return { ...base, revive, writes: properties === undefined ? [] : readProperties(properties) };
}

function readProperties(properties: Json): Write[] {
  if (!isObject(properties)) throw new FormatError("properties is an object");
  if (Object.hasOwn(properties, "id")) throw new FormatError("a property named id would hide the node's id");
  return Object.entries(properties).map(([name, value]) => ({ path: [name], value }));
}

function readSet(json: JsonObject, base: Base): Action {
  const properties = member(json, "properties");
  if (properties !== undefined) {
    if (["property", "path", "value"].some((name) => Object.hasOwn(json, name))) {
      throw new FormatError("SET_PROPERTY has either properties, or path and value");
    }
    return { ...base, writes: readProperties(properties) };
  }
  const value = member(json, "value");
  if (value === undefined) throw new FormatError("SET_PROPERTY with a path needs a value");
  return { ...base, writes: [{ path: readPath(json), value }] };
}

function readRemove(json: JsonObject, base: Base): Action {
  return { ...base, writes: [{ path: readPath(json), value: undefined }] };
}

function readIncrement(json: JsonObject, base: Base): Action {
  const path = readPath(json);
  const by = member(json, "by");
  if (by !== undefined && !isInteger(by)) throw new FormatError("by is an integer within ±2^53");
  const run = member(json, "run");
  return { ...base, path, by: by ?? 1, ...(run !== undefined && { run: readRun(run) }) };
}

function readRun(run: Json): Run {
  const salt = isObject(run) ? member(run, "salt") : undefined;
  const total = isObject(run) ? member(run, "total") : undefined;
  if (!isObject(run) || !isSalt(salt) || !isInteger(total)) throw new FormatError("a run is {floor,salt,total}");
  return { salt, total, floor: readFloor(run) };
}

/** Reads the member floor of a run or of slots, which may be left out. */
export function readFloor(holder: JsonObject): Mark {
  const floor = member(holder, "floor");
  return floor === undefined ? NO_MARK : readMark(floor);
}

/** Reads the path that an action names: its property, or its path. */
function readPath(json: JsonObject): readonly string[] {
  const property = member(json, "property");
  const path = member(json, "path");
  if ((property === undefined) === (path === undefined)) throw new FormatError("either property or path");
  const steps = property === undefined ? path : [property];
  if (!isArray(steps) || steps.length === 0 || steps.length > MAX_DEPTH || steps.some((step) => typeof step !== "string")) {
    throw new FormatError(`a path has 1 to ${MAX_DEPTH} steps, which are strings`);
  }
  if (steps[0] === "id") throw new FormatError("a property named id would hide the node's id");
  return steps as readonly string[];
}

function readArray(json: JsonObject, base: Base): Action {
  const path = readPath(json);
  const values = readValues(json, base.type);
  const slots = member(json, "slots");
  const said = slots === undefined
    ? { indexes: readIndexes(json, base.type) }
    : { slots: readSlots(slots, base.type, values?.length ?? 1, readFloor) };
  return { ...base, path, ...(values && { values }), ...said };
}

function readValues(json: JsonObject, type: string): readonly Json[] | undefined {
  const value = member(json, "value");
  const values = member(json, "values");
  if (type === "ARRAY_SET") {
    if (value === undefined) throw new FormatError("ARRAY_SET needs a value");
    return [value];
  }
  if (type !== "ARRAY_INSERT") return undefined;
  if ((value === undefined) === (values === undefined)) throw new FormatError("ARRAY_INSERT has either values or value");
  if (values !== undefined && !isArray(values)) throw new FormatError("values is an array");
  const list = isArray(values) ? values : isArray(value) ? value : [value as Json];
  if (list.length === 0) throw new FormatError("ARRAY_INSERT needs at least one value");
  return list;
}
