import type { Node } from "../client/messages.js";
import type { Queued } from "./state.js";

/**
 * Keeps the edits that are not yet sent, over reloads and restarts. `add` settles once the edit is kept; `load` answers those that
 * were added and not removed, in the order they were added by any tab. To remove what is not there is no error.
 */
export interface EditStorage {
  load(): Promise<readonly Queued[]>;
  add(queued: Queued): Promise<unknown>;
  remove(key: string): Promise<unknown>;
  /** Keeps nodes of a bucket as the daemon told them last, in place of those kept before: for a start without a daemon. */
  keep?(bucket: string, nodes: readonly Node[]): Promise<unknown>;
  /** Answers them. */
  recall?(bucket: string): Promise<readonly Node[] | undefined>;
}

/** Keeps edits for as long as the program runs. */
export function memoryStorage(): EditStorage {
  const all = new Map<string, Queued>();
  return {
    load: async () => [...all.values()],
    add: async (queued) => void all.set(queued.key, queued),
    remove: async (key) => void all.delete(key),
  };
}

/** Keeps edits, and nodes, in an IndexedDB of the given name. */
export function indexedStorage(name: string, factory: IDBFactory = indexedDB): EditStorage {
  let opened: Promise<IDBDatabase> | undefined;
  const open = () => (opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = factory.open(name, 2);
    request.onupgradeneeded = ({ oldVersion }) => {
      const { result } = request;
      if (!oldVersion) result.createObjectStore("edits", { autoIncrement: true }).createIndex("key", "key");
      result.createObjectStore("nodes");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  }).catch((error: unknown) => {
    opened = undefined;
    throw error;
  }));

  /** Runs in one transaction, and settles when it is committed. */
  async function within<T>(store: "edits" | "nodes", mode: IDBTransactionMode, work: (all: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const transaction = (await open()).transaction(store, mode, { durability: store === "edits" ? "strict" : "relaxed" });
    return new Promise((resolve, reject) => {
      const request = work(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  }

  return {
    load: () => within<Queued[]>("edits", "readonly", (edits) => edits.getAll()),
    add: (queued) => within("edits", "readwrite", (edits) => edits.add(queued)),
    remove: (key) => within<IDBValidKey | undefined>("edits", "readwrite", (edits) => {
      const request = edits.index("key").getKey(key);
      request.onsuccess = () => request.result !== undefined && edits.delete(request.result);
      return request;
    }),
    keep: (bucket, nodes) => within("nodes", "readwrite", (all) => all.put(nodes, bucket)),
    recall: (bucket) => within("nodes", "readonly", (all) => all.get(bucket)),
  };
}
