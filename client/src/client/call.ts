import { refusalOf, SetLoggerError, unreachable } from "./error.js";

/** How a daemon is reached. The zero value is the daemon of this machine, without a token. */
export interface ClientOptions {
  /** Address of the daemon: `http://127.0.0.1:7373` unless given. */
  readonly url?: string;
  /** The owner's token, or an app's; a function is asked before each call. */
  readonly token?: string | (() => string | undefined);
  /** In place of the global one. */
  readonly fetch?: typeof fetch;
  /** In place of the global one; null: event streams over fetch instead, not in bundles for browsers. */
  readonly WebSocket?: WebSocketConstructor | null;
  /** How often a call that is safe to make twice is made again; 8 unless given, some ten seconds in all. */
  readonly retries?: number;
}

/** What is asked of a WebSocket: browsers' own, and that of the package `ws`. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => {
  send(text: string): void;
  close(code?: number): void;
  addEventListener(type: "open" | "message" | "close" | "error", listener: (event: any) => void): void;
};

/** One call of the API. `once`: it is not safe to make twice. */
export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly query?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The body is a text of JSON lines. */
  readonly lines?: boolean;
  readonly once?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Makes calls: `send` answers the response once it is a success, `get` its JSON. Both throw a SetLoggerError. */
export interface Transport {
  send(call: Call): Promise<Response>;
  get<T>(call: Call): Promise<T>;
  readonly url: string;
  token(): string | undefined;
}

/** Makes a call, again where that helps. `answered`: something answered once. */
export type Repeat = <T>(call: Call, attempt: () => Promise<T>, answered: () => boolean) => Promise<T>;

/** Makes the transport of the options; calls are made once unless `repeat` is given. */
export function createTransport(options: ClientOptions, repeat: Repeat = (_, attempt) => attempt()): Transport {
  const url = (options.url ?? "http://127.0.0.1:7373").replace(/\/+$/, "");
  const given = options.token;
  const token = () => (typeof given === "function" ? given() : given);
  const request = options.fetch ?? ((...a: Parameters<typeof fetch>) => fetch(...a));
  let answered = false;

  /** Makes a call once, and reads all of the answer that `take` takes. */
  async function attempt<T>(call: Call, take: (response: Response) => T | Promise<T>): Promise<T> {
    try {
      const response = await request(url + call.path + queryOf(call.query), initOf(call, token()));
      answered = true;
      if (!response.ok && response.status !== 304) throw await refusalOf(response);
      return await take(response);
    } catch (error) {
      if (error instanceof SetLoggerError || call.signal?.aborted) throw error;
      throw unreachable(error);
    }
  }

  const make = <T>(call: Call, take: (response: Response) => T | Promise<T>) => repeat(call, () => attempt(call, take), () => answered);

  return {
    url, token,
    send: (call) => make(call, (response) => response),
    get: <T>(call: Call) => make(call, async (response) => (response.status === 204 ? undefined : await response.json()) as T),
  };
}

/** Writes a query; members that are undefined are left out, arrays are given again and again. */
export function queryOf(query: object = {}): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) out.append(name, String(one));
  }
  const text = out.toString();
  return text && `?${text}`;
}

function initOf(call: Call, token: string | undefined): RequestInit {
  const headers: Record<string, string> = { ...call.headers };
  if (token) headers["Authorization"] = `Bearer ${token}`;
  const init: RequestInit = { method: call.method ?? "GET", headers, redirect: "error", cache: "no-store" };
  if (call.signal) init.signal = call.signal;
  if (call.body !== undefined) {
    headers["Content-Type"] = `application/${call.lines ? "x-nd" : ""}json`;
    init.body = call.lines ? (call.body as string) : JSON.stringify(call.body);
  }
  return init;
}
