import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { freePort, type Daemon } from "../client/daemon.js";
import { needsBrowser, picture, startBrowser } from "../redux/browser.js";
import { meet, pairOf } from "../redux/pair.js";
import { serveExample } from "./server.js";

/** What a browser itself says while there is no daemon, when one goes, and of a node that was deleted; and Redux Toolkit of a slow machine. */
const isUsual = /^(\w+StateInvariantMiddleware took \d+ms|Failed to load resource: (net::ERR_(CONNECTION_\w+|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED|INCOMPLETE_CHUNKED_ENCODING)|the server responded with a status of 404)|WebSocket connection to .* failed)/;

/** A page of the app on a device of its own, and what else its console says as a warning or an error, which is added to `said`. */
async function openApp(t: TestContext, url: string, daemon: Daemon, said: string[]): Promise<Page> {
  const page = await (await startBrowser(t)).newPage();
  page.on("console", (message) => {
    if (["warning", "error"].includes(message.type()) && !isUsual.test(message.text())) said.push(message.text());
  });
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(`${url}?daemon=${encodeURIComponent(daemon.url)}`);
  return page;
}

/** Lets a page in that asks, once the codes are the same. */
async function letIn(page: Page, daemon: Daemon): Promise<void> {
  await page.locator("button.main").click();
  const code = await page.locator("output").textContent();
  const asking = (await daemon.client.apps()).find((app) => app.code === code);
  await daemon.client.approveApp(asking!.id);
  await page.waitForSelector("form input");
}

const titles = (page: Page) => page.$$eval("li .title", (fields) => fields.map((field) => (field as HTMLInputElement).value));

/** Waits for these todos, in whichever order, and answers them in theirs. */
async function showsAll(page: Page, wanted: readonly string[]): Promise<string[]> {
  await page.waitForFunction((text) => JSON.stringify([...document.querySelectorAll<HTMLInputElement>("li .title")].map(({ value }) => value).sort()) === text, JSON.stringify([...wanted].sort()))
    .catch(async () => assert.deepEqual((await titles(page)).sort(), [...wanted].sort()));
  return titles(page);
}

async function shows(page: Page, wanted: readonly string[]): Promise<void> {
  await page.waitForFunction((text) => JSON.stringify([...document.querySelectorAll<HTMLInputElement>("li .title")].map(({ value }) => value)) === text, JSON.stringify(wanted))
    .catch(async () => assert.deepEqual(await titles(page), wanted));
}

const says = (page: Page, text: string) => page.locator(".banner", { hasText: text }).waitFor();
/** Waits until the daemon has all that was done on the page. */
const isSent = (page: Page) => page.waitForFunction(() => !document.querySelector(".banner, .pending"));
const row = (page: Page, title: string) => page.locator(`li:has(input[value="${title}"])`);

async function add(page: Page, title: string): Promise<void> {
  await page.locator("form input").fill(title);
  await page.keyboard.press("Enter");
}

async function rename(page: Page, title: string, to: string): Promise<void> {
  await row(page, title).locator(".title").fill(to);
  await page.keyboard.press("Enter");
}

const drag = (page: Page, title: string, onto: string) => row(page, title).locator(".grip").dragTo(row(page, onto).locator(".title"));
const toggle = (page: Page, title: string) => row(page, title).locator("input[type=checkbox]").click();
const remove = (page: Page, title: string) => row(page, title).locator(".delete").click();

test("TodoMVC on two devices: let in, cut off, edited on both, killed, and they agree", { ...needsBrowser, timeout: 300_000 }, async (t) => {
  const [a, b] = await pairOf(t);
  const url = await serveExample(t, "todomvc", String(await freePort()));
  const said: string[] = [];
  const [here, there] = [await openApp(t, url, a, said), await openApp(t, url, b, said)];
  await picture(here, "todomvc-door");
  await letIn(here, a);
  await letIn(there, b);

  for (const title of ["Milk", "Bread", "Eggs", "Salt", "Tea"]) await add(here, title);
  await shows(here, ["Milk", "Bread", "Eggs", "Salt", "Tea"]);
  await isSent(here);
  await drag(here, "Salt", "Milk");
  await shows(here, ["Salt", "Milk", "Bread", "Eggs", "Tea"]);
  await meet(a, b);
  await shows(there, ["Salt", "Milk", "Bread", "Eggs", "Tea"]);

  for (const [page, daemon] of [[here, a], [there, b]] as const) {
    await daemon.kill();
    await says(page, "Offline");
  }
  await add(here, "Jam");
  await drag(here, "Tea", "Salt");
  await remove(here, "Bread");
  await rename(here, "Eggs", "Six eggs");
  await add(there, "Rice");
  await drag(there, "Milk", "Eggs");
  await toggle(there, "Tea");
  await remove(there, "Salt");
  const [left, right] = [["Tea", "Salt", "Milk", "Six eggs", "Jam"], ["Bread", "Eggs", "Milk", "Tea", "Rice"]];
  for (const [page, wanted] of [[here, left], [there, right]] as const) {
    await shows(page, wanted);
    await says(page, "4 to send");
    await page.reload();
    await shows(page, wanted); // what was confirmed, and what is to be sent
    await says(page, "4 to send");
  }
  await picture(here, "todomvc-offline");

  for (const daemon of [a, b]) await daemon.start();
  for (const page of [here, there]) await isSent(page);
  await meet(a, b);
  const both = await showsAll(here, ["Jam", "Milk", "Rice", "Six eggs", "Tea"]);
  await shows(there, both);
  assert.equal(both[0], "Tea");
  for (const page of [here, there]) assert.ok(await row(page, "Tea").locator("input[type=checkbox]").isChecked());

  const many = Array.from({ length: 30 }, (_, i) => `Todo ${i}`);
  for (const title of many.slice(0, 10)) await add(here, title);
  const killed = a.kill();
  for (const title of many.slice(10, 20)) await add(here, title);
  await killed;
  await a.start();
  for (const title of many.slice(20)) await add(here, title);
  await shows(here, [...both, ...many]);
  await isSent(here);
  await meet(a, b);
  await shows(there, [...both, ...many]);
  const { nodes } = await b.client.nodes("todos", { limit: 1000 });
  assert.equal(nodes.length, both.length + many.length);
  await here.evaluate(() => scrollTo(0, 0));
  await picture(here, "todomvc");
  assert.deepEqual(said, []);
});
