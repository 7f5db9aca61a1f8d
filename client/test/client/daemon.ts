import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { createClient, type Client } from "../../src/client/index.js";

/** The daemon's program; `undefined` where the environment names none. */
export const binary = process.env["SETLOGGER_BINARY"];
if (!binary && process.env["SETLOGGER_TEST_REQUIRED"] === "1") throw new Error("SETLOGGER_BINARY is not set, and SETLOGGER_TEST_REQUIRED is");

/** The option of a test that needs a daemon. */
export const needsDaemon = { skip: binary ? false : "SETLOGGER_BINARY names no daemon" };

/** A daemon of a test, on a port of its own that it keeps over restarts. */
export interface Daemon {
  readonly url: string;
  readonly token: string;
  readonly data: string;
  /** As the owner. */
  readonly client: Client;
  start(): Promise<void>;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
}

/** Starts a daemon with a new data folder; both go when the test ends. */
export async function startDaemon(t: TestContext): Promise<Daemon> {
  const data = await mkdtemp(join(tmpdir(), "setlogger-"));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn(binary ?? "", ["serve", "--data", data, "--listen", `127.0.0.1:${port}`], { stdio: ["ignore", "pipe", "pipe"] });
    await listening(child);
  };
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  t.after(async () => {
    await kill();
    await rm(data, { recursive: true, force: true });
  });
  await start();
  const url = `http://127.0.0.1:${port}`;
  const token = (await readFile(join(data, "token"), "utf8")).trim();
  return { url, token, data, start, kill, client: createClient({ url, token }) };
}

/** Settles when the daemon says that it listens. */
async function listening(child: ChildProcess): Promise<void> {
  let said = "";
  child.stderr?.on("data", (part: Buffer) => (said += part.toString()));
  const lines = createInterface({ input: child.stdout! });
  for await (const line of lines) {
    if (!line.startsWith("SetLogger is listening")) continue;
    child.stdout?.resume();
    return;
  }
  throw new Error(`the daemon did not start: ${said}`);
}

/** A port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Settles when the condition holds, which is looked at again at each call of the function that is answered; fails after 20 s. */
export function until(what: string, holds: () => boolean, listen: (again: () => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not within 20 s: ${what}`)), 20_000);
    const look = () => {
      if (!holds()) return;
      clearTimeout(timer);
      resolve();
    };
    listen(look);
    look();
  });
}
