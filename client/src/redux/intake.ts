import type { Action, Dispatch } from "redux";
import type { LogAction } from "../client/messages.js";
import { pageKey, type AskAction } from "./asks.js";
import { bucketOf, entryOf } from "./entry.js";
import { targetOf, type Routes } from "./routes.js";
import type { Queued } from "./state.js";

/** An action of SetLogger as it is reduced, with the bucket that it leads to. */
export type Taken =
  | { readonly stamped: Action; readonly queued: Queued }
  | { readonly stamped: Action; readonly ask: AskAction; readonly bucket: string; readonly key: string };

/** Stamps an action that is SetLogger's and leads to a bucket; nothing for any other. */
export function take(routes: Routes, action: LogAction): Taken | undefined {
  if (typeof action?.type !== "string") return undefined;
  if (action.type.startsWith("setlogger/") && action["path"]) {
    const ask = action as unknown as AskAction & { readonly path: string };
    const bucket = targetOf(routes, ask.path)?.bucket;
    const key = ask.type === "setlogger/LOAD_MORE" ? pageKey(ask.query) : "";
    return bucket === undefined ? undefined : { ask, bucket, key, stamped: stamp(action, bucket, key) };
  }
  const bucket = bucketOf(routes, action);
  if (bucket === undefined) return undefined;
  const key = crypto.randomUUID();
  return { stamped: stamp(action, bucket, key), queued: { key, bucket, actions: entryOf(routes, action) } };
}

const stamp = (action: LogAction, bucket: string, key: string): Action =>
  ({ ...action, meta: { ...(action["meta"] as object | undefined), setlogger: { bucket, key } } }) as Action;

/**
 * Reduces edits, and hands on those that were reduced, in the order in which they were: an edit that a listener makes while one is
 * dispatched comes after it. `reduced` is asked of one whose dispatch threw: a listener may have, after the reducer.
 */
export function createIntake(inner: Dispatch<Action>, reduced: (queued: Queued) => boolean, handOn: (queued: Queued) => void) {
  const taken: Queued[] = [];
  let depth = 0;
  return (stamped: Action, queued: Queued): Action => {
    taken.push(queued);
    depth++;
    try {
      return inner(stamped);
    } catch (error) {
      if (!reduced(queued)) taken.splice(taken.indexOf(queued), 1);
      throw error;
    } finally {
      if (--depth === 0) taken.splice(0).forEach(handOn);
    }
  };
}
