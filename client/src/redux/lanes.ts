import { backoff } from "../client/backoff.js";
import { SetLoggerError } from "../client/error.js";
import type { OutboxListener } from "./outbox.js";
import type { Queued, Trouble } from "./state.js";

/** Edits on their way, a lane a bucket, in which each waits for the one before it. */
export interface Lanes {
  /** Puts an edit at the end of its lane. It is sure that the daemon has not taken one that waits there. */
  put(queued: Queued): void;
  /** Tells why a bucket's next edit waits, or that it does no more. That there is no daemon is told for all. */
  block(bucket: string, trouble?: Trouble): void;
  /** Tries at once what waits. */
  wake(): void;
}

/** The trouble in an error, as plain data. */
export const troubleOf = (error: unknown): Trouble =>
  error instanceof SetLoggerError
    ? { name: error.name, status: error.status, detail: error.message, hint: error.hint }
    : { name: "Unknown", status: 0, detail: String(error), hint: "" };

/** Makes lanes. `send` answers why an edit must wait, or nothing when it is over; the signal ends them. */
export function createLanes(
  send: (queued: Queued) => Promise<Trouble | undefined>, signal: AbortSignal, listener: Pick<OutboxListener, "unsure" | "blocked">,
): Lanes {
  const lanes = new Map<string, Queued[]>();
  const blocked = new Set<string>(); // buckets
  let waking = new AbortController();

  async function run(lane: Queued[]): Promise<void> {
    const pauses = backoff(100, 5000);
    let lost = false; // an answer, so that the edit may be taken whatever is answered later
    for (let next = lane[0]; next && !signal.aborted; next = lane[0]) {
      listener.unsure(next, true);
      const trouble = await send(next);
      if (signal.aborted) return;
      block(next.bucket, trouble);
      if (trouble) {
        if (!(lost ||= !trouble.status)) listener.unsure(next, false);
        await pauses.rest(waking.signal);
      } else {
        lost = false;
        pauses.reset();
        lane.shift();
      }
    }
  }

  function block(bucket: string, trouble?: Trouble): void {
    if (trouble && trouble.name !== "Unreachable") {
      blocked.add(bucket);
      listener.blocked(bucket, trouble);
    } else if (blocked.delete(bucket)) listener.blocked(bucket, null);
  }

  return {
    put(queued) {
      const lane = lanes.get(queued.bucket) ?? [];
      lanes.set(queued.bucket, lane);
      if (lane.push(queued) === 1) void run(lane);
      else listener.unsure(queued, false);
    },
    block,
    wake() {
      waking.abort();
      waking = new AbortController();
    },
  };
}
