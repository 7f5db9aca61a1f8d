import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { viewPath } from "../../src/static/viewfile.js";
import { binary, startDaemon } from "../client/daemon.js";

const run = promisify(execFile);

/** A daemon of a test with what it publishes. */
export class Daemon {
  private constructor(readonly data: string, private readonly url: string, private readonly token: string) {}

  /** Starts one, which ends with the test. */
  static async start(t: TestContext): Promise<Daemon> {
    const { data, url, token } = await startDaemon(t);
    return new Daemon(data, url, token);
  }

  /** The folder of its own share. */
  get share(): string {
    return join(this.data, "share");
  }

  /** Runs a command of the daemon's program, and answers what it prints. */
  async command(...args: string[]): Promise<string> {
    const { stdout } = await run(binary!, ["--data", this.data, ...args], { maxBuffer: 2 ** 30 });
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
