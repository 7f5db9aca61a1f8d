import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { viewPath } from "../../src/static/viewfile.js";

const run = promisify(execFile);

/** The daemon's program; `undefined` where the environment names none. */
export const BINARY = process.env["SETLOGGER_BINARY"];

/** Whether a test that needs the daemon is to be skipped, and why; where tests are required it fails instead. */
export function skipReason(): string | false {
  if (BINARY !== undefined) return false;
  if (process.env["SETLOGGER_TEST_REQUIRED"] === "1") throw new Error("SETLOGGER_BINARY is needed");
  return "SETLOGGER_BINARY names no daemon";
}

/** A daemon of a test, with a data folder of its own. */
export class Daemon {
  private constructor(readonly data: string, private readonly url: string, private readonly token: string) {}

  /** Starts one, which ends with the test. */
  static async start(t: TestContext): Promise<Daemon> {
    const data = await mkdtemp(join(tmpdir(), "setlogger-"));
    const child = spawn(BINARY!, ["serve", "--data", data, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "ignore", "pipe"] });
    const ended = new Promise((resolve) => child.once("close", resolve));
    t.after(async () => {
      child.kill();
      await ended;
      await rm(data, { recursive: true, force: true });
    });
    let said = "";
    for await (const line of createInterface({ input: child.stderr })) {
      said += line + "\n";
      const address = /msg=listening address=(\S+)/.exec(line)?.[1];
      if (address === undefined) continue;
      child.stderr.resume();
      return new Daemon(data, `http://${address}`, (await readFile(join(data, "token"), "utf8")).trim());
    }
    throw new Error(`the daemon ended: ${said}`);
  }

  /** The folder of its own share. */
  get share(): string {
    return join(this.data, "share");
  }

  /** Runs a command of the daemon's program, and answers what it prints. */
  async command(...args: string[]): Promise<string> {
    const { stdout } = await run(BINARY!, ["--data", this.data, ...args], { maxBuffer: 2 ** 30 });
    return stdout;
  }

  /**
   * Syncs until the view of a published bucket, in which this daemon alone writes, says all, and has no tail if there is to be
   * none; answers the view's text.
   */
  async published(bucket: string, tail = true): Promise<string> {
    const { entries } = JSON.parse(await this.command("bucket", "show", bucket, "--json")) as { entries: number };
    for (let round = 0; round < 200; round++) {
      await this.command("sync");
      const data = await readFile(join(this.share, viewPath(bucket)), "utf8").catch(() => "");
      if (data && (await this.lastIn(data)) === entries && (tail || data.includes('"tail":[]'))) return data;
    }
    throw new Error(`no view of ${bucket} says all of ${entries} entries`);
  }

  /** The highest entry that the files have which a view names. */
  private async lastIn(view: string): Promise<number> {
    const { indexes, tail } = JSON.parse(view) as { indexes: { name: string }[]; tail: string[] };
    const read = indexes.map(async ({ name }) => JSON.parse(await readFile(join(this.share, "index", name), "utf8")) as { coverage: { last: number }[] });
    const covered = (await Promise.all(read)).flatMap(({ coverage }) => coverage.map(({ last }) => last));
    return Math.max(0, ...covered, ...tail.map((path) => Number(/-(\d+)\./.exec(path)?.[1])));
  }

  /** Appends actions, each an entry of its own. */
  async append(bucket: string, actions: readonly object[]): Promise<void> {
    await this.call("POST", `/v1/buckets/${bucket}/actions`, actions.map((action) => JSON.stringify(action)).join("\n"), "application/x-ndjson");
  }

  /** Makes a call of the API. */
  async call(method: string, path: string, body: string, type = "application/json"): Promise<unknown> {
    const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": type };
    const answer = await fetch(this.url + path, { method, headers, body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }
}
