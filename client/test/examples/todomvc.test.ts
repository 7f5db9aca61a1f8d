import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import puppeteer from "puppeteer-core";
import { freePort, startDaemon } from "../client/daemon.js";
import { chromium, needsBrowser } from "../redux/browser.js";

test("TodoMVC: let in, add, reorder by dragging, go offline and come back", needsBrowser, async (t) => {
  const daemon = await startDaemon(t);
  const script = fileURLToPath(new URL("../../../examples/todomvc/serve.mjs", import.meta.url));
  const server = spawn(process.execPath, [script, String(await freePort())], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(async () => {
    server.kill();
    await once(server, "exit");
  });
  const [line] = (await once(createInterface({ input: server.stdout }), "line")) as [string];
  const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
  t.after(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  t.after(async () => t.diagnostic(`the page said ${JSON.stringify(said)}`));
  const shows = (text: string) => page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { polling: "mutation" }, text)
    .catch(async () => assert.fail(`${text} does not show: ${await page.evaluate(() => document.body.innerText)}`));
  await page.goto(`${line.split(" ")[1]}?daemon=${encodeURIComponent(daemon.url)}`);
  await page.locator("main button").click();
  await shows("Compare");
  const code = /[A-Z0-9]{4}-[A-Z0-9]{4}/.exec(await page.$eval("output", (out) => out.textContent ?? ""))?.[0];
  const asking = (await daemon.client.apps()).find((app) => app.code === code);
  await daemon.client.approveApp(asking!.id);

  const titles = () => page.$$eval("li span", (rows) => rows.map((row) => row.textContent));
  const add = async (title: string) => {
    await page.locator("form input").fill(title);
    await page.keyboard.press("Enter");
    await shows(title);
  };
  for (const title of ["one", "two", "three"]) await add(title);
  await page.evaluate(() => {
    const [first, , third] = document.querySelectorAll("li");
    const dataTransfer = new DataTransfer();
    for (const [row, kind] of [[third, "dragstart"], [first, "dragover"], [first, "drop"]] as const) row!.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
  });
  assert.deepEqual(await titles(), ["three", "one", "two"]);
  await page.waitForFunction(() => !document.querySelector(".banner"), { polling: "mutation" });

  await daemon.kill();
  await shows("Offline");
  await add("four");
  await page.locator("li input").click();
  await shows("2 to send");
  await page.reload();
  await shows("2 to send");
  await daemon.start();
  await page.waitForFunction(() => !document.querySelector(".banner") && document.querySelectorAll("li").length === 4, { polling: "mutation" });
  assert.deepEqual(await titles(), ["three", "one", "two", "four"]);
  const { nodes } = await daemon.client.nodes("todos");
  assert.deepEqual(nodes.filter(({ value }) => value["done"]).map(({ value }) => value["title"]), ["three"]);
  assert.equal(nodes.length, 5);
});
