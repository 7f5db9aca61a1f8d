/** Redux enhancer: edits of a store apply at once, go to the daemon, and are confirmed, rebased or rolled back by what comes. */
export { setlogger, setloggerMiddleware, type SetLoggerStore } from "./enhancer.js";
export type { SetLoggerOptions } from "./engine.js";
export { setloggerReducer } from "./reducer.js";
export {
  arrayInsert, arrayMove, arrayRemove, arraySet, createNode, deleteNode, increment, removeProperty, setProperties, setProperty, setSchema,
  transaction, type EditAction, type NodeAction, type Path, type Place, type SchemaAction, type Stamp, type Stamped, type TransactionAction,
} from "./actions.js";
export { dismiss, follow, loadMore, reload, unfollow, type AskAction, type ListQuery } from "./asks.js";
export { selectInvalid, selectNode, selectNodes, selectPage, selectReady, selectStatus, type Listed, type Listing, type SyncStatus } from "./selectors.js";
export { indexedStorage, memoryStorage, type EditStorage } from "./storage.js";
export { sliceIn, type DaemonAction, type Queued, type Refusal, type SetLoggerState, type Trouble } from "./state.js";
export { applyAction, refused } from "./apply.js";
export type { Routes } from "./routes.js";
