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
  const makes = action.type === "CREATE_NODE";
  if (!value && !makes) return refused;
  if (action.type === "DELETE_NODE") return undefined;
  if (makes || (action["properties"] && action.type === "SET_PROPERTY")) return { ...value, ...(action["properties"] as Value | undefined) };
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
  const out: Record<string, unknown> = { ...(isObject(seen) && seen), [name]: now };
  if (now === undefined) delete out[name];
  return out;
}

const within = (index: unknown, below: number) => Number.isInteger(index) && (index as number) >= 0 && (index as number) < below;

/** An edit of an array; what is absent counts as an empty one. `fits`: the daemon would take it. */
const onArray = (fits: (action: LogAction, length: number) => boolean, edit: (array: unknown[], action: any) => void): Edit => (seen, action) => {
  const array = Array.isArray(seen) ? [...(seen as unknown[])] : [];
  if ((seen !== undefined && !Array.isArray(seen)) || !fits(action, array.length)) return refused;
  edit(array, action);
  return array;
};

const valuesOf = ({ value = [], values = [value].flat() }: LogAction) => values as unknown[];

const edits: Readonly<Record<string, Edit>> = {
  SET_PROPERTY: (_, { value }) => (value === undefined ? refused : value),
  REMOVE_PROPERTY: () => undefined,
  INCREMENT(seen = 0, { by = 1 }) {
    return Number.isInteger(by) && typeof seen === "number" ? seen + (by as number) : refused;
  },
  ARRAY_INSERT: onArray(
    (action, length) => within(action["index"], length + 1) && Array.isArray(valuesOf(action)) && valuesOf(action).length > 0,
    (array, action) => array.splice(action.index, 0, ...valuesOf(action)),
  ),
  ARRAY_REMOVE: onArray(
    ({ index, count = 1 }, length) => within(index, length) && within((count as number) - 1, length - (index as number)),
    (array, { index, count = 1 }) => array.splice(index, count),
  ),
  ARRAY_SET: onArray(
    ({ index, value }, length) => within(index, length) && value !== undefined,
    (array, { index, value }) => (array[index] = value),
  ),
  ARRAY_MOVE: onArray(
    ({ index, to }, length) => within(index, length) && within(to, length),
    (array, { index, to }) => array.splice(to, 0, ...array.splice(index, 1)),
  ),
};
