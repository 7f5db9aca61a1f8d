import { asError, refusalOf } from "./error.js";

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
  readonly query?: object | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Plain data, which is sent as JSON; a text is sent as it is, with a Content-Type of its own. */
  readonly body?: unknown;
  readonly once?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Makes calls. */
export interface Transport {
  /** Answers what `take` makes of a success, its JSON unless given. Throws a SetLoggerError. */
  get<T>(call: Call, take?: (response: Response) => T | Promise<T>): Promise<T>;
  readonly url: string;
  token(): string | undefined;
}

/** Makes the transport of the options; each call is made once. `answered` is called when something answers. */
export function createTransport(options: ClientOptions, answered?: () => void): Transport {
  const url = (options.url ?? "http://127.0.0.1:7373").replace(/\/+$/, "");
  const given = options.token;
  const token = () => (typeof given === "function" ? given() : given);
  const request = options.fetch ?? ((...a: Parameters<typeof fetch>) => fetch(...a));

  return {
    url, token,
    async get(call, take = jsonOf) {
      try {
        const response = await request(url + call.path + queryOf(call.query), initOf(call, token()));
        answered?.();
        if (!response.ok) throw await refusalOf(response);
        return await take(response);
      } catch (error) {
        throw call.signal?.aborted ? error : asError(error);
      }
    },
  };
}

const jsonOf = async (response: Response) => (response.status === 204 ? undefined : await response.json());

/** Writes a query; members that are undefined are left out, arrays are given again and again. */
export function queryOf(query: object = {}): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== undefined) out.append(name, String(one));
  }
  const text = out.toString();
  return text && `?${text}`;
}

function initOf({ method = "GET", headers, body, signal }: Call, token: string | undefined): RequestInit {
  return {
    method, signal: signal ?? null, redirect: "error", cache: "no-store",
    headers: {
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  };
}
