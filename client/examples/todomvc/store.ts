import { configureStore, createSlice, type PayloadAction } from "@reduxjs/toolkit";
import { arrayInsert, arrayMove, arrayRemove, createNode, deleteNode, selectNode, setlogger, setloggerReducer, setProperty, transaction, type Path } from "setlogger/redux";

/** The daemon: `?daemon=http://127.0.0.1:PORT`, or the one of this machine. */
export const url = new URLSearchParams(location.search).get("daemon") ?? "http://127.0.0.1:7373";

/** A todo, as its node has it. The node `list` has the order of all. */
export interface Todo {
  readonly title: string;
  readonly done: boolean;
}

const todo = (id: string): Path => `/todos/${id}`;
const list: Path = "/todos/list";

const filter = createSlice({ name: "filter", initialState: "all", reducers: { show: (_, action: PayloadAction<string>) => action.payload } });
export const { show } = filter.actions;

/** Makes the store of an app that was let in. */
export const makeStore = (token: string) => configureStore({
  reducer: { filter: filter.reducer, sync: setloggerReducer },
  enhancers: (all) => all().concat(setlogger({ url, token, follow: ["/todos"] })),
});
export type Store = ReturnType<typeof makeStore>;
export type State = ReturnType<Store["getState"]>;

const none: readonly string[] = [];

/** The ids in the order of the list. */
export const selectOrder = ({ sync }: State): readonly string[] => selectNode<{ order?: readonly string[] }>(sync, list)?.order ?? none;

/** Adds a todo at the end: its node, and its place in the list, in one transaction. */
export function add(title: string, end: number) {
  const id = crypto.randomUUID();
  return transaction([createNode(list), createNode(todo(id), { title, done: false }), arrayInsert(list, "order", end, [id])]);
}
export const toggle = (id: string, done: boolean) => setProperty(todo(id), "done", done);
export const rename = (id: string, title: string) => setProperty(todo(id), "title", title);
export const move = (from: number, to: number) => arrayMove(list, "order", from, to);
export const remove = (id: string, index: number) => transaction([deleteNode(todo(id)), arrayRemove(list, "order", index)]);
