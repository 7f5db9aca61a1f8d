// The page of tabs.test.ts: a store that the test drives from outside.
import { combineReducers, createStore } from "redux";
import * as redux from "../../src/redux/index.js";

const given = new URLSearchParams(location.hash.slice(1));
const store = createStore(combineReducers({ sync: redux.setloggerReducer }), redux.setlogger({
  url: given.get("url") ?? "", token: given.get("token") ?? "", follow: ["/todos"],
}));
const slice = () => store.getState().sync;

/** What the test calls. */
const tab = {
  increment(times: number): void {
    for (let i = 0; i < times; i++) store.dispatch(redux.increment("/todos/count", "n"));
  },
  create: () => void store.dispatch(redux.createNode("/todos/count", { n: 0 })),
  look: () => ({ ...redux.selectStatus(slice()), n: redux.selectNode<{ n: number }>(slice(), "/todos/count")?.n, shown: slice().buckets["todos"]?.pending.length ?? 0 }),
  /** Settles when what it looks like is so. */
  when: (holds: string) => new Promise<void>((resolve) => {
    const is = new Function("look", `return (${holds})(look)`) as (look: unknown) => boolean;
    const check = () => {
      if (!is(tab.look())) return;
      end();
      resolve();
    };
    const end = store.subscribe(check);
    check();
  }),
  kept: async () => (await redux.indexedStorage(`setlogger ${given.get("url")}`).load()).length,
  /** Settles when so many edits are kept. */
  async keeps(count: number): Promise<void> {
    while ((await tab.kept()) !== count);
  },
};
Object.assign(globalThis, { tab });
export type Tab = typeof tab;
