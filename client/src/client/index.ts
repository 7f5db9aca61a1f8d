/** Typed client of a SetLogger daemon, for browsers and Node. */
export { createClient, type AppendOptions, type Client } from "./client.js";
export type { ClientOptions, WebSocketConstructor } from "./call.js";
export { SetLoggerError, type ErrorName } from "./error.js";
export { pair, type PairOptions } from "./pair.js";
export type { Stream, StreamListener } from "./stream.js";
export type * from "./messages.js";
