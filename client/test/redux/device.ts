import type { TestContext } from "node:test";
import { combineReducers, createStore } from "redux";
import WebSocket from "ws";
import type { WebSocketConstructor } from "../../src/client/index.js";
import { memoryStorage, setlogger, setloggerReducer, type SetLoggerOptions } from "../../src/redux/index.js";
import { until, type Daemon } from "../client/daemon.js";

/** How a store of a test reaches its daemon. */
export const reach = ({ url, token }: Pick<Daemon, "url" | "token">): SetLoggerOptions => ({
  url, token, WebSocket: WebSocket as unknown as WebSocketConstructor, storage: memoryStorage(),
});

/** A store with the slice at `sync`, tied to a daemon; it ends with the test. */
export function openStore(t: TestContext, daemon: Pick<Daemon, "url" | "token">, options: SetLoggerOptions = {}) {
  const seen: string[] = [];
  const trace = (state = 0, action: { type: string }) => (seen.push(action.type), state + 1);
  const store = createStore(combineReducers({ sync: setloggerReducer, trace }), setlogger({ ...reach(daemon), ...options }));
  t.after(() => store.setlogger.close());
  const slice = () => store.getState().sync;
  const come = (what: string, holds: () => boolean) => until(what, holds, (look) => t.after(store.subscribe(look)));
  return { ...store, store, slice, come, seen };
}
