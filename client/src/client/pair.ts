import { backoff } from "./backoff.js";
import type { Client } from "./client.js";
import { passes, SetLoggerError } from "./error.js";
import type { AppAsked, AppRequest } from "./messages.js";

/** How the person is shown the code, and how the wait ends early. */
export interface PairOptions {
  /** Called once with the app that asks: show its `code`, which the person compares on the daemon's page. */
  readonly onCode: (asked: AppAsked & { readonly code: string }) => void;
  readonly signal?: AbortSignal;
}

/**
 * Asks for this app to be let in, and waits until a person has agreed. Answers the token, which is good until it is revoked: keep
 * it. Throws `Forbidden` when it is denied, `NotFound` when nobody answers within ten minutes.
 */
export async function pair(client: Pick<Client, "askApp" | "pollApp">, request: AppRequest, options: PairOptions): Promise<string> {
  const asked = await client.askApp(request);
  options.onCode({ ...asked, code: asked.code ?? "" });
  for (;;) {
    const token = await look(client, asked);
    if (token) return token;
    await backoff(1500, 1500).rest(options.signal);
    options.signal?.throwIfAborted();
  }
}

/** Answers the token, or nothing while the person has not decided or the daemon is away. */
async function look(client: Pick<Client, "pollApp">, asked: AppAsked): Promise<string | undefined> {
  try {
    const app = await client.pollApp(asked.id, asked.secret ?? "");
    if (app.state === "denied") throw new SetLoggerError(403, { detail: `${asked.name} was denied`, hint: "ask again when the person agrees" });
    return app.token;
  } catch (error) {
    if (passes(error)) return undefined;
    throw error;
  }
}
