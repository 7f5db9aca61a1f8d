import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import type { TestContext } from "node:test";

/** A static file server that counts what it sends. */
export interface FileServer {
  readonly url: string;
  /** since they were taken last */
  readonly sent: { requests: number; bytes: number; paths: string[] };
  take(): { requests: number; bytes: number; paths: string[] };
}

/** Serves a folder on loopback with ETags, until the test ends. */
export async function serve(t: TestContext, folder: string): Promise<FileServer> {
  let sent = { requests: 0, bytes: 0, paths: [] as string[] };
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, "http://localhost").pathname));
    sent.requests++;
    sent.paths.push(path);
    readFile(join(folder, path)).then((data) => {
      const etag = `"${createHash("sha256").update(data).digest("hex").slice(0, 32)}"`;
      const isSame = request.headers["if-none-match"] === etag;
      if (!isSame) sent.bytes += data.length;
      response.writeHead(isSame ? 304 : 200, { ETag: etag }).end(isSame ? undefined : data);
    }, () => response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  }));
  const take = (): typeof sent => {
    const taken = sent;
    sent = { requests: 0, bytes: 0, paths: [] };
    return taken;
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, get sent() { return sent; }, take };
}
