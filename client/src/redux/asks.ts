import type { PageQuery } from "../client/messages.js";
import type { Path, Stamped } from "./actions.js";

/** Which nodes of a bucket a list has: conditions, and an order of the daemon's. */
export type ListQuery = Pick<PageQuery, "order" | "prefix" | "where" | "limit">;

/** What the store is asked to do beside edits. */
export type AskAction =
  | (Stamped & { readonly type: "setlogger/LOAD_MORE"; readonly path: Path; readonly query: ListQuery; readonly anew: boolean })
  | (Stamped & { readonly type: "setlogger/FOLLOW" | "setlogger/UNFOLLOW"; readonly path: Path })
  | { readonly type: "setlogger/DISMISS"; readonly key: string };

/** Loads the next page of a list, the first one at first. While it loads, and at the end, it does nothing. */
export const loadMore = (path: Path, query: ListQuery = {}): AskAction => ({ type: "setlogger/LOAD_MORE", path, query, anew: false });
/** Loads a list anew from its beginning. */
export const reload = (path: Path, query: ListQuery = {}): AskAction => ({ type: "setlogger/LOAD_MORE", path, query, anew: true });
/** Keeps all nodes of a bucket up with the daemon. A bucket that is edited or listed here is followed anyway. */
export const follow = (path: Path): AskAction => ({ type: "setlogger/FOLLOW", path });
/** Stops that. What is known stays, and grows old. */
export const unfollow = (path: Path): AskAction => ({ type: "setlogger/UNFOLLOW", path });
/** Takes a refusal off the list of problems. */
export const dismiss = (key: string): AskAction => ({ type: "setlogger/DISMISS", key });

/** Names a list among a bucket's pages. */
export const pageKey = ({ order, prefix, where, limit }: ListQuery): string => JSON.stringify({ order, prefix, where, limit });
