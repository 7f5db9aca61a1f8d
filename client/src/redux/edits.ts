import type { CoreCalls } from "../client/core.js";
import type { SetLoggerError } from "../client/error.js";
import type { Told } from "../client/messages.js";
import type { EngineSide } from "./side.js";
import type { Confirmation } from "./state.js";

/** How long the stream has to bring what the daemon took, before its nodes are asked for: milliseconds. */
const patience = 300;

/** The edits made here that are not over, from their making until the confirmed values hold them. */
export interface Edits {
  add(key: string): void;
  /** Waits until the confirmed values hold an edit that the daemon has; where the stream does not bring its nodes, asks for them. */
  settle(edit: Confirmation): void;
  /** An edit is over. */
  over(key: string): void;
  /** Lets go of those that the confirmed values hold by now. */
  sweep(): void;
  /** Settles when there are none. */
  idle(): Promise<void>;
  close(): void;
}

/** Makes the set of edits. `follows`: the stream brings what changes in a bucket. */
export function createEdits({ client, gate, tell, isPending, signal }: EngineSide, follows: (bucket: string) => boolean): Edits {
  const open = new Set<string>(); // keys
  const timers = new Map<string, ReturnType<typeof setTimeout>>(); // of edits that the daemon has, by key
  const waiters: (() => void)[] = [];

  function settle({ bucket, key, revs }: Confirmation): void {
    if (signal.aborted || !isPending(key)) return over(key);
    const ask = async () => {
      try {
        const nodes = await Promise.all(Object.keys(revs).map((id) => readNode(client, bucket, id)));
        gate.pass(bucket, () => {
          tell({ type: "setlogger/CHANGED", bucket, nodes, settles: key });
          over(key);
        });
      } catch {
        timers.set(key, setTimeout(ask, 10 * patience));
      }
    };
    timers.set(key, setTimeout(ask, follows(bucket) ? patience : 0));
  }

  function over(key: string): void {
    clearTimeout(timers.get(key));
    timers.delete(key);
    open.delete(key);
    if (!open.size) release();
  }

  function release(): void {
    for (const done of waiters.splice(0)) done();
  }

  return {
    add: (key) => void open.add(key),
    settle, over,
    sweep() {
      for (const key of timers.keys()) if (!isPending(key)) over(key);
    },
    idle: () => new Promise((resolve) => (open.size ? waiters.push(resolve) : resolve())),
    close() {
      timers.forEach(clearTimeout);
      release();
    },
  };
}

/** A node as it is, or that it is gone. */
const readNode = (client: CoreCalls, bucket: string, id: string): Promise<Told> =>
  client.node(bucket, id).catch((error: SetLoggerError) => {
    if (error.status === 404) return { id, deleted: true };
    throw error;
  });
