import type { Node } from "../client/messages.js";
import type { BucketState } from "./state.js";
import type { EditStorage } from "./storage.js";

/** How many nodes of a bucket are kept at most. */
const most = 2000;

/** How long changes are gathered before nodes are kept, in milliseconds. */
const pause = 1000;

/** Keeps what the daemon told of buckets, for a start without one. */
export interface Memory {
  /** Answers what is kept of a bucket. What fails is as if nothing were. */
  recall(bucket: string): Promise<readonly Node[]>;
  /** Something changed in a bucket: it is kept before long. */
  changed(bucket: string): void;
  close(): void;
}

/** Makes a memory in a storage. */
export function createMemory(storage: EditStorage, confirmed: (bucket: string) => BucketState["confirmed"]): Memory {
  const due = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function keep(): void {
    clearTimeout(timer);
    timer = undefined;
    for (const bucket of due) storage.keep?.(bucket, first(confirmed(bucket))).catch(() => undefined);
    due.clear();
  }

  globalThis.addEventListener?.("pagehide", keep);
  return {
    recall: async (bucket) => (await storage.recall?.(bucket).catch(() => undefined)) ?? [],
    changed(bucket) {
      if (!storage.keep) return;
      due.add(bucket);
      timer ??= setTimeout(keep, pause);
    },
    close() {
      clearTimeout(timer);
      due.clear();
    },
  };
}

const first = (confirmed: BucketState["confirmed"]): Node[] =>
  Object.values(confirmed).flatMap((part) => Object.entries(part).map(([id, node]) => ({ id, ...node }))).slice(0, most);
