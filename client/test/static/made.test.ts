import assert from "node:assert/strict";
import { test } from "node:test";
import { FileError } from "../../src/files/error.js";
import type { State } from "../../src/model/state.js";
import { openView, type View, type ViewNode } from "../../src/static/view.js";
import { exported, exportedLine } from "../files/corpus.js";
import { type Chance, chance } from "../model/chance.js";
import { MadeShare, sorted } from "./made.js";

const ROUNDS = Number(process.env["SETLOGGER_VIEWS"] ?? 40);

function same(nodes: ReadonlyMap<string, ViewNode>, state: State, about: string): void {
  const ids = sorted(state, ["id"]).filter(([, node]) => node.isAlive).map(([id]) => id);
  assert.equal(ids.map((id) => (nodes.has(id) ? exportedLine(id, nodes.get(id)!.value) : `${id} is missing\n`)).join(""), exported(state), about);
  assert.equal(nodes.size, ids.length, about);
}

async function pages(view: View, nodes: Map<string, ViewNode>, most = Infinity): Promise<void> {
  for (let i = 0; i < most; i++) {
    const page = await view.next();
    if (!page) return;
    for (const node of page) {
      assert.ok(!nodes.has(node.id), `${node.id} came twice`);
      nodes.set(node.id, node);
    }
  }
}

/** What was given out comes again, between any two places. */
async function again(view: View, nodes: ReadonlyMap<string, ViewNode>, random: Chance, about: string): Promise<void> {
  const all = [...nodes.values()].sort((a, b) => (a.place < b.place ? -1 : 1));
  const first = random.below(all.length + 1);
  const some = all.slice(first, first + 1 + random.below(all.length));
  if (some[0]) assert.deepEqual(await view.between(some[0].place, some.at(-1)!.place), some, about);
}

/** Opens a view of a share of chance somewhere on the way, and follows it to its end. */
async function follow(seed: number): Promise<{ changes: number; indexes: boolean }> {
  const random = chance(seed);
  const order = random.below(2) === 0 ? ["-created", "id"] : ["-p", "id"];
  const share = new MadeShare(random, order);
  share.play(20 + random.below(120));
  const first = share.publish(random.below(12));
  const view = await openView({ url: "made:/", bucket: share.bucket, fetch: share.fetch(), pageSize: 1 + random.below(9), chunks: 1 + random.below(3) });
  const alive = sorted(first, order).filter(([, node]) => node.isAlive).map(([id]) => id);
  assert.deepEqual(view.first.map(({ id }) => id), alive.slice(0, view.first.length), `seed ${seed}`);
  let nodes = new Map(view.first.map((node) => [node.id, node]));
  await pages(view, nodes, random.below(4));
  let state = first;
  let changes = 0;
  for (let round = random.below(4); round > 0; round--) {
    const indexes = random.below(3) === 0;
    share.play(1 + random.below(20), indexes);
    state = share.publish(random.below(12));
    const change = await view.refresh();
    if (change.type === "reset") nodes = new Map(view.first.map((node) => [node.id, node]));
    if (change.type === "change") changes++;
    for (const node of change.type === "change" ? change.nodes : []) {
      if (node.value === null) nodes.delete(node.id);
      else nodes.set(node.id, node as ViewNode);
    }
    await again(view, nodes, random, `seed ${seed}`);
    await pages(view, nodes, random.below(3));
  }
  await pages(view, nodes);
  same(nodes, state, `seed ${seed}`);
  await again(view, nodes, random, `seed ${seed}`);
  const places = [...nodes.values()].sort((a, b) => (a.place < b.place ? -1 : 1)).map(({ id }) => id);
  assert.deepEqual(places, sorted(state, order).filter(([, node]) => node.isAlive).map(([id]) => id), `seed ${seed}`);
  return { changes, indexes: share.files.size > 4 };
}

test("views of random shares show the state that all entries make", { timeout: 600_000 }, async (t) => {
  let changes = 0;
  for (let seed = 1; seed <= ROUNDS; seed++) changes += (await follow(seed)).changes;
  t.diagnostic(`${ROUNDS} shares, ${changes} changes`);
  assert.ok(changes > 0);
});

test("a page that could not be read comes at the next call, and no file that is damaged passes", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const share = new MadeShare(chance(seed), ["-created", "id"]);
    share.play(120);
    const state = share.publish(3);
    const whole = share.fetch();
    const random = chance(seed);
    let failed = 0;
    const view = await openView({
      url: "made:/", bucket: share.bucket, pageSize: 4, chunks: 1,
      fetch: async (url, init) => {
        const answer = await whole(url, init);
        if (url.includes("view/") || random.below(3) > 0) return answer;
        const data = new Uint8Array(await answer.arrayBuffer());
        data[random.below(data.length)]! ^= 1;
        failed++;
        return { ...answer, arrayBuffer: () => Promise.resolve(data.buffer) };
      },
    });
    const nodes = new Map(view.first.map((node) => [node.id, node]));
    for (let tries = 0; tries < 1000 && !view.isDone; tries++) {
      try {
        await pages(view, nodes);
      } catch (error) {
        assert.ok(error instanceof FileError, String(error));
      }
    }
    same(nodes, state, `seed ${seed}, ${failed} files damaged`);
  }
});
