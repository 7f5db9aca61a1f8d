import type { CoreCalls } from "../client/core.js";
import { SetLoggerError } from "../client/error.js";
import type { StreamEvent, Told } from "../client/messages.js";
import type { Stream, StreamListener } from "../client/stream.js";
import { troubleOf } from "./lanes.js";
import type { Trouble } from "./state.js";

/** Is told what the daemon's stream says. `all`: these nodes are all that there are. */
export interface FeedListener {
  changed(bucket: string, nodes: readonly Told[], all: boolean): void;
  /** There is a connection, or none and why; told again at each attempt. */
  connected(error?: Trouble): void;
  blocked(bucket: string, error: Trouble | null): void;
}

/** Follows buckets, up to 64. */
export interface Feed {
  /** Again takes up one that the daemon ended. */
  follow(bucket: string): void;
  unfollow(bucket: string): void;
  follows(bucket: string): boolean;
  close(): void;
}

/** Makes a feed. What a bucket's stream tells is handed on when it is whole: an entry's nodes change together. */
export function createFeed(
  open: (listener: StreamListener) => Stream, client: Pick<CoreCalls, "makeBucket">, make: boolean, listener: FeedListener,
): Feed {
  const followed = new Set<string>();
  const ended = new Set<string>();
  const parts: Parts = new Map();

  const stream = open({
    event(event) {
      if (event.type === "end") void end(event.bucket, new SetLoggerError(event.error?.status ?? 500, event.error ?? {}));
      else gather(parts, event, listener);
    },
    up() {
      parts.clear();
      listener.connected();
      for (const bucket of ended) subscribe(bucket);
    },
    down: (error) => listener.connected(troubleOf(error)),
  });

  async function end(bucket: string, error: SetLoggerError): Promise<void> {
    ended.add(bucket);
    try {
      if (error.status !== 404 || !make) throw error;
      await client.makeBucket({ name: bucket });
      subscribe(bucket);
    } catch (failure) {
      listener.blocked(bucket, troubleOf(failure));
    }
  }

  function subscribe(bucket: string): void {
    if (ended.delete(bucket)) listener.blocked(bucket, null);
    if (followed.has(bucket)) stream.subscribe(bucket);
  }

  return {
    follow(bucket) {
      if (ended.has(bucket)) return subscribe(bucket);
      if (followed.has(bucket) || followed.size >= 64) return;
      followed.add(bucket);
      subscribe(bucket);
    },
    unfollow(bucket) {
      followed.delete(bucket);
      stream.unsubscribe(bucket);
    },
    follows: (bucket) => followed.has(bucket),
    close: () => stream.close(),
  };
}

/** Of each bucket, what its stream told that is not whole yet. */
type Parts = Map<string, { readonly nodes: Told[]; readonly all: boolean }>;

/** Takes in what a stream tells of a bucket, and hands it on when it is whole. */
function gather(parts: Parts, event: Exclude<StreamEvent, { type: "end" }>, listener: Pick<FeedListener, "changed">): void {
  const { bucket, type } = event;
  const part = parts.get(bucket) ?? { nodes: [], all: false };
  if (type === "ready") {
    parts.delete(bucket);
    if (part.all || part.nodes.length) listener.changed(bucket, part.nodes, part.all);
  } else if (type === "reset") parts.set(bucket, { nodes: [], all: true });
  else {
    part.nodes.push(...event.nodes);
    parts.set(bucket, part);
  }
}
