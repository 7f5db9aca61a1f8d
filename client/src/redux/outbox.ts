import { backoff } from "../client/backoff.js";
import type { CoreCalls } from "../client/core.js";
import { SetLoggerError } from "../client/error.js";
import type { Appended } from "../client/messages.js";
import type { Queued, Refusal, Trouble } from "./state.js";
import type { EditStorage } from "./storage.js";
import { joinTabs, type TabMessage, type Tabs } from "./tabs.js";

/** Is told how edits fare, those of other tabs too. */
export interface OutboxListener {
  queued(queued: readonly Queued[]): void;
  /** Whether the daemon may have taken an edit, which nobody knows before `done` or `refused`. */
  unsure(edit: Pick<Queued, "bucket" | "key">, is: boolean): void;
  done(bucket: string, key: string, revs: Appended["revs"]): void;
  refused(refusal: Refusal): void;
  /** Why the next edit of a bucket waits; null: no more. */
  blocked(bucket: string, error: Trouble | null): void;
}

/** What an outbox works with. `make`: a bucket that is not there is made. */
export interface OutboxOptions {
  readonly name: string;
  readonly client: Pick<CoreCalls, "append" | "makeBucket">;
  readonly storage: EditStorage;
  readonly make: boolean;
}

/** Sends edits: kept first, then sent by the one tab that leads, a bucket's in their order, until the daemon has taken or refused them. */
export interface Outbox {
  put(queued: Queued): void;
  /** Tries at once what waits. */
  wake(): void;
  /** Settles when what was kept from before is queued. */
  readonly loaded: Promise<unknown>;
  close(): void;
}

/** The trouble in an error, as plain data. */
export const troubleOf = (error: unknown): Trouble =>
  error instanceof SetLoggerError
    ? { name: error.name, status: error.status, detail: error.message, hint: error.hint }
    : { name: "Unknown", status: 0, detail: String(error), hint: "" };

/** Statuses by which the daemon says that an edit can't be, rather than not now. */
const final = new Set([400, 404, 409, 412, 413, 415, 422]);

/** Makes an outbox, and takes up what is kept from before. */
export function createOutbox(options: OutboxOptions, listener: OutboxListener): Outbox {
  const { client, storage } = options;
  const lanes = new Map<string, Queued[]>();
  const known = new Set<string>(); // keys in a lane, or over
  const blocked = new Set<string>(); // buckets
  const closing = new AbortController();
  let waking = new AbortController();
  let early: Queued[] | undefined = []; // kept while this tab does not lead yet
  let keeping = Promise.resolve();

  function enqueue(queued: Queued): void {
    if (early) {
      early.push(queued);
      return listener.unsure(queued, true); // the tab that leads may be sending it
    }
    if (known.has(queued.key)) return;
    known.add(queued.key);
    const lane = lanes.get(queued.bucket) ?? [];
    lanes.set(queued.bucket, lane);
    if (lane.push(queued) === 1) void run(lane);
  }

  async function run(lane: Queued[]): Promise<void> {
    const pauses = backoff(100, 5000);
    let lost = false; // an answer, so that the edit may be taken whatever is answered later
    for (let next = lane[0]; next && !closing.signal.aborted; next = lane[0]) {
      listener.unsure(next, true);
      const trouble = await send(next);
      if (closing.signal.aborted) return;
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

  /** Tells why a bucket's next edit waits, or that it does no more. That there is no daemon is told for all. */
  function block(bucket: string, trouble?: Trouble): void {
    if (trouble && trouble.name !== "Unreachable") {
      blocked.add(bucket);
      listener.blocked(bucket, trouble);
    } else if (blocked.delete(bucket)) listener.blocked(bucket, null);
  }

  /** Sends an edit; answers why it must wait, or nothing when it is over. */
  async function send(queued: Queued): Promise<Trouble | undefined> {
    const { bucket, key, actions } = queued;
    const [first] = actions;
    try {
      const entry = actions.length === 1 && first ? first : { actions };
      const { revs } = await client.append(bucket, entry, { key, signal: closing.signal });
      await finish({ done: { bucket, key, revs } }, key);
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble.status === 404 && options.make) return client.makeBucket({ name: bucket }).then(() => send(queued), troubleOf);
      if (!final.has(trouble.status)) return trouble;
      await finish({ refused: { ...trouble, ...queued } }, key);
    }
    return undefined;
  }

  /** Told before it is forgotten, for a crash between; and after, for a tab that read the queue between. */
  async function finish(message: TabMessage, key: string): Promise<void> {
    spread(message);
    await storage.remove(key).catch(() => undefined);
    tabs?.tell(message);
  }

  function spread(message: TabMessage): void {
    hear(message);
    tabs?.tell(message);
  }

  const over = new Set<string>();
  function hear(message: TabMessage): void {
    if ("queued" in message) {
      listener.queued([message.queued]);
      return enqueue(message.queued);
    }
    const { key } = "done" in message ? message.done : message.refused;
    if (over.has(key)) return;
    over.add(key);
    known.add(key);
    if ("done" in message) listener.done(message.done.bucket, key, message.done.revs);
    else listener.refused(message.refused);
  }

  /** Reads what is kept and shows it. */
  async function load(): Promise<readonly Queued[]> {
    const kept = (await storage.load().catch(() => [])).filter((one) => !over.has(one.key));
    if (kept.length && !closing.signal.aborted) listener.queued(kept);
    if (early) for (const one of kept) listener.unsure(one, true);
    return kept;
  }

  async function lead(): Promise<void> {
    const kept = [...(await load()), ...(early ?? [])];
    early = undefined;
    kept.forEach(enqueue);
    for (const one of kept) if (lanes.get(one.bucket)?.[0]?.key !== one.key) listener.unsure(one, false);
  }

  let tabs: Tabs | undefined;
  tabs = joinTabs(options.name, { hear, lead: () => void lead() });

  return {
    loaded: load(),
    put(queued) {
      keeping = keeping.then(() => storage.add(queued)).catch((error: unknown) => block(queued.bucket, troubleOf(error))).then(() => {
        tabs?.tell({ queued });
        enqueue(queued);
      });
    },
    wake() {
      waking.abort();
      waking = new AbortController();
    },
    close() {
      closing.abort();
      waking.abort();
      tabs?.close();
    },
  };
}
