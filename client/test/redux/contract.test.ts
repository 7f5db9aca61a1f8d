// What Redux promises of a store, asked of one without the enhancer and of the same one with it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { applyMiddleware, combineReducers, compose, createStore, type Action, type Middleware, type Reducer, type StoreEnhancer } from "redux";
import { from } from "rxjs";
import { setlogger, setloggerReducer } from "../../src/redux/index.js";

type State = { readonly seen: readonly string[] };
type Store = ReturnType<typeof createStore<State, Action>>;
type Make = (reducer: Reducer<State, Action>, preloaded?: State, middleware?: readonly Middleware[]) => Store;

const seen: Reducer<State, Action> = (state = { seen: [] }, action) => ({ seen: [...state.seen, action.type.startsWith("@@") ? "init" : action.type] });

const chain = (middleware: readonly Middleware[], rest?: StoreEnhancer<any>) => {
  const enhancers = [...(middleware.length ? [applyMiddleware(...middleware)] : []), ...(rest ? [rest] : [])];
  return compose(...enhancers) as StoreEnhancer;
};

const plain: Make = (reducer, preloaded, middleware = []) => createStore(reducer, preloaded, chain(middleware)) as Store;
const enhanced: Make = (reducer, preloaded, middleware = []) => createStore(reducer, preloaded, chain(middleware, setlogger())) as unknown as Store;
const mixed: Make = (reducer, preloaded, middleware = []) => {
  const both = combineReducers({ app: reducer, sync: setloggerReducer });
  const store = createStore(both as Reducer<any, any>, preloaded && { app: preloaded }, chain(middleware, setlogger({ routes: { "/only/:this": ":this" } })));
  const getState = () => (store.getState() as { app: State }).app;
  return { ...store, getState, replaceReducer: (next: Reducer<any, any>) => store.replaceReducer(combineReducers({ app: next, sync: setloggerReducer }) as never) } as unknown as Store;
};

/** A slice beside it counts as no one's action: the routes are told to it once. */
const ours = (state: State) => state.seen.filter((type) => type !== "setlogger/STARTED" && type !== "init");

for (const [name, make] of Object.entries({ plain, enhanced, mixed })) {
  describe(`a store, ${name}`, () => {
    test("hands each action to the reducer as it is, and answers it", () => {
      const given: Action[] = [];
      const store = make((state = { seen: [] }, action) => (given.push(action), state));
      for (const action of [{ type: "a" }, Object.freeze({ type: "CREATE_NODE", id: "1" }), { type: "SET_PROPERTY", id: "no path" }, { type: "SET_SCHEMA" }, { type: "setlogger/OTHER" }]) {
        assert.equal(store.dispatch(action), action);
        assert.equal(given.at(-1), action);
      }
    });

    test("begins with the state that it is given", () => {
      assert.deepEqual(ours(make(seen, { seen: ["before"] }).getState()), ["before"]);
    });

    test("tells listeners after each action, those that were there when it began", () => {
      const store = make(seen);
      const calls: string[] = [];
      const end = store.subscribe(() => {
        calls.push("first");
        end();
        end();
        store.subscribe(() => calls.push("late"));
      });
      store.subscribe(() => calls.push("second"));
      store.dispatch({ type: "a" });
      assert.deepEqual(calls, ["first", "second"]);
      store.dispatch({ type: "b" });
      assert.deepEqual(calls, ["first", "second", "second", "late"]);
    });

    test("nests dispatches of listeners", () => {
      const store = make(seen);
      const states: string[][] = [];
      store.subscribe(() => {
        if (ours(store.getState()).length < 3) store.dispatch({ type: "nested" });
        states.push([...ours(store.getState())]);
      });
      store.dispatch({ type: "a" });
      assert.deepEqual(states, Array(3).fill(["a", "nested", "nested"]));
    });

    test("takes another reducer", () => {
      const store = make(seen);
      store.dispatch({ type: "a" });
      let told = 0;
      store.subscribe(() => told++);
      store.replaceReducer((state = { seen: [] }, action) => (action.type === "b" ? { seen: [...state.seen, "B"] } : state));
      assert.equal(told, 1);
      store.dispatch({ type: "b" });
      assert.deepEqual(ours(store.getState()), ["a", "B"]);
    });

    test("runs middleware in order, nested dispatches through all of it", () => {
      const calls: string[] = [];
      const log = (label: string): Middleware => () => (next) => (action) => {
        calls.push(`${label} ${(action as Action).type}`);
        const result = next(action);
        calls.push(`${label} after`);
        return result;
      };
      const twice: Middleware = (api) => (next) => (action) => ((action as Action).type === "a" && api.dispatch({ type: "extra" }), next(action));
      const store = make(seen, undefined, [log("1"), twice, log("2")]);
      calls.length = 0;
      store.dispatch({ type: "a" });
      assert.deepEqual(calls, ["1 a", "1 extra", "2 extra", "2 after", "1 after", "2 a", "2 after", "1 after"]);
      assert.deepEqual(ours(store.getState()), ["extra", "a"]);
    });

    test("is an observable", () => {
      const store = make(seen);
      const states: (readonly string[])[] = [];
      const subscription = from(store as never).subscribe((state) => states.push(ours(((state as { app?: State }).app ?? state) as State)));
      store.dispatch({ type: "a" });
      subscription.unsubscribe();
      store.dispatch({ type: "b" });
      assert.deepEqual(states, [[], ["a"]]);
    });

    test("refuses what reducers may not do", () => {
      for (const deed of [(s: Store) => s.dispatch({ type: "b" }), (s: Store) => s.dispatch({ type: "CREATE_NODE", id: "/only/this/1" } as Action), (s: Store) => s.getState(), (s: Store) => s.subscribe(() => {})]) {
        let armed = false;
        const store: Store = make((state = { seen: [] }, action) => (armed && action.type === "a" && deed(store), state));
        armed = true;
        assert.throws(() => store.dispatch({ type: "a" }), /reducer/i);
        armed = false;
        store.dispatch({ type: "a" });
      }
    });

    test("refuses what is no action, and lets errors through", () => {
      const store = make((state = { seen: [] }, action) => {
        if (action.type === "bad") throw new Error("from the reducer");
        return { seen: [...state.seen, action.type] };
      });
      for (const wrong of [undefined, null, 5, "a", [], new Date(), () => {}, {}, { type: undefined }, { type: 5 }]) {
        assert.throws(() => store.dispatch(wrong as unknown as Action));
      }
      assert.throws(() => store.dispatch({ type: "bad" }), /from the reducer/);
      store.subscribe(() => {
        throw new Error("from the listener");
      });
      assert.throws(() => store.dispatch({ type: "a" }), /from the listener/);
      assert.equal(ours(store.getState()).at(-1), "a");
    });
  });
}
