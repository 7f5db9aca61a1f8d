/** A pause that doubles, a little by chance so that callers do not come back in step. Times are in milliseconds. */
export class Backoff {
  readonly #first: number;
  readonly #longest: number;
  #next: number;

  constructor(first: number, longest: number) {
    this.#first = this.#next = first;
    this.#longest = longest;
  }

  /** Begins again with the shortest pause. */
  reset(): void {
    this.#next = this.#first;
  }

  /** Waits; ends early, and tells so by false, when the signal aborts. */
  rest(signal?: AbortSignal, atLeast = 0): Promise<boolean> {
    const wait = Math.max(atLeast, this.#next * (0.5 + Math.random() / 2));
    this.#next = Math.min(2 * this.#next, this.#longest);
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve(false);
      const timer = setTimeout(() => end(true), wait);
      const abort = () => end(false);
      const end = (whole: boolean) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        resolve(whole);
      };
      signal?.addEventListener("abort", abort);
    });
  }
}
