/**
 * Folds histories, one a line of standard input, each of the shape of a vector: `{"entries":[{"writer","number","line"}]}`,
 * in the order given. Prints of each, on a line of its own, the canonical JSON of
 * `{"closed","lines","nodes":{id:{"rev","value"}},"schema"}`; `lines` are the nodes' lines, by id.
 *
 * With `"apart":true` entries are folded in two parts by turns, whose nodes travel as lines and are merged.
 */
import { createInterface } from "node:readline";
import { DeltaReader } from "../../src/model/delta.js";
import { writeDelta } from "../../src/model/deltawrite.js";
import { canonical, type Json } from "../../src/model/json.js";
import { State } from "../../src/model/state.js";
import type { Said } from "./vectors.js";

interface History {
  readonly entries: readonly Said[];
  readonly apart?: boolean;
}

function fold(entries: readonly Said[]): State {
  const state = new State();
  for (const { writer, number, entry, line } of entries) {
    state.foldLine(writer, number ?? Number(entry?.["number"] ?? 0), line ?? canonical(entry as Json));
  }
  return state;
}

/** A state whose nodes were written as lines and read again. */
function carried(state: State): State {
  const copy = new State();
  copy.schema = state.schema;
  copy.closed = state.closed;
  for (const [id, node] of state.nodes) copy.nodes.set(id, new DeltaReader().read(canonical(writeDelta(id, node))).node);
  return copy;
}

function stateOf({ entries, apart }: History): State {
  if (!apart) return fold(entries);
  const state = carried(fold(entries.filter((_, i) => i % 2 === 0)));
  state.merge(carried(fold(entries.filter((_, i) => i % 2 === 1))));
  return state;
}

for await (const text of createInterface({ input: process.stdin })) {
  const state = stateOf(JSON.parse(text) as History);
  const lines = Object.fromEntries([...state.nodes].map(([id, node]) => [id, writeDelta(id, node)]));
  const printed = process.stdout.write(canonical({ ...state.summary(), lines }) + "\n");
  if (!printed) await new Promise((resolve) => process.stdout.once("drain", resolve));
}
