/** React hooks over a store with SetLogger's slice. */
import { createContext, createElement, useCallback, useContext, useEffect, useMemo, useSyncExternalStore, type ReactNode } from "react";
import type { Value } from "../client/messages.js";
import type { Path } from "../redux/actions.js";
import { follow, loadMore, pageKey, reload, type ListQuery } from "../redux/asks.js";
import { selectNode, selectNodes, selectPage, selectStatus, type Listed, type Listing, type SyncStatus } from "../redux/selectors.js";
import { sliceIn, type SetLoggerState } from "../redux/state.js";

/** What hooks need of a store. */
export interface HookStore {
  getState(): unknown;
  subscribe(listener: () => void): () => void;
  dispatch(action: any): unknown;
}

interface Given {
  readonly store: HookStore;
  readonly select: (state: any) => SetLoggerState | undefined;
}

const Context = createContext<Given | undefined>(undefined);

/** Gives the store to the hooks below. `select` finds the slice where it is mounted deeper than at a key of the state. */
export function SetLoggerProvider(props: { readonly store: HookStore; readonly select?: Given["select"]; readonly children?: ReactNode }) {
  const { store, select = sliceIn } = props;
  const given = useMemo(() => ({ store, select }), [store, select]);
  return createElement(Context.Provider, { value: given }, props.children);
}

function useGiven(): Given {
  const given = useContext(Context);
  if (!given) throw new Error("setlogger: put a SetLoggerProvider around the component");
  return given;
}

/** Draws anew when what is selected is another object. Without a slice: `missing`. */
function useSelected<T>(select: (state: SetLoggerState) => T, missing: T): T {
  const given = useGiven();
  const read = () => {
    const slice = given.select(given.store.getState());
    return slice ? select(slice) : missing;
  };
  return useSyncExternalStore(given.store.subscribe, read, read);
}

function useFollowed(path: Path): void {
  const { store } = useGiven();
  useEffect(() => void store.dispatch(follow(path)), [store, path]);
}

const noNodes: readonly never[] = [];
const noListing: Listing<never> = { nodes: noNodes, more: true, loading: false, error: undefined };
const noStatus: SyncStatus = { connected: false, pending: 0, problems: noNodes };

/** The value of a node, kept up; undefined while it is not known, and where there is none. */
export function useNode<V = Value>(path: Path): V | undefined {
  useFollowed(path);
  return useSelected((state) => selectNode<V>(state, path), undefined);
}

/** All nodes of a bucket by id, kept up. */
export function useNodes<V = Value>(path: Path): readonly Listed<V>[] {
  useFollowed(path);
  return useSelected((state) => selectNodes<V>(state, path), noNodes);
}

/** A list in the daemon's order; its first page is loaded when the component shows. */
export function usePage<V = Value>(path: Path, query: ListQuery = {}): Listing<V> & { readonly loadMore: () => void; readonly reload: () => void } {
  const { store } = useGiven();
  const key = pageKey(query);
  const ask = useCallback(() => void store.dispatch(loadMore(path, JSON.parse(key) as ListQuery)), [store, path, key]);
  const again = useCallback(() => void store.dispatch(reload(path, JSON.parse(key) as ListQuery)), [store, path, key]);
  useEffect(again, [again]);
  const listing = useSelected((state) => selectPage<V>(state, path, query), noListing as Listing<V>);
  return useMemo(() => ({ ...listing, loadMore: ask, reload: again }), [listing, ask, again]);
}

/** How the connection and the edits stand. */
export const useStatus = (): SyncStatus => useSelected(selectStatus, noStatus);
