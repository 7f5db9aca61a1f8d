// The enhancer beside what stores are made with: Redux Toolkit, thunks, sagas, DevTools.
import assert from "node:assert/strict";
import { test } from "node:test";
import { instrument, ActionCreators, type LiftedState } from "@redux-devtools/instrument";
import { configureStore, createSlice } from "@reduxjs/toolkit";
import { applyMiddleware, combineReducers, compose, createStore, type Action } from "redux";
import createSagaMiddleware from "redux-saga";
import { put, take } from "redux-saga/effects";
import { thunk } from "redux-thunk";
import { createNode, selectNode, selectStatus, setlogger, setloggerMiddleware, setloggerReducer, setProperty } from "../../src/redux/index.js";
import { needsDaemon, startDaemon, until } from "../client/daemon.js";
import { reach } from "./device.js";

test("Redux Toolkit: with its checks of state and actions, and beside other slices", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const filter = createSlice({ name: "filter", initialState: "all", reducers: { set: (_, action: { payload: string }) => action.payload } });
  const complaints: unknown[] = [];
  t.mock.method(console, "error", (...words: unknown[]) => complaints.push(words));
  const store = configureStore({
    reducer: { filter: filter.reducer, deep: setloggerReducer },
    middleware: (all) => all().concat(setloggerMiddleware),
    enhancers: (all) => all().concat(setlogger(reach(daemon))),
  });
  t.after(() => store.setlogger.close());
  store.dispatch((dispatch, getState) => {
    dispatch(createNode("/todos/1", { title: getState().filter }));
    dispatch(filter.actions.set("done"));
  });
  assert.deepEqual(selectNode(store.getState().deep, "/todos/1"), { title: "all" });
  await store.setlogger.idle();
  assert.deepEqual((await daemon.client.node("todos", "1")).value, { title: "all" });
  assert.equal(store.getState().filter, "done");
  assert.deepEqual(complaints, []);
});

test("redux-thunk: edits of thunks are sent", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const store = createStore(combineReducers({ sync: setloggerReducer }), compose(applyMiddleware(thunk), setlogger(reach(daemon))) as ReturnType<typeof setlogger>);
  t.after(() => store.setlogger.close());
  store.dispatch(((dispatch: (action: Action) => void) => dispatch(createNode("/todos/1"))) as never);
  await store.setlogger.idle();
  assert.equal((await daemon.client.nodes("todos")).nodes.length, 1);
});

test("redux-saga: edits of sagas are sent, and sagas take what the daemon tells", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const saga = createSagaMiddleware();
  const store = createStore(combineReducers({ sync: setloggerReducer }), compose(applyMiddleware(setloggerMiddleware, saga), setlogger(reach(daemon))) as ReturnType<typeof setlogger>);
  t.after(() => store.setlogger.close());
  const running = saga.run(function* (): Generator<any, string, any> {
    yield put(createNode("/todos/1", { n: 1 }));
    const { key } = (yield take("setlogger/CONFIRMED")) as { key: string };
    yield put(setProperty("/todos/no", "n", 2));
    const { refusal } = (yield take("setlogger/REFUSED")) as { refusal: { name: string } };
    return `${typeof key} ${refusal.name}`;
  });
  assert.equal(await running.toPromise(), "string Conflict");
});

test("DevTools: time travel and replays show what was, and send nothing again", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const reducer = combineReducers({ sync: setloggerReducer });
  const store = createStore(reducer, compose(setlogger(reach(daemon)), instrument()) as ReturnType<typeof setlogger>);
  const lifted = (store as unknown as { liftedStore: { dispatch(action: object): void; getState(): LiftedState<unknown, Action, null> } }).liftedStore;
  t.after(() => store.setlogger.close());
  store.dispatch(createNode("/todos/1", { n: 1 }));
  await store.setlogger.idle();
  store.dispatch(setProperty("/todos/1", "n", 2));
  await store.setlogger.idle();
  const n = () => selectNode<{ n: number }>(store.getState().sync, "/todos/1")?.n;
  const { stagedActionIds, actionsById } = lifted.getState();
  const made = stagedActionIds.findIndex((id) => actionsById[id]?.action.type === "CREATE_NODE");
  assert.equal(n(), 2);
  lifted.dispatch(ActionCreators.jumpToState(made));
  assert.equal(n(), 1);
  assert.equal(selectStatus(store.getState().sync).pending, 1);
  lifted.dispatch(ActionCreators.jumpToState(made - 1));
  assert.equal(n(), undefined);
  lifted.dispatch(ActionCreators.jumpToState(stagedActionIds.length - 1));
  assert.equal(n(), 2);
  lifted.dispatch(ActionCreators.toggleAction(stagedActionIds[made] ?? 0));
  lifted.dispatch(ActionCreators.toggleAction(stagedActionIds[made] ?? 0));
  lifted.dispatch(ActionCreators.importState(JSON.parse(JSON.stringify(lifted.getState())) as never));
  assert.equal(n(), 2);
  store.dispatch(setProperty("/todos/1", "n", 3));
  await store.setlogger.idle();
  assert.equal(n(), 3);
  const { entries } = await daemon.client.log("todos");
  assert.deepEqual(entries.map(({ entry }) => entry.actions[0]?.type), ["CREATE_NODE", "SET_PROPERTY", "SET_PROPERTY"]);
});

test("edits made by listeners come after the edit that they hear of", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const store = createStore(combineReducers({ sync: setloggerReducer }), setlogger(reach(daemon)));
  t.after(() => store.setlogger.close());
  const end = store.subscribe(() => {
    end();
    store.dispatch(setProperty("/todos/1", "b", 2));
    throw new Error("a listener of the app");
  });
  assert.throws(() => store.dispatch(createNode("/todos/1", { a: 1 })), /a listener of the app/);
  await store.setlogger.idle();
  assert.deepEqual((await daemon.client.node("todos", "1")).value, { a: 1, b: 2 });
  assert.deepEqual(selectStatus(store.getState().sync).problems, []);
});

test("an edit that no reducer took, as one threw, is not sent", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const store = createStore(combineReducers({
    sync: setloggerReducer,
    other: (state = 0, action: Action & { properties?: { bad?: boolean } }) => {
      if (action.properties?.bad) throw new Error("from a reducer");
      return state;
    },
  }), setlogger(reach(daemon)));
  t.after(() => store.setlogger.close());
  assert.throws(() => store.dispatch(createNode("/todos/1", { bad: true })), /from a reducer/);
  store.dispatch(createNode("/todos/2"));
  await store.setlogger.idle();
  assert.deepEqual((await daemon.client.nodes("todos")).nodes.map((node) => node.id), ["2"]);
});

test("a slice that is mounted later catches up", needsDaemon, async (t) => {
  const daemon = await startDaemon(t);
  const store = createStore(combineReducers({ app: (state = 0) => state }) as never, setlogger({ ...reach(daemon), routes: { "/:a/:b": ":a/:b" } }));
  t.after(() => store.setlogger.close());
  const slice = () => (store.getState() as { sync: ReturnType<typeof setloggerReducer> }).sync;
  store.replaceReducer(combineReducers({ app: (state = 0) => state, sync: setloggerReducer }) as never);
  store.dispatch(createNode("/x/y/1", { n: 1 }) as never);
  await until("the edit shows", () => selectNode(slice(), "/x/y/1") !== undefined, (look) => store.subscribe(look));
  await store.setlogger.idle();
  assert.equal((await daemon.client.nodes("x/y")).nodes.length, 1);
});
