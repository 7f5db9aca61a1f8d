import type { Action, Dispatch, Middleware, StoreEnhancer } from "redux";
import type { LogAction } from "../client/messages.js";
import { createEngine, type SetLoggerOptions } from "./engine.js";
import { createIntake, take } from "./intake.js";
import { defaultRoutes } from "./routes.js";

/** What the enhancer adds to a store. */
export interface SetLoggerStore {
  readonly setlogger: {
    /** Settles when each edit of this store is confirmed or refused. */
    idle(): Promise<void>;
    /** Ends all connections; what is not sent stays in the queue. */
    close(): void;
  };
}

/** Through all middleware, by the `getState` of the store beneath it. */
const outermost = new WeakMap<() => unknown, Dispatch<Action>>();

/** Put anywhere among a store's middleware, it lets what comes from the daemon pass all of it, so that sagas see it. */
export const setloggerMiddleware: Middleware = (api) => {
  outermost.set(api.getState, api.dispatch as Dispatch<Action>);
  return (next) => (action) => next(action);
};

/**
 * Makes the enhancer of one store. Put it last, next to the store, so that what thunks and sagas dispatch passes it:
 * `enhancers: (all) => all().concat(setlogger({token}))`. Actions of others pass it as they are.
 */
export function setlogger(options: SetLoggerOptions = {}): StoreEnhancer<SetLoggerStore> {
  const routes = options.routes ?? defaultRoutes;
  return (next) => (reducer, preloaded) => {
    const store = next(reducer, preloaded);
    const inner = store.dispatch as unknown as Dispatch<Action>;
    const engine = createEngine(options, routes, {
      dispatch(action) {
        start();
        (outermost.get(store.getState) ?? inner)(action);
      },
      getState: store.getState,
    });

    /** Tells the slice the routes, once it is mounted. */
    function start(): void {
      const slice = engine.slice();
      if (slice && slice.routes !== routes) inner({ type: "setlogger/STARTED", routes } as Action);
    }

    const intake = createIntake(inner, ({ key }) => !!attempt(() => engine.isPending(key)), engine.edit);

    function dispatch(action: Action): Action {
      const taken = take(routes, action as LogAction);
      if (!taken) return inner(action);
      attempt(start);
      if ("queued" in taken) return intake(taken.stamped, taken.queued);
      const result = inner(taken.stamped);
      engine.ask(taken.bucket, taken.key, taken.ask);
      return result;
    }

    start();
    return { ...store, dispatch: dispatch as typeof store.dispatch, setlogger: { idle: engine.idle, close: engine.close } };
  };
}

/** The answer of what fails while a reducer runs, as a look at the state does. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
