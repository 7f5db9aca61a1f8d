import type { LogAction } from "../client/messages.js";
import { isNodeAction } from "./rebase.js";
import { targetOf, type Routes } from "./routes.js";

/** Turns an action of the store into the actions of an entry: with the node's own ids, and without what only the store needs. */
export function entryOf(routes: Routes, action: LogAction): readonly LogAction[] {
  const parts = action.type === "setlogger/TRANSACTION" ? (action["actions"] as readonly LogAction[]) : [action];
  return parts.map((part) => logAction(routes, part));
}

function logAction(routes: Routes, action: LogAction): LogAction {
  const { id, meta, ...rest } = action;
  const target = isEdit(action) ? targetOf(routes, id) : undefined;
  const named = target ? target.id || undefined : id;
  const { setlogger: stamp, ...kept } = (meta ?? {}) as Record<string, unknown>;
  const out: Record<string, unknown> & LogAction = { ...rest, type: action.type };
  if (named !== undefined) out["id"] = named;
  if (stamp ? Object.keys(kept).length : meta !== undefined) out["meta"] = stamp ? kept : meta;
  return out;
}

/** Tells whether an action edits a bucket. */
export const isEdit = (action: { readonly type: unknown }) => isNodeAction(action) || action.type === "SET_SCHEMA";

/**
 * Answers the bucket of an edit, and nothing for an action that is none. A transaction whose edits lead to no bucket or to
 * several, or whose node has no id, is an error of the program.
 */
export function bucketOf(routes: Routes, action: LogAction): string | undefined {
  if (action.type !== "setlogger/TRANSACTION") return isEdit(action) ? aim(routes, action) : undefined;
  const parts = (action["actions"] as readonly LogAction[]).filter(isEdit).map((part) => aim(routes, part));
  if (!parts[0] || parts.some((bucket) => bucket !== parts[0])) throw new Error("setlogger: a transaction is of one bucket");
  return parts[0];
}

function aim(routes: Routes, action: LogAction): string | undefined {
  const target = targetOf(routes, action["id"]);
  if (target && isNodeAction(action) && !target.id) throw new Error(`setlogger: no node is named by ${String(action["id"])}`);
  return target?.bucket;
}
