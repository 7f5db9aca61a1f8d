import type { CoreCalls } from "../client/core.js";
import { createBacklog } from "./backlog.js";
import { createLanes, troubleOf } from "./lanes.js";
import type { Confirmation, Queued, Refusal, Trouble } from "./state.js";
import type { EditStorage } from "./storage.js";
import { joinTabs, type TabMessage } from "./tabs.js";

/** Is told how edits fare, those of other tabs too. */
export interface OutboxListener {
  queued(queued: readonly Queued[]): void;
  /** Whether the daemon may have taken an edit, which nobody knows before `done` or `refused`. */
  unsure(edit: Pick<Queued, "bucket" | "key">, is: boolean): void;
  done(edit: Confirmation): void;
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

/** Statuses by which the daemon says that an edit can't be, rather than not now. */
const final = new Set([400, 404, 409, 412, 413, 415, 422]);

/** Makes an outbox, and takes up what is kept from before. */
export function createOutbox(options: OutboxOptions, listener: OutboxListener): Outbox {
  const { storage } = options;
  const closing = new AbortController();
  const { signal } = closing;
  const over = new Set<string>(); // keys
  const lanes = createLanes((queued) => send(options, queued, signal, finish), signal, listener);
  const backlog = createBacklog(storage, lanes, over, signal, listener);
  let keeping = Promise.resolve();

  /** Told before it is forgotten, for a crash between; and after, for a tab that read the queue between. */
  async function finish(message: TabMessage, key: string): Promise<void> {
    hear(message);
    tabs.tell(message);
    await storage.remove(key).catch(() => undefined);
    tabs.tell(message);
  }

  function hear(message: TabMessage): void {
    if ("queued" in message) {
      listener.queued([message.queued]);
      return backlog.add(message.queued);
    }
    const { key } = "done" in message ? message.done : message.refused;
    if (over.has(key)) return;
    over.add(key);
    if ("done" in message) listener.done(message.done);
    else listener.refused(message.refused);
  }

  const tabs = joinTabs(options.name, { hear, lead: () => void backlog.lead() });

  return {
    loaded: backlog.load(),
    put(queued) {
      keeping = keeping.then(() => storage.add(queued)).catch((error: unknown) => lanes.block(queued.bucket, troubleOf(error))).then(() => {
        tabs.tell({ queued });
        backlog.add(queued);
      });
    },
    wake: lanes.wake,
    close() {
      closing.abort();
      lanes.wake();
      tabs.close();
    },
  };
}

/** Sends an edit; answers why it must wait, or nothing when it is over, of which `finish` is told. */
async function send(
  options: OutboxOptions, queued: Queued, signal: AbortSignal, finish: (message: TabMessage, key: string) => Promise<void>,
): Promise<Trouble | undefined> {
  const { bucket, key, actions } = queued;
  const { client, make } = options;
  try {
    const entry = actions.length === 1 ? actions[0]! : { actions };
    const { revs } = await client.append(bucket, entry, { headers: { "Idempotency-Key": key }, signal });
    await finish({ done: { bucket, key, revs } }, key);
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble.status === 404 && make) return client.makeBucket({ name: bucket }).then(() => send(options, queued, signal, finish), troubleOf);
    if (!final.has(trouble.status)) return trouble;
    await finish({ refused: { ...trouble, ...queued } }, key);
  }
  return undefined;
}
