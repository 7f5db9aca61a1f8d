import { existsSync } from "node:fs";
import { needsDaemon } from "../client/daemon.js";

/** Where the browser of the tests is. */
export const chromium = process.env["SETLOGGER_CHROMIUM"] ?? "/usr/bin/chromium";
if (process.env["SETLOGGER_TEST_REQUIRED"] === "1" && !existsSync(chromium)) throw new Error(`no browser at ${chromium}`);

/** The option of a test that needs a browser and a daemon. */
export const needsBrowser = existsSync(chromium) ? needsDaemon : { skip: `no browser at ${chromium}` };
