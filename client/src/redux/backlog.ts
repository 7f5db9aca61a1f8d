import type { Lanes } from "./lanes.js";
import type { OutboxListener } from "./outbox.js";
import type { Queued } from "./state.js";
import type { EditStorage } from "./storage.js";

/** The edits of all tabs that are not over: kept until this tab leads, then put into the lanes. */
export interface Backlog {
  /** Takes an edit in; again changes nothing. */
  add(queued: Queued): void;
  /** Shows what is kept from before, and answers it. */
  load(): Promise<readonly Queued[]>;
  /** From now on this tab sends: first what is kept, then what came early. */
  lead(): Promise<void>;
}

/** Makes a backlog. `over` has the keys of edits that are over; after the signal nothing is shown. */
export function createBacklog(
  storage: EditStorage, lanes: Lanes, over: ReadonlySet<string>, signal: AbortSignal, listener: Pick<OutboxListener, "queued" | "unsure">,
): Backlog {
  const known = new Set<string>(); // keys in a lane
  let early: Queued[] | undefined = []; // came while this tab does not lead yet

  function add(queued: Queued): void {
    const { key } = queued;
    if (early) {
      early.push(queued);
      return listener.unsure(queued, true); // the tab that leads may be sending it
    }
    if (over.has(key)) return listener.unsure(queued, false);
    if (known.has(key)) return;
    known.add(key);
    lanes.put(queued);
  }

  async function load(): Promise<readonly Queued[]> {
    const kept = (await storage.load().catch(() => [])).filter((one) => !over.has(one.key));
    if (kept.length && !signal.aborted) listener.queued(kept);
    if (early) for (const one of kept) listener.unsure(one, true);
    return kept;
  }

  async function lead(): Promise<void> {
    const kept = [...(await load()), ...(early ?? [])];
    early = undefined;
    kept.forEach(add);
  }

  return { add, load, lead };
}
