import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

/** Serves an example as its command does, until the test ends; answers its address. */
export async function serveExample(t: TestContext, name: string, ...args: string[]): Promise<string> {
  const script = fileURLToPath(new URL(`../../../examples/${name}/serve.mjs`, import.meta.url));
  const server = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const gone = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  t.after(async () => {
    endGroup(server);
    await gone;
  });
  const line = await Promise.race([
    once(createInterface({ input: server.stdout }), "line").then(([line]) => line as string),
    gone.then(() => Promise.reject(new Error(`${script} ended before it served`))),
  ]);
  return line.split(" ")[1]!;
}

/** Ends a process that leads a group, and what it started: the bundler would hold our output, so that the test never ended. */
function endGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-pid!, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
