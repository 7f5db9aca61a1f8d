import { createTransport, type ClientOptions } from "../client/call.js";
import { coreCalls } from "../client/core.js";
import { SetLoggerError } from "../client/error.js";
import type { Told } from "../client/messages.js";
import { createStream } from "../client/stream.js";
import type { AskAction } from "./asks.js";
import type { Path } from "./actions.js";
import { createFeed } from "./feed.js";
import { createGate } from "./gate.js";
import { createOutbox, troubleOf } from "./outbox.js";
import { createMemory } from "./memory.js";
import { targetOf, type Routes } from "./routes.js";
import { bucketIn, sliceIn, type DaemonAction, type Queued, type SetLoggerState, type Trouble } from "./state.js";
import { indexedStorage, memoryStorage, type EditStorage } from "./storage.js";

/** How a store is tied to a daemon. The zero value is the daemon of this machine, without a token. */
export interface SetLoggerOptions extends ClientOptions {
  /** Buckets by path pattern; `{"/:bucket": ":bucket"}` unless given. */
  readonly routes?: Routes;
  /** Paths of buckets to follow from the start. */
  readonly follow?: readonly Path[];
  /** False: buckets are followed only where `follow` asks for it, so that only pages and what was edited are known. */
  readonly auto?: boolean;
  /** False: a bucket that is not there is not made. */
  readonly make?: boolean;
  /** Keeps unsent edits; IndexedDB where there is one, else memory. */
  readonly storage?: EditStorage;
  /** Names the queue, which all tabs of an origin with this name share; it has the address of the daemon unless given. */
  readonly name?: string;
  /** Finds the slice where it is mounted deeper than at a key of the state. */
  readonly select?: (state: any) => SetLoggerState | undefined;
}

/** What the engine is given of the store. */
interface StoreSide {
  dispatch(action: DaemonAction): void;
  getState(): unknown;
}

/** How long the stream has to bring what the daemon took, before its nodes are asked for: milliseconds. */
const patience = 300;

/** The side of the enhancer that talks: edits go out, and what comes back is dispatched. */
export function createEngine(options: SetLoggerOptions, routes: Routes, store: StoreSide) {
  const transport = createTransport(options);
  const client = coreCalls(transport);
  const name = options.name ?? `setlogger ${options.url ?? ""}`;
  const make = options.make !== false;
  const open = new Set<string>(); // keys of edits made here that are not over
  const timers = new Map<string, ReturnType<typeof setTimeout>>(); // of edits that the daemon has, by key
  const loading = new Set<string>();
  const gate = createGate();
  let waiters: (() => void)[] = [];
  let closed = false;
  let connected: boolean | undefined;

  const slice = () => (options.select ?? sliceIn)(store.getState());
  /** What a listener of the app throws is the app's, and stops nothing here. */
  const tell = (action: DaemonAction) => {
    if (closed) return;
    try {
      store.dispatch(action);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
  const blocked = (bucket: string, error: Trouble | null) => tell({ type: "setlogger/BLOCKED", bucket, error });

  function connect(error?: Trouble): void {
    if (!error) outbox.wake();
    if (connected === !error) return;
    connected = !error;
    tell(error ? { type: "setlogger/DISCONNECTED", error } : { type: "setlogger/CONNECTED" });
  }

  const storage = options.storage ?? defaultStorage(name);
  const memory = createMemory(storage, (bucket) => bucketIn(slice()!, bucket).confirmed);

  const outbox = createOutbox({ name, client, make, storage }, {
    queued(queued) {
      tell({ type: "setlogger/QUEUED", queued });
      for (const one of queued) used(one.bucket);
    },
    unsure: gate.unsure,
    done(bucket, key, revs) {
      tell({ type: "setlogger/CONFIRMED", bucket, key, revs });
      gate.unsure({ bucket, key }, false);
      used(bucket);
      settle(bucket, key, Object.keys(revs));
    },
    refused(refusal) {
      tell({ type: "setlogger/REFUSED", refusal });
      gate.unsure(refusal, false);
      over(refusal.key);
    },
    blocked,
  });

  const feed = createFeed((listener) => createStream(options, transport, listener), client, make, {
    changed: (bucket, nodes, all) => gate.pass(bucket, () => {
      tell({ type: "setlogger/CHANGED", bucket, nodes, ...(all && { all }) });
      if (slice()) memory.changed(bucket);
      for (const key of [...timers.keys()]) if (!isPending(key)) over(key);
    }),
    up: connect, down: connect, blocked,
  });

  function used(bucket: string): void {
    if (options.auto !== false || feed.follows(bucket)) follow(bucket);
  }

  /** What is kept of a bucket shows before what comes. */
  async function follow(bucket: string): Promise<void> {
    if (feed.follows(bucket)) return feed.follow(bucket);
    const recalling = { bucket, key: "" };
    gate.unsure(recalling, true);
    feed.follow(bucket);
    const nodes = await outbox.loaded.then(() => memory.recall(bucket));
    if (nodes.length) tell({ type: "setlogger/CHANGED", bucket, nodes });
    gate.unsure(recalling, false);
  }

  const isPending = (key: string) => Object.values(slice()?.buckets ?? {}).some(({ pending }) => pending.some((edit) => edit.key === key));

  /** Waits until the confirmed values hold an edit that the daemon has; where the stream does not bring them, asks. */
  function settle(bucket: string, key: string, ids: readonly string[]): void {
    if (closed || !isPending(key)) return over(key);
    const ask = async () => {
      try {
        const nodes = await Promise.all(ids.map((id) => readNode(bucket, id)));
        gate.pass(bucket, () => {
          tell({ type: "setlogger/CHANGED", bucket, nodes, settles: key });
          over(key);
        });
      } catch {
        timers.set(key, setTimeout(ask, 10 * patience));
      }
    };
    timers.set(key, setTimeout(ask, feed.follows(bucket) ? patience : 0));
  }

  const readNode = (bucket: string, id: string): Promise<Told> =>
    client.node(bucket, id).catch((error: unknown) => {
      if (error instanceof SetLoggerError && error.status === 404) return { id, deleted: true };
      throw error;
    });

  function over(key: string): void {
    clearTimeout(timers.get(key));
    timers.delete(key);
    open.delete(key);
    if (open.size) return;
    for (const done of waiters.splice(0)) done();
  }

  async function load(bucket: string, page: string, { query, anew }: AskAction & { type: "setlogger/LOAD_MORE" }): Promise<void> {
    const state = slice();
    const cursor = anew || !state ? undefined : bucketIn(state, bucket).pages[page]?.next;
    const name = JSON.stringify([bucket, page]);
    if (loading.has(name)) return;
    loading.add(name);
    try {
      const { nodes, next } = cursor === null ? { nodes: [], next: cursor } : await client.nodes(bucket, { ...query, ...(cursor && { cursor }) });
      gate.pass(bucket, () => {
        tell({ type: "setlogger/CHANGED", bucket, nodes });
        tell({ type: "setlogger/PAGE", bucket, page, ids: nodes.map(({ id }) => id), next, anew });
      });
    } catch (error) {
      tell({ type: "setlogger/PAGE_FAILED", bucket, page, error: troubleOf(error) });
    }
    loading.delete(name);
  }

  for (const path of options.follow ?? []) {
    const target = targetOf(routes, path);
    if (target) void follow(target.bucket);
  }

  return {
    /** Takes an edit before it is reduced; `take` or `forget` says what came of that. */
    edit(queued: Queued) {
      open.add(queued.key);
      outbox.put(queued);
      used(queued.bucket);
    },
    ask(bucket: string, key: string, action: AskAction) {
      if (action.type === "setlogger/UNFOLLOW") return feed.unfollow(bucket);
      if (action.type === "setlogger/FOLLOW") return void follow(bucket);
      used(bucket);
      if (action.type === "setlogger/LOAD_MORE") void load(bucket, key, action);
    },
    isPending,
    slice,
    idle: () => new Promise<void>((resolve) => (open.size ? waiters.push(resolve) : resolve())),
    close() {
      closed = true;
      outbox.close();
      feed.close();
      memory.close();
      timers.forEach(clearTimeout);
      waiters.splice(0).forEach((done) => done());
    },
  };
}

const defaultStorage = (name: string): EditStorage => (globalThis.indexedDB ? indexedStorage(name) : memoryStorage());
