import type { Confirmation, Queued, Refusal } from "./state.js";

/** What tabs tell each other of edits. */
export type TabMessage =
  | { readonly queued: Queued }
  | { readonly done: Confirmation }
  | { readonly refused: Refusal };

/** The tabs that share one queue: all hear each other, and one at a time leads. */
export interface Tabs {
  tell(message: TabMessage): void;
  close(): void;
}

/** Joins the tabs of a name. `lead` is called once, when this tab is the one that sends; without Web Locks, as in Node, at once. */
export function joinTabs(name: string, on: { hear(message: TabMessage): void; lead(): void }): Tabs {
  const locks = globalThis.navigator?.locks;
  if (!locks) {
    on.lead();
    return { tell() {}, close() {} };
  }
  const channel = new BroadcastChannel(name);
  const closing = new AbortController();
  const { signal } = closing;
  channel.onmessage = (event: MessageEvent) => on.hear(event.data as TabMessage);
  locks.request(name, { signal }, () => new Promise<void>((release) => {
    signal.addEventListener("abort", () => release());
    on.lead();
  })).catch(() => undefined);
  return {
    tell: (message) => channel.postMessage(message),
    close() {
      closing.abort();
      channel.close();
    },
  };
}
