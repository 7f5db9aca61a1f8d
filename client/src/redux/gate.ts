import type { Queued } from "./state.js";

/**
 * Keeps back what comes of a bucket while the daemon may have taken an edit of it that is not confirmed: what comes may hold the
 * edit, which then would show twice.
 */
export interface Gate {
  /** Does the work at once, or when the bucket's last edit is sure; after three seconds even so. */
  pass(bucket: string, work: () => void): void;
  unsure(edit: Pick<Queued, "bucket" | "key">, is: boolean): void;
}

/** Makes a gate. */
export function createGate(): Gate {
  const unsure = new Map<string, Set<string>>(); // keys by bucket
  let waiting: [bucket: string, work: () => void][] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  function release(isLate?: boolean): void {
    const before = waiting;
    waiting = [];
    clearTimeout(timer);
    for (const [bucket, work] of before) isLate ? work() : gate.pass(bucket, work);
  }

  const gate: Gate = {
    pass(bucket, work) {
      if (!unsure.get(bucket)?.size) return work();
      if (waiting.push([bucket, work]) === 1) timer = setTimeout(release, 3000, true);
    },
    unsure({ bucket, key }, is) {
      const keys = unsure.get(bucket) ?? new Set();
      unsure.set(bucket, keys);
      if (is) keys.add(key);
      else if (keys.delete(key)) release();
    },
  };
  return gate;
}
