import { backoff } from "./backoff.js";
import type { Repeat } from "./call.js";
import { passes, type SetLoggerError } from "./error.js";

/** Makes a call again, so often at most, while what went wrong passes by itself. Where nothing ever answered, nothing is waited for. */
export const repeated = (limit: number): Repeat => async (call, attempt, answered) => {
  const pauses = backoff(100, 2000);
  for (let made = 0; ; made++) {
    try {
      return await attempt();
    } catch (error) {
      if (call.once || made >= limit || !answered() || !passes(error)) throw error;
      if (!(await pauses.rest(call.signal, (error as SetLoggerError).retryAfter * 1000))) throw error;
    }
  }
};
