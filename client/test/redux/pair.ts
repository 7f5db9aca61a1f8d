import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { startDaemon, type Daemon } from "../client/daemon.js";

/** Two daemons with one bucket on a share that both have. */
export async function pairOf(t: TestContext): Promise<[Daemon, Daemon]> {
  const share = await mkdtemp(join(tmpdir(), "setlogger-share-"));
  t.after(() => rm(share, { recursive: true, force: true }));
  const [a, b] = [await startDaemon(t), await startDaemon(t)];
  for (const { client } of [a, b]) {
    await client.addRemote("shared", join(share, "it"));
    await client.makeBucket({ name: "todos", remote: "shared", join: client === b.client });
    await client.sync();
  }
  return [a, b];
}

/** Syncs both until the one has all that the other has. */
export async function meet(a: Daemon, b: Daemon): Promise<void> {
  const text = async ({ client }: Daemon) => JSON.stringify(await client.nodes("todos", { order: "id", limit: 1000 }));
  for (let round = 0; round < 50; round++) {
    await a.client.sync();
    await b.client.sync();
    if ((await text(a)) === (await text(b))) return;
  }
  throw new Error("the devices do not meet");
}
