import { queryOf, type Transport } from "./call.js";
import type { StreamEvent } from "./messages.js";
import type { Connection, Listening } from "./connection.js";

/** Connects an event stream. It names its buckets at its beginning, so another set takes another connection. */
export function openEvents(transport: Transport, on: Listening): Connection {
  const ending = new AbortController();
  let renewed = false;
  const read = async () => {
    const places = [...on.places].filter((pair): pair is [string, string] => !!pair[1]);
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (places.length) headers["Last-Event-ID"] = new URLSearchParams(places).toString();
    const path = `/v1/stream${queryOf({ bucket: [...on.places.keys()] })}`;
    const response = await transport.get({ path, headers, once: true, signal: ending.signal }, (response) => response);
    connection.opened = true;
    on.open();
    for await (const data of readEvents(response)) on.take(JSON.parse(data) as StreamEvent);
  };
  const ended = read().then(() => false, (error: unknown) => {
    if (!ending.signal.aborted) throw error;
    return renewed;
  });
  const renew = () => {
    renewed = true;
    ending.abort();
  };
  const connection = { tell: renew, close: () => ending.abort(), opened: false, ended };
  return connection;
}

/** Yields the data of each event of an event stream, until it ends. */
export async function* readEvents(response: Response): AsyncGenerator<string, void, undefined> {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let text = "";
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += part.value;
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = block.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
        if (data.length) yield data.join("\n");
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
