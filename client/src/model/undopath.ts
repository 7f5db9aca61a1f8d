import type { Action } from "./action.js";
import { isArray, type Json, sameJson } from "./json.js";
import { type Mark, sameMark } from "./mark.js";
import { type Deeper, partsOf } from "./parts.js";
import { type Place, seenIn } from "./seen.js";
import type { Undoer } from "./undo.js";
import { undoElements } from "./undoarray.js";

type Path = readonly string[];

/**
 * Puts back what an entry changed in a node that lived before it and after it. Replaced means that it deleted and made the
 * node, so that every property is its own.
 */
export function undoPaths(undoer: Undoer, id: string, isReplaced: boolean): void {
  const actions = undoer.past.entry.actions.filter((action) => action.id === id);
  const written = isReplaced ? propertiesOf(undoer, id) : topOf(actions);
  for (const path of written) valueBack(undoer, id, path, "it was changed since");
  const done: Path[] = [];
  for (const { path } of actions) {
    if (!path || isCovered(written, path) || done.some((other) => isSame(other, path))) continue;
    done.push(path);
    pathBack(undoer, id, path, actions.filter((action) => action.path && isSame(action.path, path)));
  }
}

/** The paths that actions write, without those below others. */
function topOf(actions: readonly Action[]): Path[] {
  const all = actions.flatMap((action) => action.writes.map(({ path }) => path)).sort((a, b) => a.length - b.length);
  const top: Path[] = [];
  for (const path of all) {
    if (!isCovered(top, path)) top.push(path);
  }
  return top;
}

/** The properties of a node before or after the entry. */
function propertiesOf(undoer: Undoer, id: string): Path[] {
  const names = [undoer.before, undoer.after].flatMap((state) => Object.keys(state.node(id).value() ?? {}));
  return [...new Set(names)].sort().map((name) => [name]);
}

function isSame(a: Path, b: Path): boolean {
  return a.length === b.length && isPrefix(a, b);
}

function isPrefix(prefix: Path, path: Path): boolean {
  return prefix.length <= path.length && prefix.every((step, i) => step === path[i]);
}

/** Whether one of the paths is the path or a prefix of it. */
function isCovered(paths: readonly Path[], path: Path): boolean {
  return paths.some((other) => isPrefix(other, path));
}

function apart(place: Place, path: Path): { value: Json | undefined; deeper: Deeper } {
  const deeper: Deeper = [];
  return { value: partsOf(place.vertex, path, place.floor, place.plain, deeper), deeper };
}

/** Puts back the value at a path as a whole. */
function valueBack(undoer: Undoer, id: string, path: Path, otherwise: string): void {
  const was = apart(undoer.before.node(id).at(path), path);
  const after = apart(undoer.after.node(id).at(path), path);
  const sameDeeper = sameJson(was.deeper as unknown as Json, after.deeper as unknown as Json);
  if (sameJson(was.value, after.value) && sameDeeper) return;
  if (!undoer.isKept(id, path, undoer.now(id).at(path))) return undoer.leave(id, path, otherwise);
  if (was.value === undefined) undoer.emitAll("REMOVE_PROPERTY", id, path, {}, was.deeper);
  else undoer.emitAll("SET_PROPERTY", id, path, { value: was.value }, was.deeper);
}

/** Puts back a path whose counter or array the entry changed. */
function pathBack(undoer: Undoer, id: string, path: Path, actions: readonly Action[]): void {
  const was = undoer.before.node(id).at(path);
  const left = seenIn(undoer.after.node(id).at(path));
  if (!isArray(left) && sameJson(seenIn(was), left)) return; // equal elements may have changed places
  const floor = actions.reduce<Mark | undefined>((floor, { run, slots }) => run?.floor ?? slots?.floor ?? floor, undefined)!;
  if (!sameMark(was.floor, floor)) return; // a write that it did not know of had hidden what it did
  const is = undoer.now(id).at(path);
  const stays = sameMark(is.floor, floor);
  const edits = actions.filter(({ slots }) => slots);
  if (edits.length > 0) {
    if (stays) undoElements(undoer, id, path, edits);
    else valueBack(undoer, id, path, "the array was replaced since");
    return;
  }
  if (!stays && !undoer.isKept(id, path, is)) return undoer.leave(id, path, "the counter was set since");
  const by = actions.reduce((sum, action) => sum + action.by!, 0);
  if (by !== 0) undoer.emit("INCREMENT", id, path, { by: -by });
}
