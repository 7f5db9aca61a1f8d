import { configureStore, createSelector, createSlice, type PayloadAction } from "@reduxjs/toolkit";
import { createNode, deleteNode, selectNodes, setlogger, setloggerReducer, setProperty, type Listed, type Path } from "setlogger/redux";

/** The daemon: `?daemon=http://127.0.0.1:PORT`, or the one of this machine. */
export const url = new URLSearchParams(location.search).get("daemon") ?? "http://127.0.0.1:7373";

/**
 * A todo, as its node has it. Todos stand by rank, and one that is dragged gets a rank between those of its neighbours: so an edit
 * says the same whatever was done elsewhere before it arrives, as no index into a list does.
 */
export interface Todo extends Record<string, unknown> {
  readonly title: string;
  readonly done: boolean;
  readonly rank: number;
}

const todo = (id: string): Path => `/todos/${id}`;

const filter = createSlice({ name: "filter", initialState: "all", reducers: { show: (_, action: PayloadAction<string>) => action.payload } });
export const { show } = filter.actions;

/** Makes the store of an app that was let in. */
export const makeStore = (token: string) => configureStore({
  reducer: { filter: filter.reducer, sync: setloggerReducer },
  enhancers: (all) => all().concat(setlogger({ url, token, follow: ["/todos"] })),
});
export type Store = ReturnType<typeof makeStore>;
export type State = ReturnType<Store["getState"]>;

/** All todos in their order. */
export const selectTodos = createSelector(
  ({ sync }: State) => selectNodes<Todo>(sync, "/todos"),
  (all): readonly Listed<Todo>[] => [...all].sort((a, b) => a.value.rank - b.value.rank || (a.id < b.id ? -1 : 1)),
);

/** Those that the filter shows. */
export const selectShown = createSelector(selectTodos, ({ filter }: State) => filter, (all, name) =>
  all.filter(({ value }) => name === "all" || value.done === (name === "done")));

/** The rank of a todo that is to stand before one of a list, or behind all. */
export function rankAt(list: readonly Listed<Todo>[], index: number): number {
  const [before, behind] = [list[index - 1]?.value.rank, list[index]?.value.rank];
  if (before === undefined) return (behind ?? 1) - 1;
  return behind === undefined ? before + 1 : (before + behind) / 2;
}

export const add = (title: string, rank: number) => createNode(todo(crypto.randomUUID()), { title, done: false, rank });
export const toggle = (id: string, done: boolean) => setProperty(todo(id), "done", done);
export const rename = (id: string, title: string) => setProperty(todo(id), "title", title);
export const move = (id: string, rank: number) => setProperty(todo(id), "rank", rank);
export const remove = (id: string) => deleteNode(todo(id));
