import type { LogAction, Told, Value } from "../client/messages.js";
import { applyAction, refused } from "./apply.js";
import type { BucketState, Confirmed, Pending } from "./state.js";

type Overlay = Record<string, Value | null>;

/** Applies all pending edits anew over the confirmed values. One that the daemon would refuse shows as nothing. */
export function rebase(bucket: BucketState): BucketState {
  if (!bucket.pending.length && !Object.keys(bucket.overlay).length) return bucket;
  let overlay: Overlay = Object.create(null) as Overlay;
  for (const edit of bucket.pending) overlay = applyEntry(bucket.confirmed, overlay, edit.actions);
  return { ...bucket, overlay: keepSame(bucket.overlay, overlay) };
}

/** Applies one more edit: it is a transaction, so all of it shows or nothing. */
export function applyEntry(confirmed: BucketState["confirmed"], overlay: Readonly<Overlay>, actions: readonly LogAction[]): Overlay {
  const out: Overlay = Object.assign(Object.create(null) as Overlay, overlay);
  for (const action of actions) {
    const id = action["id"];
    if (!isNodeAction(action)) continue;
    if (typeof id !== "string") return overlay;
    const now = applyAction(id in out ? (out[id] ?? undefined) : confirmed[id]?.value, action);
    if (now === refused) return overlay;
    out[id] = now ?? null;
  }
  return out;
}

const nodeActions = new Set([
  "CREATE_NODE", "DELETE_NODE", "SET_PROPERTY", "REMOVE_PROPERTY", "ARRAY_INSERT", "ARRAY_REMOVE", "ARRAY_SET", "ARRAY_MOVE", "INCREMENT",
]);

/** Tells whether an action changes a node. */
export const isNodeAction = (action: { readonly type: unknown }): boolean => nodeActions.has(action.type as string);

/** Keeps the values that are as they were, so that what was drawn of them need not be drawn again. */
function keepSame(before: Readonly<Overlay>, now: Overlay): Overlay {
  for (const id in now) if (id in before && same(before[id], now[id])) now[id] = before[id] ?? null;
  return now;
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** How many writes a rev has seen. */
const writes = (rev: string): number => parseInt(rev, 10);

/** Takes in what the daemon told of nodes. `all`: there are no others. What is older than what is known is passed by. */
export function takeNodes(confirmed: BucketState["confirmed"], nodes: readonly Told[], all = false): BucketState["confirmed"] {
  const out = Object.assign(Object.create(null) as Record<string, Confirmed>, all ? undefined : confirmed);
  for (const node of nodes) {
    const known = confirmed[node.id];
    if ("deleted" in node) delete out[node.id];
    else if (known && (known.rev === node.rev || (!all && writes(known.rev) > writes(node.rev)))) out[node.id] = known;
    else out[node.id] = { value: node.value, rev: node.rev, ...(node.invalid && { invalid: node.invalid }) };
  }
  return out;
}

/** Tells whether the confirmed values hold an edit that the daemon has. */
export function isHeld(edit: Pending, confirmed: BucketState["confirmed"]): boolean {
  return !!edit.revs && Object.entries(edit.revs).every(([id, rev]) => {
    const node = confirmed[id];
    return node ? writes(node.rev) >= writes(rev) : endsDeleted(edit, id);
  });
}

const endsDeleted = (edit: Pending, id: string) => edit.actions.filter((a) => a["id"] === id).at(-1)?.type === "DELETE_NODE";
