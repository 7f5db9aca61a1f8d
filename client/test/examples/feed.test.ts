import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Page, Request } from "playwright-core";
import type { JsonObject } from "../../src/model/json.js";
import { exportedLine } from "../files/corpus.js";
import { needsBrowser, picture, startBrowser } from "../redux/browser.js";
import { Daemon } from "../static/daemon.js";
import { serveExample } from "./server.js";

const run = promisify(execFile);
const cities = fileURLToPath(new URL("../../../../testdata/cities/", import.meta.url));
const ROW = 72;

/** A daemon that publishes the cities, all in one index. */
async function publishCities(t: TestContext): Promise<Daemon> {
  if (!existsSync(join(cities, "node_modules"))) await run("npm", ["ci", "--ignore-scripts"], { cwd: cities });
  const { stdout } = await run(process.execPath, [join(cities, "cities.js")], { maxBuffer: 2 ** 30 });
  const daemon = await Daemon.start(t);
  const file = join(daemon.data, "cities.ndjson");
  await writeFile(file, stdout);
  await daemon.command("bucket", "create", "cities");
  await daemon.command("bucket", "publish", "cities");
  await daemon.command("import", "cities", file, "--id", "cityId");
  await daemon.command("compact", "cities");
  await daemon.published("cities");
  return daemon;
}

/** What the page fetches of the share. */
function watchShare(page: Page): { requests: number; bytes: Promise<number>[] } {
  const share = { requests: 0, bytes: [] as Promise<number>[] };
  page.on("requestfinished", (request: Request) => {
    if (!request.url().includes("/share/")) return;
    share.requests++;
    share.bytes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
  });
  return share;
}

/** The nodes that the page reads, by id; each comes once. */
async function watchNodes(page: Page): Promise<Map<string, JsonObject>> {
  const nodes = new Map<string, JsonObject>();
  await page.exposeFunction("took", (pairs: [string, JsonObject][]) => {
    for (const [id, value] of pairs) {
      assert.ok(!nodes.has(id), `${id} came twice`);
      nodes.set(id, value);
    }
  });
  await page.addInitScript(() => addEventListener("page", (event) => {
    const { took } = globalThis as unknown as { took(pairs: unknown): void };
    took((event as CustomEvent<{ id: string; value: object }[]>).detail.map(({ id, value }) => [id, value]));
  }));
  return nodes;
}

/** Scrolls down until the list has so many rows. */
const scroll = (page: Page, rows: number) => page.evaluate((height) => new Promise<void>((done) => {
  const list = document.querySelector<HTMLElement>("#list")!;
  const step = () => {
    scrollTo(0, list.offsetHeight);
    if (list.offsetHeight >= height) done();
    else requestAnimationFrame(step);
  };
  step();
}), rows * ROW);

/** Megabytes of the page's JavaScript heap, after its garbage is collected. */
async function heap(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = await session.send("Runtime.getHeapUsage") as { usedSize: number; backingStorageSize?: number };
  await session.detach();
  return Math.round((usedSize + backingStorageSize) / 1e5) / 10;
}

test("the feed shows all cities from static files, and holds what is near the screen", { ...needsBrowser, timeout: 540_000 }, async (t) => {
  const daemon = await publishCities(t);
  const url = await serveExample(t, "feed", daemon.share, "0");
  const page = await (await startBrowser(t)).newPage();
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  const share = watchShare(page);
  const nodes = await watchNodes(page);
  await page.goto(url);
  await page.waitForSelector("article .b");
  const first = await page.locator("article").first().getAttribute("data-id");
  t.diagnostic(`the newest ${nodes.size} nodes took ${share.requests} request`);
  await scroll(page, nodes.size + 100);
  const bytes = (await Promise.all(share.bytes)).reduce((sum, size) => sum + size, 0);
  t.diagnostic(`with the page after them, ${nodes.size} nodes took ${share.requests} requests and ${bytes} bytes`);
  assert.ok(share.requests <= 3 && bytes <= 300_000);
  await picture(page, "feed");

  const heaps: number[] = [];
  const total = (await daemon.command("export", "cities")).trimEnd().split("\n").length;
  for (let part = 1; part <= 8; part++) {
    await scroll(page, Math.floor(total * part / 8));
    heaps.push(await heap(page));
    t.diagnostic(`${nodes.size} nodes read: a heap of ${heaps.at(-1)} MB, ${await page.locator("article").count()} rows in the page`);
  }
  assert.ok(heaps.at(-1)! <= 1.15 * heaps[0]! + 3, "memory is flat");
  assert.ok(await page.locator("article").count() <= 60);
  const all = [...nodes].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.equal(all.map(([id, value]) => exportedLine(id, value)).join(""), await daemon.command("export", "cities"));

  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForFunction((id) => document.querySelector(`article[data-id="${id}"] .b`), first);
  await daemon.append("cities", [{ type: "CREATE_NODE", id: "new", properties: { name: "Newtown", country: "GB", population: 1, lat: 1, lon: 1 } }]);
  await daemon.published("cities");
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  await page.waitForSelector("article[data-id=new]");
  assert.deepEqual(said, []);
});

test("the command that serves the feed says what it wants", async () => {
  const { scripts } = JSON.parse(await readFile(fileURLToPath(new URL("../../../package.json", import.meta.url)), "utf8")) as { scripts: { feed: string } };
  const script = scripts.feed.split("node ").at(-1)!;
  await assert.rejects(run(process.execPath, [fileURLToPath(new URL(`../../../${script}`, import.meta.url))]), /which folder is the share/);
});
