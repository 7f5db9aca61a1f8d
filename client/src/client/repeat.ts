import { backoff } from "./backoff.js";
import { createTransport, type ClientOptions, type Transport } from "./call.js";
import { passes, type SetLoggerError } from "./error.js";

/**
 * Makes a transport that makes calls again, as often as the options say, while what went wrong passes by itself. Where nothing ever
 * answered, nothing is waited for.
 */
export function createRepeating(options: ClientOptions): Transport {
  const limit = options.retries ?? 8;
  let answered = false;
  const once = createTransport(options, () => (answered = true));

  return {
    ...once,
    async get(call, take) {
      const pauses = backoff(100, 2000);
      for (let made = 0; ; made++) {
        try {
          return await once.get(call, take);
        } catch (error) {
          if (call.once || made >= limit || !answered || !passes(error)) throw error;
          if (!(await pauses.rest(call.signal, (error as SetLoggerError).retryAfter * 1000))) throw error;
        }
      }
    },
  };
}
