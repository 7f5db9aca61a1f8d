import type { Violation, Value } from "../client/messages.js";
import type { Path } from "./actions.js";
import { pageKey, type ListQuery } from "./asks.js";
import { targetOf } from "./routes.js";
import { bucketIn, emptyBucket, type BucketState, type PageState, type Refusal, type SetLoggerState, type Trouble } from "./state.js";
import { at, idsIn } from "./table.js";

/** A node in a list. */
export interface Listed<V = Value> {
  readonly id: string;
  readonly value: V;
}

/** How the connection and the edits stand. */
export interface SyncStatus {
  readonly connected: boolean;
  /** Edits that are not known to be on the daemon's disk. */
  readonly pending: number;
  /** What was refused and rolled back (`key` can be dismissed), and what makes edits wait. */
  readonly problems: readonly (Refusal | (Trouble & { readonly bucket?: string; readonly key?: undefined }))[];
}

/** A list as far as it was loaded. */
export interface Listing<V = Value> {
  readonly nodes: readonly Listed<V>[];
  /** There is more to load. */
  readonly more: boolean;
  readonly loading: boolean;
  readonly error: Trouble | undefined;
}

const find = (state: SetLoggerState, path: Path): [BucketState, string] => {
  const target = targetOf(state.routes, path);
  return target ? [bucketIn(state, target.bucket), target.id] : [emptyBucket, ""];
};

function shown({ overlay, confirmed }: Pick<BucketState, "overlay" | "confirmed">, id: string): Value | undefined {
  const over = at(overlay, id);
  return over === undefined ? at(confirmed, id)?.value : (over ?? undefined);
}

/** The value of a node, pending edits and all; the same object until it changes. Absent or not yet known: undefined. */
export function selectNode<V = Value>(state: SetLoggerState, path: Path): V | undefined {
  const [bucket, id] = find(state, path);
  return shown(bucket, id) as V | undefined;
}

/** What the bucket's schema does not allow in a node, as the daemon told last. */
export function selectInvalid(state: SetLoggerState, path: Path): readonly Violation[] {
  const [bucket, id] = find(state, path);
  return at(bucket.confirmed, id)?.invalid ?? none;
}

const none: readonly never[] = [];

/** All nodes of a bucket that are known, by id; the same array until one changes. */
export function selectNodes<V = Value>(state: SetLoggerState, path: Path): readonly Listed<V>[] {
  return allOf(find(state, path)[0]) as readonly Listed<V>[];
}

/** Tells whether all nodes of a bucket are known. */
export const selectReady = (state: SetLoggerState, path: Path): boolean => find(state, path)[0].ready;

/** A list as far as it was loaded, in the daemon's order; nodes that are gone since are left out. */
export function selectPage<V = Value>(state: SetLoggerState, path: Path, query: ListQuery = {}): Listing<V> {
  const bucket = find(state, path)[0];
  return listingOf(bucket)(pageKey(query)) as Listing<V>;
}

/** How the connection and the edits stand; the same object until it changes. */
export const selectStatus: (state: SetLoggerState) => SyncStatus = remembered((state: SetLoggerState) => {
  const buckets = Object.entries(state.buckets);
  const waiting = buckets.flatMap(([bucket, b]) => (b.blocked ? [{ ...b.blocked, bucket }] : []));
  return {
    connected: state.connected,
    pending: buckets.reduce((sum, [, b]) => sum + b.pending.filter((edit) => !edit.revs).length, 0),
    problems: [...(state.down && state.down.status ? [state.down] : []), ...waiting, ...state.refusals],
  };
});

/** Remembers what was made of each object, for as long as the object is kept. */
function remembered<A extends object, B>(make: (from: A) => B): (from: A) => B {
  const known = new WeakMap<A, B>();
  return (from) => {
    let made = known.get(from);
    if (made === undefined) known.set(from, (made = make(from)));
    return made;
  };
}

/** By the confirmed nodes, then by the overlay: what else changes in a bucket makes no new list. */
const allBy = remembered((confirmed: BucketState["confirmed"]) =>
  remembered((overlay: BucketState["overlay"]): readonly Listed[] => {
    const ids = new Set([...idsIn(confirmed), ...idsIn(overlay)]);
    return [...ids].sort().flatMap((id) => listed({ confirmed, overlay }, id));
  }));

const allOf = (bucket: BucketState) => allBy(bucket.confirmed)(bucket.overlay);

const entries = new WeakMap<Value, Listed>();

function listed(bucket: Pick<BucketState, "overlay" | "confirmed">, id: string): Listed[] {
  const value = shown(bucket, id);
  if (!value) return [];
  let entry = entries.get(value);
  if (entry?.id !== id) entries.set(value, (entry = { id, value }));
  return [entry as Listed];
}

const listingOf = remembered((bucket: BucketState) => {
  const made = new Map<string, Listing>();
  return (key: string): Listing => made.get(key) ?? (made.set(key, listing(bucket, bucket.pages[key])), made.get(key) as Listing);
});

function listing(bucket: BucketState, page: PageState | undefined): Listing {
  const nodes = (page?.ids ?? none).flatMap((id) => listed(bucket, id));
  return { nodes, more: page?.next !== null, loading: page?.loading ?? false, error: page?.error };
}
