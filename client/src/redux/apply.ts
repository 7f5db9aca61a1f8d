import type { LogAction, Value } from "../client/messages.js";

/** What an action comes to that the daemon would refuse as well. */
export const refused = Symbol("refused");

type Shown = Value | undefined;
type Edit = (seen: unknown, action: LogAction) => unknown;

/**
 * Applies an action to the plain value of its node (undefined: there is none), as docs/semantics.md says for a device that sees
 * this value. Never changes what it is given.
 */
export function applyAction(value: Shown, action: LogAction): Shown | typeof refused {
  if (action.type === "CREATE_NODE") return { ...value, ...(action["properties"] as Value | undefined) };
  if (!value) return refused;
  if (action.type === "DELETE_NODE") return undefined;
  if (action.type === "SET_PROPERTY" && action["properties"]) return { ...value, ...(action["properties"] as Value) };
  const edit = edits[action.type];
  const { property, path = typeof property === "string" && [property] } = action;
  if (!edit || (path === action["path"] && property !== undefined) || !Array.isArray(path) || !path.length) return refused;
  return editAt(value, path as string[], 0, (seen) => edit(seen, action)) as Value | typeof refused;
}

const isObject = (value: unknown): value is Value => typeof value === "object" && value !== null && !Array.isArray(value);

/** Rebuilds the objects on the way to a property. `edit` answers undefined for a property that is to be absent. */
function editAt(seen: unknown, path: readonly string[], depth: number, edit: (seen: unknown) => unknown): unknown {
  const name = path[depth];
  if (name === undefined) return edit(seen);
  const held = isObject(seen) && Object.hasOwn(seen, name) ? seen[name] : undefined;
  const now = editAt(held, path, depth + 1, edit);
  if (now === refused) return refused;
  if (now === held) return seen;
  const out: Record<string, unknown> = isObject(seen) ? { ...seen } : {};
  if (now === undefined) delete out[name];
  else Object.defineProperty(out, name, { value: now, enumerable: true, configurable: true, writable: true });
  return out;
}

/** An array to edit: what is absent counts as an empty one. */
const arrayOf = (seen: unknown): unknown[] | undefined => (seen === undefined ? [] : Array.isArray(seen) ? [...seen] : undefined);
const within = (index: unknown, below: number): index is number => Number.isInteger(index) && (index as number) >= 0 && (index as number) < below;

const edits: Readonly<Record<string, Edit>> = {
  SET_PROPERTY: (_, action) => (action["value"] === undefined ? refused : action["value"]),
  REMOVE_PROPERTY: () => undefined,
  INCREMENT(seen, { by = 1 }) {
    if (!Number.isInteger(by) || (seen !== undefined && typeof seen !== "number")) return refused;
    return ((seen as number | undefined) ?? 0) + (by as number);
  },
  ARRAY_INSERT(seen, { index, value, values = Array.isArray(value) ? value : value === undefined ? [] : [value] }) {
    const array = arrayOf(seen);
    if (!array || !Array.isArray(values) || !values.length || !within(index, array.length + 1)) return refused;
    array.splice(index, 0, ...values);
    return array;
  },
  ARRAY_REMOVE(seen, { index, count = 1 }) {
    const array = arrayOf(seen);
    if (!array || !within(index, array.length) || !within((count as number) - 1, array.length - index)) return refused;
    array.splice(index, count as number);
    return array;
  },
  ARRAY_SET(seen, { index, value }) {
    const array = arrayOf(seen);
    if (!array || !within(index, array.length) || value === undefined) return refused;
    array[index] = value;
    return array;
  },
  ARRAY_MOVE(seen, { index, to }) {
    const array = arrayOf(seen);
    if (!array || !within(index, array.length) || !within(to, array.length)) return refused;
    array.splice(to, 0, ...array.splice(index, 1));
    return array;
  },
};
