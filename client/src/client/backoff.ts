/** Pauses that double, a little by chance so that callers do not come back in step. Times are in milliseconds. */
export interface Backoff {
  /** Begins again with the shortest pause. */
  reset(): void;
  /** Waits; ends early, and tells so by false, when the signal aborts. */
  rest(signal?: AbortSignal, atLeast?: number): Promise<boolean>;
}

/** Makes pauses between a first and a longest one. */
export function backoff(first: number, longest: number): Backoff {
  let next = first;
  return {
    reset: () => void (next = first),
    rest(signal, atLeast = 0) {
      const wait = Math.max(atLeast, next * (0.5 + Math.random() / 2));
      next = Math.min(2 * next, longest);
      return new Promise((resolve) => {
        if (signal?.aborted) return resolve(false);
        const end = (whole: boolean) => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
          resolve(whole);
        };
        const abort = () => end(false);
        const timer = setTimeout(end, wait, true);
        signal?.addEventListener("abort", abort);
      });
    },
  };
}
