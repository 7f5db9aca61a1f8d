import type { ArrayState } from "./array.js";
import { isArray, isObject, type Json, type JsonObject, member, setMember } from "./json.js";
import type { Mark } from "./mark.js";
import type { Vertex } from "./node.js";
import { sumUnder } from "./total.js";

/** What one path of a node holds. */
export interface Place {
  /** `undefined` when nothing was written there or deeper */
  readonly vertex: Vertex | undefined;
  /** the highest of the delete and the writes at the path and its prefixes */
  readonly floor: Mark;
  /** the plain value there */
  readonly plain: Json | undefined;
}

/** Looks a path up in a node, given its root and delete. */
export function placeAt(root: Vertex, deleted: Mark, path: readonly string[]): Place {
  let vertex: Vertex | undefined = root;
  let floor = deleted;
  let plain: Json | undefined = {};
  for (const step of path) {
    plain = isObject(plain) ? member(plain, step) : undefined;
    vertex = vertex?.child(step);
    if (vertex?.isWritten) {
      plain = vertex.value;
      floor = vertex.mark;
    }
  }
  return { vertex, floor, plain };
}

/** What is seen at a place, `undefined` for nothing. */
export function seenIn(place: Place): Json | undefined {
  return seenAt(place.vertex, place.floor, place.plain);
}

/**
 * What is seen at a vertex: an object if something deeper is, else an array if an element shows, else the counter, else the
 * plain value. It takes the floor of the path above, and what an object written above holds here.
 */
export function seenAt(vertex: Vertex | undefined, above: Mark, inherited: Json | undefined): Json | undefined {
  if (!vertex) return inherited;
  const base = vertex.isWritten ? vertex.value : inherited;
  const floor = vertex.isWritten ? vertex.mark : above;
  if (!vertex.isShared) return base;
  const object = objectAt(vertex, floor, base);
  if (object) return object;
  const array = vertex.array(floor);
  const shown = array ? array.sequence(base).values() : base;
  if (isArray(shown) && shown.length > 0) return shown;
  const sum = sumUnder(vertex.totals, floor, base);
  if (sum !== undefined) return sum;
  if (array && isArray(base)) return [];
  return isObject(base) ? {} : base;
}

/** The members of the plain value with what is seen at the children, `undefined` when that is none. */
export function objectAt(vertex: Vertex, floor: Mark, base: Json | undefined): JsonObject | undefined {
  const object: { [name: string]: Json } = {};
  const children = vertex.children;
  let isThere = false;
  const put = (name: string, value: Json | undefined): void => {
    if (value === undefined) return;
    setMember(object, name, value);
    isThere = true;
  };
  if (isObject(base)) {
    for (const name of Object.keys(base)) {
      put(name, seenAt(children?.get(name), floor, base[name]));
    }
  }
  for (const [name, child] of children ?? []) {
    if (!isObject(base) || !Object.hasOwn(base, name)) put(name, seenAt(child, floor, undefined));
  }
  return isThere ? object : undefined;
}

/** The array of a place, and whether it is what is seen there because an element shows. */
export function arrayIn(place: Place): ArrayState | undefined {
  return place.vertex?.array(place.floor);
}
