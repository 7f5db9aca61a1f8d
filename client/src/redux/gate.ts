import type { Queued } from "./state.js";

/**
 * Keeps back what comes of a bucket while the daemon may have taken an edit of it that is not confirmed: what comes may hold the
 * edit, which then would show twice.
 */
export interface Gate {
  /** Does the work at once, or when the bucket's last edit is sure. */
  pass(bucket: string, work: () => void): void;
  unsure(edit: Pick<Queued, "bucket" | "key">, is: boolean): void;
  /** Nothing passes before. */
  open(): void;
}

/** Makes a gate. */
export function createGate(): Gate {
  const unsure = new Map<string, Set<string>>(); // keys by bucket
  let opened = false;
  let waiting: [bucket: string, work: () => void][] = [];
  const passes = (bucket: string) => opened && !unsure.get(bucket)?.size;

  function release(): void {
    const before = waiting;
    waiting = [];
    for (const [bucket, work] of before) gate.pass(bucket, work);
  }

  const gate: Gate = {
    pass(bucket, work) {
      if (passes(bucket)) work();
      else waiting.push([bucket, work]);
    },
    unsure({ bucket, key }, is) {
      const keys = unsure.get(bucket) ?? new Set();
      unsure.set(bucket, keys);
      if (is) keys.add(key);
      else if (keys.delete(key)) release();
    },
    open() {
      opened = true;
      release();
    },
  };
  return gate;
}
