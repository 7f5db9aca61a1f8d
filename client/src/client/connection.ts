import type { Transport, WebSocketConstructor } from "./call.js";
import { inBucket } from "./core.js";
import { asError, type SetLoggerError } from "./error.js";
import type { StreamEvent } from "./messages.js";

/** One open connection; `ended` settles when it is gone, by true when another is to follow at once, and rejects when the daemon refused. */
export interface Connection {
  tell(message: object): void;
  close(): void;
  /** It came about, whether or not it is gone by now. */
  readonly opened: boolean;
  readonly ended: Promise<boolean>;
}

/** What a connection is told, and tells. */
export interface Listening {
  /** What is subscribed to, with the place to go on from. */
  readonly places: ReadonlyMap<string, string | undefined>;
  open(): void;
  take(event: StreamEvent): void;
}

/** Finds out why no connection comes about: a browser does not tell, and one bucket refused is all of an event stream refused. */
export async function diagnose(transport: Transport, on: Listening): Promise<SetLoggerError | undefined> {
  for (const bucket of [...on.places.keys()]) {
    try {
      await transport.get({ path: inBucket(bucket), once: true });
    } catch (failure) {
      const error = asError(failure);
      if (error.status !== 404 && error.status !== 403) return error;
      on.take({ bucket, type: "end", error: { status: error.status, detail: error.message, hint: error.hint } });
    }
  }
  return undefined;
}

/** Connects a WebSocket. */
export function openSocket(Socket: WebSocketConstructor, transport: Transport, on: Listening): Connection {
  const token = transport.token();
  const socket = new Socket(`${transport.url.replace(/^http/, "ws")}/v1/stream`, ["setlogger.v1", ...(token ? [`bearer.${token}`] : [])]);
  const tell = (message: object) => {
    if (connection.opened) socket.send(JSON.stringify(message));
  };
  socket.addEventListener("open", () => {
    connection.opened = true;
    for (const [bucket, after] of on.places) tell({ subscribe: bucket, ...(after && { after }) });
    on.open();
  });
  socket.addEventListener("message", (event: { data: string }) => on.take(JSON.parse(event.data) as StreamEvent));
  socket.addEventListener("error", () => undefined);
  const ended = new Promise<boolean>((resolve) => socket.addEventListener("close", () => resolve(false)));
  const connection = { tell, close: () => socket.close(), opened: false, ended };
  return connection;
}
