import { backoff } from "./backoff.js";
import type { ClientOptions, Transport, WebSocketConstructor } from "./call.js";
import { diagnose, openSocket, type Connection, type Listening } from "./connection.js";
import { asError, type SetLoggerError } from "./error.js";
import { openEvents } from "#events";
import type { StreamEvent } from "./messages.js";

/** Is told of what happens. `down` says why there is no connection; it is taken up again by itself. */
export interface StreamListener {
  event(event: StreamEvent): void;
  up?(): void;
  down?(error: SetLoggerError): void;
}

/** A connection that tells of many buckets, up to 64. */
export interface Stream {
  /** All nodes of a bucket first, or what changed since a `place`, then each change. */
  subscribe(bucket: string, after?: string): void;
  unsubscribe(bucket: string): void;
  close(): void;
}

/** Makes the stream; it connects when the first bucket is subscribed to, and goes on from its places after a break. */
export function createStream(options: ClientOptions, transport: Transport, listener: StreamListener): Stream {
  const { WebSocket: socket = globalThis.WebSocket as WebSocketConstructor | undefined } = options;
  const places = new Map<string, string | undefined>();
  const pauses = backoff(100, 5000);
  const closing = new AbortController();
  let connection: Connection | undefined;
  let running = false;

  const on: Listening = {
    places,
    open: () => listener.up?.(),
    take(event) {
      pauses.reset();
      if (!places.has(event.bucket)) return;
      if (event.type === "end" && passesLater(event.error?.status ?? 0)) return connection?.close();
      if (event.type === "ready") places.set(event.bucket, event.place);
      if (event.type === "end") places.delete(event.bucket);
      listener.event(event);
    },
  };

  async function run(): Promise<void> {
    const goes = () => places.size && !closing.signal.aborted;
    running = true;
    while (goes()) {
      let reason = asError(undefined);
      try {
        connection = socket ? openSocket(socket, transport, on) : openEvents(transport, on);
        if (await connection.ended) continue;
      } catch (error) {
        reason = asError(error);
      }
      const opened = connection?.opened;
      connection = undefined;
      if (goes() && !opened) reason = (await diagnose(transport, on)) ?? reason;
      if (!goes()) break;
      listener.down?.(reason);
      await pauses.rest(closing.signal);
    }
    running = false;
  }

  return {
    subscribe(bucket, after) {
      if (places.has(bucket)) return;
      places.set(bucket, after);
      connection?.tell({ subscribe: bucket, ...(after && { after }) });
      if (!running) void run();
    },
    unsubscribe(bucket) {
      if (!places.delete(bucket)) return;
      connection?.tell({ unsubscribe: bucket });
      if (!places.size) connection?.close();
    },
    close() {
      closing.abort();
      connection?.close();
    },
  };
}

const passesLater = (status: number) => status >= 500 || status === 429;
