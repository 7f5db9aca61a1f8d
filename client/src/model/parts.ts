import { isObject, type Json, setMember } from "./json.js";
import type { Mark } from "./mark.js";
import { Vertex } from "./node.js";
import { objectAt, seenAt } from "./seen.js";

/** Values to be written at deeper paths. */
export type Deeper = { readonly path: readonly string[]; readonly value: Json }[];

/**
 * Takes what is seen at a vertex apart: the value to write at its path, `undefined` for none, and the writes to add below it
 * so that an object that nobody wrote is again there only as long as its members are.
 */
export function partsOf(
  vertex: Vertex | undefined, path: readonly string[], above: Mark, inherited: Json | undefined, deeper: Deeper,
): Json | undefined {
  if (!vertex) return inherited;
  const base = vertex.isWritten ? vertex.value : inherited;
  const floor = vertex.isWritten ? vertex.mark : above;
  if (!vertex.children || !objectAt(vertex, floor, base)) return seenAt(vertex, above, inherited);
  const children = sorted(vertex.children);
  if (isObject(base)) {
    const all: { [name: string]: Json } = {};
    for (const [name, value] of Object.entries(base)) {
      if (!vertex.children.has(name)) setMember(all, name, value);
    }
    for (const [name, child] of children) {
      const value = partsOf(child, [...path, name], floor, Object.hasOwn(base, name) ? base[name] : undefined, deeper);
      if (value !== undefined) setMember(all, name, value);
    }
    return all;
  }
  for (const [name, child] of children) {
    const at = [...path, name];
    const under: Deeper = [];
    const value = partsOf(child, at, floor, undefined, under);
    if (value !== undefined) deeper.push({ path: at, value });
    deeper.push(...under);
  }
  return seenAt(flat(vertex), above, inherited);
}

function sorted(children: ReadonlyMap<string, Vertex>): [string, Vertex][] {
  return [...children].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A vertex without what is deeper. */
function flat(vertex: Vertex): Vertex {
  const copy = new Vertex();
  copy.mark = vertex.mark;
  copy.value = vertex.value;
  copy.totals = vertex.totals;
  copy.arrays = vertex.arrays;
  return copy;
}
