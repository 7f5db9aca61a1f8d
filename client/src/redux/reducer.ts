import type { LogAction } from "../client/messages.js";
import type { Stamped } from "./actions.js";
import type { AskAction } from "./asks.js";
import { applyEntry, isHeld, isNodeAction, rebase, takeNodes } from "./rebase.js";
import { defaultRoutes } from "./routes.js";
import { bucketIn, type BucketState, type DaemonAction, type PageState, type SetLoggerState } from "./state.js";
import { entryOf } from "./entry.js";

const initial: SetLoggerState = { setlogger: 1, routes: defaultRoutes, connected: false, buckets: {}, refusals: [] };

/** The reducer to mount, at any key. It is a pure function of the actions, so that time travel and replays work. */
export function setloggerReducer(state: SetLoggerState = initial, action: { readonly type: unknown }): SetLoggerState {
  if (typeof action.type !== "string") return state;
  if (isNodeAction(action) || action.type === "SET_SCHEMA" || action.type === "setlogger/TRANSACTION") return takeEdit(state, action as Stamped & LogAction);
  return action.type.startsWith("setlogger/") ? takeNews(state, action as DaemonAction | AskAction) : state;
}

/** Shows an edit at once. Only the enhancer's stamp makes an action an edit. */
function takeEdit(state: SetLoggerState, action: Stamped & LogAction): SetLoggerState {
  const stamp = action.meta?.setlogger;
  if (!stamp) return state;
  return inBucket(state, stamp.bucket, (bucket) => addPending(bucket, stamp.key, entryOf(state.routes, action)));
}

function addPending(bucket: BucketState, key: string, actions: readonly LogAction[]): BucketState {
  if (bucket.pending.some((edit) => edit.key === key)) return bucket;
  return { ...bucket, pending: [...bucket.pending, { key, actions }], overlay: applyEntry(bucket.confirmed, bucket.overlay, actions) };
}

function inBucket(state: SetLoggerState, name: string, change: (bucket: BucketState) => BucketState): SetLoggerState {
  const before = bucketIn(state, name);
  const now = change(before);
  return now === before ? state : { ...state, buckets: { ...state.buckets, [name]: now } };
}

function takeNews(state: SetLoggerState, action: DaemonAction | AskAction): SetLoggerState {
  switch (action.type) {
    case "setlogger/STARTED":
      return { ...state, routes: action.routes };
    case "setlogger/CONNECTED": {
      const { down: _, ...rest } = state;
      return { ...rest, connected: true };
    }
    case "setlogger/DISCONNECTED":
      return { ...state, connected: false, down: action.error };
    case "setlogger/QUEUED":
      return action.queued.reduce((s, one) => inBucket(s, one.bucket, (b) => addPending(b, one.key, one.actions)), state);
    case "setlogger/DISMISS":
      return { ...state, refusals: state.refusals.filter((one) => one.key !== action.key) };
    case "setlogger/REFUSED":
      return { ...inBucket(state, action.refusal.bucket, (b) => drop(b, action.refusal.key)), refusals: [...state.refusals, action.refusal] };
    default:
      return takeBucketNews(state, action);
  }
}

function takeBucketNews(state: SetLoggerState, action: DaemonAction | AskAction): SetLoggerState {
  switch (action.type) {
    case "setlogger/CHANGED":
      return inBucket(state, action.bucket, (b) => takeChange(b, action));
    case "setlogger/CONFIRMED":
      return inBucket(state, action.bucket, (b) => settle({ ...b, pending: b.pending.map((e) => (e.key === action.key ? { ...e, revs: action.revs } : e)) }));
    case "setlogger/BLOCKED":
      return inBucket(state, action.bucket, ({ blocked: _, ...b }) => (action.error ? { ...b, blocked: action.error } : b));
    case "setlogger/LOAD_MORE": {
      const stamp = action.meta?.setlogger;
      if (!stamp) return state;
      return inPage(state, stamp.bucket, stamp.key, ({ error: _, ...page }) => ({ ...page, loading: true }));
    }
    case "setlogger/PAGE":
      return inPage(state, action.bucket, action.page, (page) => ({ ids: joined(action.anew ? [] : page.ids, action.ids), next: action.next, loading: false }));
    case "setlogger/PAGE_FAILED":
      return inPage(state, action.bucket, action.page, (page) => ({ ...page, loading: false, error: action.error }));
  }
  return state;
}

/** A node that moved may come again on a later page: it shows once. */
const joined = (before: readonly string[], more: readonly string[]) => [...new Set([...before, ...more])];

const noPage: PageState = { ids: [], loading: false };

function inPage(state: SetLoggerState, bucket: string, page: string, change: (page: PageState) => PageState): SetLoggerState {
  return inBucket(state, bucket, (b) => ({ ...b, pages: { ...b.pages, [page]: change(b.pages[page] ?? noPage) } }));
}

function takeChange(bucket: BucketState, change: DaemonAction & { type: "setlogger/CHANGED" }): BucketState {
  const confirmed = takeNodes(bucket.confirmed, change.nodes, change.all);
  return settle({ ...bucket, confirmed, ready: bucket.ready || !!change.all }, change.settles);
}

/** Lets go of the edits that the confirmed values hold by now, and applies the others anew. */
function settle(bucket: BucketState, settled?: string): BucketState {
  return rebase({ ...bucket, pending: bucket.pending.filter((edit) => edit.key !== settled && !isHeld(edit, bucket.confirmed)) });
}

function drop(bucket: BucketState, key: string): BucketState {
  return rebase({ ...bucket, pending: bucket.pending.filter((edit) => edit.key !== key) });
}
