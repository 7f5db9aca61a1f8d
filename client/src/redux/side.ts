import type { CoreCalls } from "../client/core.js";
import type { Gate } from "./gate.js";
import type { DaemonAction, SetLoggerState } from "./state.js";

/** What the parts of an engine share: the daemon on the one side of them, the store on the other. */
export interface EngineSide {
  readonly client: CoreCalls;
  readonly gate: Gate;
  /** Dispatches what the daemon says, until the engine is closed. */
  tell(action: DaemonAction): void;
  /** The slice of the store, where it is mounted. */
  slice(): SetLoggerState | undefined;
  /** Tells whether an edit shows that the confirmed values do not hold. */
  isPending(key: string): boolean;
  /** Aborts when the engine is closed. */
  readonly signal: AbortSignal;
}
