import type { Queued } from "./state.js";

/**
 * Keeps the edits that are not yet sent, over reloads and restarts. `add` settles once the edit is kept; `load` answers those that
 * were added and not removed, in the order they were added by any tab. To remove what is not there is no error.
 */
export interface EditStorage {
  load(): Promise<readonly Queued[]>;
  add(queued: Queued): Promise<void>;
  remove(key: string): Promise<void>;
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

/** Keeps edits in an IndexedDB of the given name. */
export function indexedStorage(name: string, factory: IDBFactory = indexedDB): EditStorage {
  const store = "edits";
  let opened: Promise<IDBDatabase> | undefined;
  const open = () => (opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = factory.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(store, { autoIncrement: true }).createIndex("key", "key");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  }).catch((error: unknown) => {
    opened = undefined;
    throw error;
  }));

  /** Runs in one transaction, and settles when it is committed. */
  async function within<T>(mode: IDBTransactionMode, work: (edits: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const transaction = (await open()).transaction(store, mode, { durability: "strict" });
    return new Promise((resolve, reject) => {
      const request = work(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  }

  return {
    load: () => within<Queued[]>("readonly", (edits) => edits.getAll()),
    add: async (queued) => void (await within("readwrite", (edits) => edits.add(queued))),
    remove: async (key) => void (await within<IDBValidKey | undefined>("readwrite", (edits) => {
      const request = edits.index("key").getKey(key);
      request.onsuccess = () => request.result !== undefined && edits.delete(request.result);
      return request;
    })),
  };
}
