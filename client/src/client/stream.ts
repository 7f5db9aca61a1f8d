import { backoff } from "./backoff.js";
import type { ClientOptions, Transport, WebSocketConstructor } from "./call.js";
import { inBucket } from "./core.js";
import { SetLoggerError, unreachable } from "./error.js";
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

/** One open connection; `ended` settles when it is gone, by true when another is to follow at once, and rejects when the daemon refused. */
export interface Connection {
  tell(message: object): void;
  close(): void;
  readonly ended: Promise<boolean>;
}

/** What a connection is told, and tells. */
export interface Listening {
  /** What is subscribed to, with the place to go on from. */
  readonly places: ReadonlyMap<string, string | undefined>;
  open(): void;
  take(event: StreamEvent): void;
}

/** Makes the stream; it connects when the first bucket is subscribed to, and goes on from its places after a break. */
export function createStream(options: ClientOptions, transport: Transport, listener: StreamListener): Stream {
  const socket = options.WebSocket === undefined ? (globalThis.WebSocket as WebSocketConstructor | undefined) : options.WebSocket;
  const places = new Map<string, string | undefined>();
  const pauses = backoff(100, 5000);
  const closing = new AbortController();
  let connection: Connection | undefined;
  let running = false;
  let opened = false;

  const listening: Listening = {
    places,
    open() {
      opened = true;
      listener.up?.();
    },
    take(event) {
      pauses.reset();
      if (!places.has(event.bucket)) return;
      if (event.type === "ready") places.set(event.bucket, event.place);
      if (event.type === "end") {
        if (passesLater(event.error?.status ?? 0)) return connection?.close();
        places.delete(event.bucket);
      }
      listener.event(event);
    },
  };

  async function run(): Promise<void> {
    const goes = () => places.size && !closing.signal.aborted;
    while (goes()) {
      let reason = unreachable(undefined);
      opened = false;
      try {
        connection = socket ? openSocket(socket, transport, listening) : openEvents(transport, listening);
        if (await connection.ended) continue;
      } catch (error) {
        reason = told(error);
      }
      connection = undefined;
      if (goes() && !opened) reason = (await diagnose()) ?? reason;
      if (!goes()) break;
      listener.down?.(reason);
      await pauses.rest(closing.signal);
    }
    running = false;
  }

  /** Finds out why no connection comes about: a browser does not tell, and one bucket refused is all of an event stream refused. */
  async function diagnose(): Promise<SetLoggerError | undefined> {
    for (const bucket of [...places.keys()]) {
      try {
        await transport.get({ path: inBucket(bucket), once: true });
      } catch (failure) {
        const error = told(failure);
        if (error.status !== 404 && error.status !== 403) return error;
        listening.take({ bucket, type: "end", error: { status: error.status, detail: error.message, hint: error.hint } });
      }
    }
    return undefined;
  }

  return {
    subscribe(bucket, after) {
      if (places.has(bucket)) return;
      places.set(bucket, after);
      connection?.tell({ subscribe: bucket, ...(after && { after }) });
      if (!running) {
        running = true;
        void run();
      }
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
const told = (error: unknown) => (error instanceof SetLoggerError ? error : unreachable(error));

/** Connects a WebSocket. */
function openSocket(Socket: WebSocketConstructor, transport: Transport, on: Listening): Connection {
  const token = transport.token();
  const socket = new Socket(`${transport.url.replace(/^http/, "ws")}/v1/stream`, ["setlogger.v1", ...(token ? [`bearer.${token}`] : [])]);
  let opened = false;
  const tell = (message: object) => {
    if (opened) socket.send(JSON.stringify(message));
  };
  socket.addEventListener("open", () => {
    opened = true;
    for (const [bucket, after] of on.places) tell({ subscribe: bucket, ...(after && { after }) });
    on.open();
  });
  socket.addEventListener("message", (event: { data: string }) => on.take(JSON.parse(event.data) as StreamEvent));
  socket.addEventListener("error", () => undefined);
  const ended = new Promise<boolean>((resolve) => socket.addEventListener("close", () => resolve(false)));
  return { ended, close: () => socket.close(), tell };
}
