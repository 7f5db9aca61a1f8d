import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { chromium as driver, type BrowserContext, type Page } from "playwright-core";
import { needsDaemon } from "../client/daemon.js";

/** Where the browser of the tests is. */
export const chromium = process.env["SETLOGGER_CHROMIUM"] ?? "/usr/bin/chromium";
if (process.env["SETLOGGER_TEST_REQUIRED"] === "1" && !existsSync(chromium)) throw new Error(`no browser at ${chromium}`);

/** The option of a test that needs a browser and a daemon. */
export const needsBrowser = existsSync(chromium) ? needsDaemon : { skip: `no browser at ${chromium}` };

/** Starts a browser with no data, which ends with the test. What fails on its pages is waited for 20 s. */
export async function startBrowser(t: TestContext): Promise<BrowserContext> {
  const browser = await driver.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu"] });
  t.after(() => browser.close());
  const context = await browser.newContext({ viewport: { width: 900, height: 800 } });
  context.setDefaultTimeout(20_000);
  return context;
}

/** Takes a picture of a page to the folder that SETLOGGER_SCREENSHOTS names; none where it names none. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env["SETLOGGER_SCREENSHOTS"];
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
}
