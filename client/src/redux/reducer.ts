import type { LogAction } from "../client/messages.js";
import type { Stamped } from "./actions.js";
import type { AskAction } from "./asks.js";
import { entryOf, isEdit } from "./entry.js";
import { addPending, isHeld, rebase, takeNodes } from "./rebase.js";
import { defaultRoutes } from "./routes.js";
import { bucketIn, type BucketState, type DaemonAction, type PageState, type Pending, type SetLoggerState } from "./state.js";

const initial: SetLoggerState = { setlogger: 1, routes: defaultRoutes, connected: false, buckets: {}, refusals: [] };

/** The reducer to mount, at any key. It is a pure function of the actions, so that time travel and replays work. */
export function setloggerReducer(state: SetLoggerState = initial, action: { readonly type: unknown }): SetLoggerState {
  if (isEdit(action) || action.type === "setlogger/TRANSACTION") return takeEdit(state, action as Stamped & LogAction);
  return takeNews(state, action as DaemonAction | AskAction);
}

/** Shows an edit at once. Only the enhancer's stamp makes an action an edit. */
function takeEdit(state: SetLoggerState, action: Stamped & LogAction): SetLoggerState {
  const stamp = action.meta?.setlogger;
  return stamp ? inBucket(state, stamp.bucket, (b) => addPending(b, stamp.key, entryOf(state.routes, action))) : state;
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
      return { ...inBucket(state, action.refusal.bucket, (b) => keep(b, (edit) => edit.key !== action.refusal.key)), refusals: [...state.refusals, action.refusal] };
    case "setlogger/CHANGED":
      return inBucket(state, action.bucket, (b) => takeChange(b, action));
    case "setlogger/CONFIRMED":
      return inBucket(state, action.bucket, (b) => settle({ ...b, pending: b.pending.map((e) => (e.key === action.key ? { ...e, revs: action.revs } : e)) }));
    case "setlogger/BLOCKED":
      return inBucket(state, action.bucket, ({ blocked: _, ...b }) => (action.error ? { ...b, blocked: action.error } : b));
    default:
      return takePages(state, action);
  }
}

function takePages(state: SetLoggerState, action: DaemonAction | AskAction): SetLoggerState {
  switch (action.type) {
    case "setlogger/LOAD_MORE": {
      const stamp = action.meta?.setlogger;
      return stamp ? inPage(state, stamp.bucket, stamp.key, ({ error: _, ...page }) => ({ ...page, loading: true })) : state;
    }
    case "setlogger/PAGE": // a node that moved may come again on a later page: it shows once
      return inPage(state, action.bucket, action.page, ({ ids }) => ({
        ids: [...new Set([...(action.anew ? [] : ids), ...action.ids])], next: action.next, loading: false,
      }));
    case "setlogger/PAGE_FAILED":
      return inPage(state, action.bucket, action.page, (page) => ({ ...page, loading: false, error: action.error }));
  }
  return state;
}

function inBucket(state: SetLoggerState, name: string, change: (bucket: BucketState) => BucketState): SetLoggerState {
  const before = bucketIn(state, name);
  const now = change(before);
  return now === before ? state : { ...state, buckets: { ...state.buckets, [name]: now } };
}

const noPage: PageState = { ids: [], loading: false };

const inPage = (state: SetLoggerState, bucket: string, page: string, change: (page: PageState) => PageState): SetLoggerState =>
  inBucket(state, bucket, (b) => ({ ...b, pages: { ...b.pages, [page]: change(b.pages[page] ?? noPage) } }));

/** Takes in nodes; a whole snapshot may be without some that were there, so that all pending edits are applied anew. */
function takeChange(bucket: BucketState, { nodes, all, settles }: DaemonAction & { type: "setlogger/CHANGED" }): BucketState {
  const ids = all ? bucket.pending.flatMap((edit) => edit.ids) : nodes.map(({ id }) => id);
  return settle({ ...bucket, confirmed: takeNodes(bucket.confirmed, nodes, all), ready: bucket.ready || !!all }, settles, ids);
}

/** Lets go of the edits that the confirmed values hold by now. */
function settle(bucket: BucketState, settled?: string, ids?: readonly string[]): BucketState {
  const open = new Set<string>();
  return keep(bucket, (edit) => {
    if (edit.key === settled || isHeld(edit, bucket.confirmed, open)) return false;
    for (const id of edit.ids) open.add(id);
    return true;
  }, ids);
}

/** Lets go of edits, and applies those of the same nodes anew, as well as those of other nodes that changed. */
function keep(bucket: BucketState, stays: (edit: Pending) => boolean, changed: readonly string[] = []): BucketState {
  const ids = new Set(bucket.pending.length ? changed : []);
  const pending = bucket.pending.filter((edit) => {
    if (stays(edit)) return true;
    for (const id of edit.ids) ids.add(id);
    return false;
  });
  return rebase({ ...bucket, pending }, ids);
}
