// Builds the page and serves it on loopback, with the files of a share beside it: npm run feed -- SHARE_FOLDER [PORT]
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { build } from "esbuild";

const [share, port = "8080"] = process.argv.slice(2);
if (!share) throw new Error("which folder is the share? npm run feed -- SHARE_FOLDER [PORT]");
const folder = new URL(".", import.meta.url).pathname;
const { outputFiles } = await build({ entryPoints: [`${folder}app.ts`], bundle: true, format: "esm", minify: true, write: false });
const types = { html: "text/html; charset=utf-8", js: "text/javascript", json: "application/json", gz: "application/gzip" };

/** The file at a path; what a share holds stands under /share/. */
async function file(path) {
  if (path === "/app.js") return outputFiles[0].contents;
  return readFile(path.startsWith("/share/") ? join(share, path.slice(7)) : join(folder, path === "/" ? "index.html" : "none"));
}

/** As any static host does it: an ETag for what may change, and what never changes may be kept. */
function headers(path, data) {
  const isFixed = /^\/share\/(?:index|chunk|log|past)\//.test(path);
  return {
    "Content-Type": types[path.split(".").pop()] ?? types.html, ETag: `"${createHash("sha256").update(data).digest("hex").slice(0, 32)}"`,
    "Cache-Control": isFixed ? "public, max-age=31536000, immutable" : "no-cache",
  };
}

const server = createServer(async (request, answer) => {
  try {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    const data = await file(path);
    const head = headers(path, data);
    const isSame = request.headers["if-none-match"] === head.ETag;
    answer.writeHead(isSame ? 304 : 200, head).end(isSame ? undefined : data);
  } catch {
    answer.writeHead(404).end();
  }
});
server.listen(Number(port), "127.0.0.1", () => console.log(`Feed: http://127.0.0.1:${server.address().port}/`));
