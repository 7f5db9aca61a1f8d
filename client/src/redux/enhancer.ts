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

/** The enhancer. `middleware`, put into the store as well, lets what comes from the daemon pass all middleware, so that sagas see it. */
export type SetLoggerEnhancer = StoreEnhancer<SetLoggerStore> & { readonly middleware: Middleware };

/**
 * Makes the enhancer of one store. Put it last, next to the store, so that what thunks and sagas dispatch passes it:
 * `enhancers: (all) => all().concat(setlogger({token}))`. Actions of others pass it as they are.
 */
export function setlogger(options: SetLoggerOptions = {}): SetLoggerEnhancer {
  const routes = options.routes ?? defaultRoutes;
  let outer: Dispatch<Action> | undefined;
  const middleware: Middleware = (api) => {
    outer = api.dispatch as Dispatch<Action>;
    return (next) => (action) => next(action);
  };
  const enhancer: StoreEnhancer<SetLoggerStore> = (next) => (reducer, preloaded) => {
    const store = next(reducer, preloaded);
    const inner = store.dispatch as unknown as Dispatch<Action>;
    const engine = createEngine(options, routes, {
      dispatch(action) {
        start();
        (outer ?? inner)(action);
      },
      getState: store.getState,
    });

    /** Tells the slice the routes, once it is mounted. */
    function start(): void {
      const slice = engine.slice();
      if (slice && slice.routes !== routes) inner({ type: "setlogger/STARTED", routes } as Action);
    }

    const reduced = (bucket: string, key: string) => attempt(() => engine.isPending(bucket, key)) ?? false;
    const intake = createIntake(inner, ({ bucket, key }) => reduced(bucket, key), engine.edit);

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
  return Object.assign(enhancer, { middleware });
}

/** The answer of what fails while a reducer runs, as a look at the state does. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
