import type { ErrorName } from "../client/error.js";
import type { LogAction, Told, Value, Violation } from "../client/messages.js";
import type { Routes } from "./routes.js";
import type { Table } from "./table.js";

/** The slice of the store. Read it with the selectors. */
export interface SetLoggerState {
  /** Tells this slice from others, and its form. */
  readonly setlogger: 1;
  readonly routes: Routes;
  readonly connected: boolean;
  /** Why there is no connection, while there is none. */
  readonly down?: Trouble;
  readonly buckets: Readonly<Record<string, BucketState>>;
  /** What the daemon refused and was rolled back, until it is dismissed; the oldest first. */
  readonly refusals: readonly Refusal[];
}

/** What is known of one bucket. What shows of a node is its overlay, or else what the daemon said of it. */
export interface BucketState {
  readonly confirmed: Table<Confirmed>;
  /** Nodes as pending edits leave them; null: gone. */
  readonly overlay: Table<Value | null>;
  /** Edits that the confirmed values do not yet hold, in the order they were made. */
  readonly pending: readonly Pending[];
  /** All nodes of the bucket are known, and are kept up. */
  readonly ready: boolean;
  readonly pages: Readonly<Record<string, PageState>>;
  /** Why the next edit waits. */
  readonly blocked?: Trouble;
}

/** A node as the daemon told it. */
export interface Confirmed {
  readonly value: Value;
  readonly rev: string;
  readonly invalid?: readonly Violation[];
}

/** An edit that was made here. `revs`: the daemon has it, and its nodes reach these revs. */
export interface Pending {
  readonly key: string;
  readonly actions: readonly LogAction[];
  /** Of the nodes that it changes. */
  readonly ids: readonly string[];
  readonly revs?: Readonly<Record<string, string>>;
}

/** How far a list was loaded. `next`: cursor of what follows; null at the end, absent before the first page. */
export interface PageState {
  readonly ids: readonly string[];
  readonly next?: string | null;
  readonly loading: boolean;
  readonly error?: Trouble;
}

/** Why something failed, in plain data. */
export interface Trouble {
  readonly name: ErrorName;
  readonly status: number;
  readonly detail: string;
  readonly hint: string;
}

/** An edit that was rolled back. */
export interface Refusal extends Trouble {
  readonly bucket: string;
  readonly key: string;
  readonly actions: readonly LogAction[];
}

/** An edit that the daemon has taken. `revs`: those that its nodes reach by it. */
export interface Confirmation {
  readonly bucket: string;
  readonly key: string;
  readonly revs: Readonly<Record<string, string>>;
}

/** An edit as the queue keeps it. */
export interface Queued {
  readonly key: string;
  readonly bucket: string;
  readonly actions: readonly LogAction[];
}

/** What the enhancer dispatches as things come. `settles` names an edit that these nodes hold for certain. */
export type DaemonAction =
  | { readonly type: "setlogger/STARTED"; readonly routes: Routes }
  | { readonly type: "setlogger/CONNECTED" }
  | { readonly type: "setlogger/DISCONNECTED"; readonly error: Trouble }
  | { readonly type: "setlogger/QUEUED"; readonly queued: readonly Queued[] }
  | { readonly type: "setlogger/CHANGED"; readonly bucket: string; readonly nodes: readonly Told[]; readonly all?: boolean; readonly settles?: string }
  | (Confirmation & { readonly type: "setlogger/CONFIRMED" })
  | { readonly type: "setlogger/REFUSED"; readonly refusal: Refusal }
  | { readonly type: "setlogger/BLOCKED"; readonly bucket: string; readonly error: Trouble | null }
  | { readonly type: "setlogger/PAGE"; readonly bucket: string; readonly page: string; readonly ids: readonly string[]; readonly next: string | null; readonly anew: boolean }
  | { readonly type: "setlogger/PAGE_FAILED"; readonly bucket: string; readonly page: string; readonly error: Trouble };

/** A bucket of which nothing is known. */
export const emptyBucket: BucketState = { confirmed: {}, overlay: {}, pending: [], ready: false, pages: {} };

/** A bucket as it stands in the slice; names such as `constructor` are names like any other. */
export const bucketIn = (state: SetLoggerState, name: string): BucketState =>
  (Object.hasOwn(state.buckets, name) ? state.buckets[name] : undefined) ?? emptyBucket;

/** Finds the slice in a store's state: the state itself, or one of its members. */
export function sliceIn(state: unknown): SetLoggerState | undefined {
  if (isSlice(state)) return state;
  return typeof state === "object" && state ? Object.values(state).find(isSlice) : undefined;
}

const isSlice = (value: unknown): value is SetLoggerState => (value as SetLoggerState | null | undefined)?.setlogger === 1;
