// Tabs of a real browser that share a queue: IndexedDB, BroadcastChannel, Web Locks and WebSocket are its own.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { startDaemon, type Daemon } from "../client/daemon.js";
import { needsBrowser, startBrowser } from "./browser.js";
import type { Tab } from "./tabs.page.js";

declare const tab: Tab;

/** Serves the page on a port of its own; answers its origin. */
async function servePage(t: TestContext): Promise<string> {
  const page = new URL("./tabs.page.js", import.meta.url).pathname;
  const { outputFiles } = await build({ entryPoints: [page], bundle: true, format: "iife", write: false });
  const script = outputFiles[0]?.text ?? "";
  const server = createServer((request, answer) => {
    const isScript = request.url === "/page.js";
    answer.setHeader("Content-Type", isScript ? "text/javascript" : "text/html").end(isScript ? script : "<!doctype html><script src=/page.js></script>");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** Opens a browser whose tabs are let into the bucket. */
async function openBrowser(t: TestContext, daemon: Daemon) {
  const origin = await servePage(t);
  const { token } = await daemon.client.addApp({ name: "tabs", origin, scopes: ["todos:rw"] });
  const browser = await startBrowser(t);
  const sent: { tab: number; key: string }[] = [];
  let count = 0;
  async function open(): Promise<Page> {
    const page = await browser.newPage();
    const number = ++count;
    page.on("request", (request) => {
      const key = request.headers()["idempotency-key"];
      if (key && request.method() === "POST") sent.push({ tab: number, key });
    });
    await page.goto(`${origin}/#${new URLSearchParams({ url: daemon.url, token })}`);
    return page;
  }
  return { open, sent };
}

/** Settles when the tab looks as wanted; fails after 20 s, with how it looks. */
async function comes(page: Page, holds: (look: ReturnType<Tab["look"]>) => boolean): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((_, reject) => {
    timer = setTimeout(async () => reject(new Error(`${holds.toString()} not within 20 s: ${JSON.stringify(await page.evaluate(() => tab.look()))}`)), 20_000);
  });
  await Promise.race([page.evaluate((text) => tab.when(text), holds.toString()), late]).finally(() => clearTimeout(timer));
}

const counts = async ({ client }: Daemon) => (await client.log("todos", { limit: 1000 })).entries.filter((e) => e.entry.actions[0]?.type === "INCREMENT").length;

test("one tab sends for all, each edit once, and all show the same", needsBrowser, async (t) => {
  const daemon = await startDaemon(t);
  const { open, sent } = await openBrowser(t, daemon);
  const pages = [await open(), await open()] as const;
  await pages[0].evaluate(() => tab.create());
  for (const page of pages) await comes(page, (look) => look.n === 0 && look.pending === 0);
  await Promise.all(pages.map((page) => page.evaluate(() => tab.increment(40))));
  for (const page of pages) await comes(page, (look) => look.n === 80 && look.shown === 0);
  assert.equal(await counts(daemon), 80);
  assert.equal(sent.length, 81);
  assert.equal(new Set(sent.map(({ key }) => key)).size, 81);
  assert.equal(new Set(sent.map(({ tab }) => tab)).size, 1);
});

test("edits of a stopped daemon survive a closed tab and a reload, and are sent once", needsBrowser, async (t) => {
  const daemon = await startDaemon(t);
  const { open } = await openBrowser(t, daemon);
  const [first, second] = [await open(), await open()];
  await first.evaluate(() => tab.create());
  for (const page of [first, second]) await comes(page, (look) => look.n === 0 && look.pending === 0);
  await daemon.kill();
  for (const page of [first, second]) await comes(page, (look) => !look.connected);
  for (const page of [first, second]) await page.evaluate(() => tab.increment(15));
  for (const page of [first, second]) await comes(page, (look) => look.n === 30 && look.pending === 30);
  await second.evaluate(() => tab.keeps(30));
  await first.close();
  await second.reload();
  await comes(second, (look) => look.pending === 30);
  const third = await open();
  await comes(third, (look) => look.pending === 30);
  await daemon.start();
  for (const page of [second, third]) await comes(page, (look) => look.connected && look.n === 30 && look.shown === 0);
  assert.equal(await counts(daemon), 30);
  assert.equal(await second.evaluate(() => tab.kept()), 0);
});
