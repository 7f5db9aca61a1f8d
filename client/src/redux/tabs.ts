import type { Queued, Refusal } from "./state.js";

/** What tabs tell each other of edits. */
export type TabMessage =
  | { readonly queued: Queued }
  | { readonly done: { readonly bucket: string; readonly key: string; readonly revs: Readonly<Record<string, string>> } }
  | { readonly refused: Refusal };

/** What is asked of the Web Locks of a browser, `navigator.locks`. */
export interface Locks {
  request(name: string, options: { signal: AbortSignal }, held: () => Promise<unknown>): Promise<unknown>;
}

/** The tabs that share one queue: all hear each other, and one at a time leads. */
export interface Tabs {
  tell(message: TabMessage): void;
  close(): void;
}

/** What tabs are given in place of the browser's own. */
export interface TabOptions {
  readonly locks?: Locks | undefined;
  readonly channel?: ((name: string) => BroadcastChannel) | undefined;
}

/** Joins the tabs of a name. `lead` is called once, when this tab is the one that sends; without locks, at once. */
export function joinTabs(name: string, options: TabOptions, on: { hear(message: TabMessage): void; lead(): void }): Tabs {
  const locks = options.locks ?? (globalThis.navigator as { locks?: Locks } | undefined)?.locks;
  const open = options.channel ?? (globalThis.BroadcastChannel && ((channel: string) => new BroadcastChannel(channel)));
  const channel = locks && open?.(name);
  const closing = new AbortController();
  let release: (() => void) | undefined;
  if (channel) channel.onmessage = (event: MessageEvent) => on.hear(event.data as TabMessage);
  const hold = () => new Promise<void>((resolve) => {
    release = resolve;
    on.lead();
  });
  if (locks) locks.request(name, { signal: closing.signal }, hold).catch(() => undefined);
  else on.lead();
  return {
    tell: (message) => channel?.postMessage(message),
    close() {
      closing.abort();
      release?.();
      channel?.close();
    },
  };
}
