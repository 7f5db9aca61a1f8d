import type { LogAction, Value } from "../client/messages.js";

/**
 * Where an action of a bucket goes, in the store: `/` and the names that the routes ask for, then `/` and the node's id.
 * With the route `/:user/:list`, `/ann/groceries/42` is node `42`.
 */
export type Path = `/${string}`;

/** Names one property of a node: by its name, or by the path of names through objects. */
export type Place = string | readonly string[];

/** What an edit carries once it was dispatched. `key` names it in the queue and to the daemon. */
export interface Stamp {
  readonly bucket: string;
  readonly key: string;
}

/** What the enhancer adds to an action that it takes. (A type, as Redux's `UnknownAction` takes no interface.) */
export type Stamped = { readonly meta?: { readonly setlogger?: Stamp; readonly [member: string]: unknown } };

/** Actions of a node, as docs/semantics.md has them; `id` is the node's path. */
export type NodeAction = Stamped & { readonly id: Path } & (
  | { readonly type: "CREATE_NODE"; readonly properties?: Value }
  | { readonly type: "DELETE_NODE" }
  | { readonly type: "SET_PROPERTY"; readonly properties: Value }
  | ({ readonly type: "SET_PROPERTY"; readonly value: unknown } & Placed)
  | ({ readonly type: "REMOVE_PROPERTY" } & Placed)
  | ({ readonly type: "ARRAY_INSERT"; readonly index: number; readonly values: readonly unknown[] } & Placed)
  | ({ readonly type: "ARRAY_REMOVE"; readonly index: number; readonly count?: number } & Placed)
  | ({ readonly type: "ARRAY_SET"; readonly index: number; readonly value: unknown } & Placed)
  | ({ readonly type: "ARRAY_MOVE"; readonly index: number; readonly to: number } & Placed)
  | ({ readonly type: "INCREMENT"; readonly by?: number } & Placed)
);

type Placed = { readonly property: string } | { readonly path: readonly string[] };

/** Sets the JSON Schema of a bucket. */
export type SchemaAction = Stamped & { readonly type: "SET_SCHEMA"; readonly id: Path; readonly schema: unknown };

/** Several actions of one bucket that stand together or not at all. Those of other types are kept in the log as they are. */
export type TransactionAction = Stamped & {
  readonly type: "setlogger/TRANSACTION";
  readonly actions: readonly (NodeAction | SchemaAction | LogAction)[];
};

/** All that edits a bucket. */
export type EditAction = NodeAction | SchemaAction | TransactionAction;

const placed = (place: Place): Placed => (typeof place === "string" ? { property: place } : { path: place });

/** Makes a node, or sets properties of one that lives. */
export const createNode = (id: Path, properties: Value = {}) => ({ type: "CREATE_NODE", id, properties }) as const satisfies NodeAction;
/** Deletes a node. */
export const deleteNode = (id: Path) => ({ type: "DELETE_NODE", id }) as const satisfies NodeAction;
/** Sets several properties of a node. */
export const setProperties = (id: Path, properties: Value) => ({ type: "SET_PROPERTY", id, properties }) as const satisfies NodeAction;
/** Sets one property, or what is deeper in it. */
export const setProperty = (id: Path, place: Place, value: unknown) => ({ type: "SET_PROPERTY", id, value, ...placed(place) }) as const satisfies NodeAction;
/** Takes a property away. */
export const removeProperty = (id: Path, place: Place) => ({ type: "REMOVE_PROPERTY", id, ...placed(place) }) as const satisfies NodeAction;
/** Puts values in front of the element at `index`. */
export const arrayInsert = (id: Path, place: Place, index: number, values: readonly unknown[]) =>
  ({ type: "ARRAY_INSERT", id, index, values, ...placed(place) }) as const satisfies NodeAction;
/** Takes elements out. */
export const arrayRemove = (id: Path, place: Place, index: number, count = 1) =>
  ({ type: "ARRAY_REMOVE", id, index, count, ...placed(place) }) as const satisfies NodeAction;
/** Sets one element. */
export const arraySet = (id: Path, place: Place, index: number, value: unknown) =>
  ({ type: "ARRAY_SET", id, index, value, ...placed(place) }) as const satisfies NodeAction;
/** Moves an element so that it has the index `to`. */
export const arrayMove = (id: Path, place: Place, index: number, to: number) =>
  ({ type: "ARRAY_MOVE", id, index, to, ...placed(place) }) as const satisfies NodeAction;
/** Adds an integer; all devices' count. */
export const increment = (id: Path, place: Place, by = 1) => ({ type: "INCREMENT", id, by, ...placed(place) }) as const satisfies NodeAction;
/** Sets the JSON Schema of a bucket, with its settings in `x-setlogger`; null takes it away. */
export const setSchema = (bucket: Path, schema: unknown) => ({ type: "SET_SCHEMA", id: bucket, schema }) as const satisfies SchemaAction;
/** Edits of one bucket that stand together or not at all. */
export const transaction = (actions: TransactionAction["actions"]) => ({ type: "setlogger/TRANSACTION", actions }) as const satisfies TransactionAction;
