import { createTransport, type ClientOptions, type Transport } from "../client/call.js";
import { coreCalls } from "../client/core.js";
import { createStream } from "../client/stream.js";
import type { AskAction } from "./asks.js";
import type { Path } from "./actions.js";
import { createEdits, type Edits } from "./edits.js";
import { createFeed } from "./feed.js";
import { createGate } from "./gate.js";
import { createLoad } from "./loading.js";
import { createMemory } from "./memory.js";
import { createOutbox, type OutboxListener } from "./outbox.js";
import { targetOf, type Routes } from "./routes.js";
import type { EngineSide } from "./side.js";
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

/** The side of the enhancer that talks: edits go out, and what comes back is dispatched. */
export function createEngine(options: SetLoggerOptions, routes: Routes, store: StoreSide) {
  const transport = createTransport(options);
  const closing = new AbortController();
  const side = createSide(options, transport, store, closing.signal);
  const { client, gate, tell, slice } = side;
  const { name = `setlogger ${options.url ?? ""}`, storage = defaultStorage(name), make = true, auto = true } = options;
  const load = createLoad(side);
  const edits = createEdits(side, (bucket) => feed.follows(bucket));
  const memory = createMemory(storage, (bucket) => bucketIn(slice()!, bucket).confirmed);
  const blocked = (bucket: string, error: Trouble | null) => tell({ type: "setlogger/BLOCKED", bucket, error });
  const outbox = createOutbox({ name, client, make, storage }, { ...fates(side, edits, used), blocked });
  const feed = createFeed((listener) => createStream(options, transport, listener), client, make, {
    changed: (bucket, nodes, all) => gate.pass(bucket, () => {
      tell({ type: "setlogger/CHANGED", bucket, nodes, ...(all && { all }) });
      if (slice()) memory.changed(bucket);
      edits.sweep();
    }),
    connected: createConnect(tell, outbox.wake), blocked,
  });

  function used(bucket: string): void {
    if (auto || feed.follows(bucket)) void follow(bucket);
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

  for (const path of options.follow ?? []) {
    const target = targetOf(routes, path);
    if (target) void follow(target.bucket);
  }

  return {
    /** Takes an edit that was reduced. */
    edit(queued: Queued) {
      edits.add(queued.key);
      outbox.put(queued);
      used(queued.bucket);
    },
    ask(bucket: string, key: string, action: AskAction) {
      if (action.type === "setlogger/UNFOLLOW") return feed.unfollow(bucket);
      if (action.type === "setlogger/FOLLOW") return void follow(bucket);
      used(bucket);
      if (action.type === "setlogger/LOAD_MORE") void load(bucket, key, action);
    },
    slice, isPending: side.isPending, idle: edits.idle,
    close() {
      closing.abort();
      for (const part of [outbox, feed, memory, edits]) part.close();
    },
  };
}

/** Makes what the parts share. */
function createSide(options: SetLoggerOptions, transport: Transport, store: StoreSide, signal: AbortSignal): EngineSide {
  const slice = () => (options.select ?? sliceIn)(store.getState());
  return {
    client: coreCalls(transport),
    gate: createGate(),
    slice, signal,
    isPending: (key) => Object.values(slice()?.buckets ?? {}).some(({ pending }) => pending.some((edit) => edit.key === key)),
    /** What a listener of the app throws is the app's, and stops nothing here. */
    tell(action) {
      if (signal.aborted) return;
      try {
        store.dispatch(action);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    },
  };
}

/** Tells the store how the edits in the outbox fare. `used`: a bucket has edits of this store. */
function fates({ gate, tell }: EngineSide, edits: Edits, used: (bucket: string) => void): Omit<OutboxListener, "blocked"> {
  return {
    queued(queued) {
      tell({ type: "setlogger/QUEUED", queued });
      for (const one of queued) used(one.bucket);
    },
    unsure: gate.unsure,
    done(edit) {
      tell({ type: "setlogger/CONFIRMED", ...edit });
      gate.unsure(edit, false);
      used(edit.bucket);
      edits.settle(edit);
    },
    refused(refusal) {
      tell({ type: "setlogger/REFUSED", refusal });
      gate.unsure(refusal, false);
      edits.over(refusal.key);
    },
  };
}

/** Makes what tells the store, at each change, whether there is a connection, or the trouble for which there is none. */
function createConnect(tell: EngineSide["tell"], wake: () => void): (error?: Trouble) => void {
  let connected: boolean | undefined;
  return (error) => {
    if (!error) wake();
    if (connected === !error) return;
    connected = !error;
    tell(error ? { type: "setlogger/DISCONNECTED", error } : { type: "setlogger/CONNECTED" });
  };
}

const defaultStorage = (name: string): EditStorage => (globalThis.indexedDB ? indexedStorage(name) : memoryStorage());
