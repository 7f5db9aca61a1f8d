import type { LogAction, Told, Value } from "../client/messages.js";
import { applyAction, refused } from "./apply.js";
import type { BucketState, Confirmed, Pending } from "./state.js";
import { at, changed } from "./table.js";

const nodeActions = new Set<unknown>([
  "CREATE_NODE", "DELETE_NODE", "SET_PROPERTY", "REMOVE_PROPERTY", "ARRAY_INSERT", "ARRAY_REMOVE", "ARRAY_SET", "ARRAY_MOVE", "INCREMENT",
]);

/** Tells whether an action changes a node. */
export const isNodeAction = (action: { readonly type: unknown }): boolean => nodeActions.has(action.type);

/** Nodes as edits leave them; null: gone, undefined: as they were. */
type Shown = Map<string, Value | null | undefined>;

/** Shows one more edit. */
export function addPending(bucket: BucketState, key: string, actions: readonly LogAction[]): BucketState {
  if (bucket.pending.some((edit) => edit.key === key)) return bucket;
  const edit = { key, actions, ids: actions.filter(isNodeAction).map((action) => action["id"] as string) };
  return { ...bucket, pending: [...bucket.pending, edit], overlay: changed(bucket.overlay, applyInto(new Map(), bucket, actions)) };
}

/**
 * Applies the pending edits of some nodes anew over the confirmed values; all others show as before. One that the daemon would
 * refuse shows as nothing. `ids` grows by the nodes that the same transactions change.
 */
export function rebase(bucket: BucketState, ids: Set<string>): BucketState {
  if (!ids.size) return bucket;
  let again: Pending[] = [];
  for (let size = 0; size !== ids.size;) {
    size = ids.size;
    again = bucket.pending.filter((edit) => edit.ids.some((id) => ids.has(id)) && edit.ids.map((id) => ids.add(id)));
  }
  const shown: Shown = new Map();
  const bare = { confirmed: bucket.confirmed, overlay: {} };
  for (const { actions } of again) applyInto(shown, bare, actions);
  for (const id of ids) {
    const [before, now] = [at(bucket.overlay, id), shown.get(id)];
    shown.set(id, JSON.stringify(before) === JSON.stringify(now) ? before : now);
  }
  return { ...bucket, overlay: changed(bucket.overlay, shown) };
}

/** Applies an edit to what shows: it is a transaction, so all of it or nothing. */
function applyInto(shown: Shown, { confirmed, overlay }: Pick<BucketState, "confirmed" | "overlay">, actions: readonly LogAction[]): Shown {
  const now: Shown = new Map();
  for (const action of actions) {
    if (!isNodeAction(action)) continue;
    const id = action["id"] as string;
    const over = now.has(id) ? now.get(id) : shown.has(id) ? shown.get(id) : at(overlay, id);
    const value = applyAction((over === undefined ? at(confirmed, id)?.value : over) ?? undefined, action);
    if (value === refused) return shown;
    now.set(id, value ?? null);
  }
  now.forEach((value, id) => shown.set(id, value));
  return shown;
}

/** How many writes a rev has seen. */
const writes = (rev: string): number => parseInt(rev, 10);

/** Takes in what the daemon told of nodes. `all`: there are no others. What is older than what is known is passed by. */
export function takeNodes(confirmed: BucketState["confirmed"], nodes: readonly Told[], all = false): BucketState["confirmed"] {
  return changed(all ? {} : confirmed, nodes.map((node): [string, Confirmed | undefined] => {
    if ("deleted" in node) return [node.id, undefined];
    const { id, value, rev, invalid } = node;
    const known = at(confirmed, id);
    if (known && (known.rev === rev || (!all && writes(known.rev) > writes(rev)))) return [id, known];
    return [id, { value, rev, ...(invalid && { invalid }) }];
  }));
}

/** Tells whether the confirmed values hold an edit that the daemon has. `open`: nodes of edits made before it that they do not hold. */
export function isHeld(edit: Pending, confirmed: BucketState["confirmed"], open: ReadonlySet<string>): boolean {
  return !!edit.revs && Object.entries(edit.revs).every(([id, rev]) => {
    const node = at(confirmed, id);
    return node ? writes(node.rev) >= writes(rev) : !open.has(id) && edit.actions.filter((a) => a["id"] === id).at(-1)?.type === "DELETE_NODE";
  });
}
