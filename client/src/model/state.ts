import type { Action } from "./action.js";
import { canonical, compareText, FormatError, type Json, type JsonObject } from "./json.js";
import { beforeMark, compareMarks, type Mark, NO_MARK } from "./mark.js";
import { type Entry, idsOf, markOf, readEntry } from "./entry.js";
import { NodeState } from "./node.js";

/** The last SET_SCHEMA; with the mark NO_MARK when there was none. */
export interface Schema {
  readonly mark: Mark;
  /** null: none */
  readonly value: Json;
}

/** That none was ever set. */
export const NO_SCHEMA: Schema = { mark: NO_MARK, value: null };

/** The greater of two schemas: by mark, then by canonical bytes. */
export function laterSchema(a: Schema, b: Schema): Schema {
  const order = compareMarks(a.mark, b.mark) || compareText(canonical(a.value), canonical(b.value));
  return order < 0 ? b : a;
}

/** The state of a bucket: a function of the set of entries that were folded, in any order and any number of times. */
export class State {
  readonly nodes = new Map<string, NodeState>();
  schema: Schema = NO_SCHEMA;
  /** whether a CLOSE was folded */
  closed = false;

  /**
   * Folds the line of a writer's entry, and answers it. One that is malformed changes nothing and answers `undefined`.
   */
  foldLine(writer: string, number: number, line: string): Entry | undefined {
    try {
      const entry = readEntry(writer, number, line);
      this.fold(entry);
      return entry;
    } catch (error) {
      if (error instanceof FormatError) return undefined;
      throw error;
    }
  }

  /** Folds an entry. */
  fold(entry: Entry): void {
    entry.actions.forEach((action, position) => this.apply(action, markOf(entry, position)));
    [...idsOf(entry.actions)].forEach((id, i) => this.count(id, entry.counts[i] ?? 1));
  }

  /** Folds one action, as it stands in a log, at its mark. */
  apply(action: Action, mark: Mark): void {
    if (action.type === "CLOSE") this.closed = true;
    if (action.schema !== undefined) this.schema = laterSchema(this.schema, { mark, value: action.schema });
    if (action.id !== "") applyTo(this.node(action.id), action, mark);
  }

  /** The node of an id, made if nothing is known of it. */
  node(id: string): NodeState {
    let node = this.nodes.get(id);
    if (!node) this.nodes.set(id, (node = new NodeState()));
    return node;
  }

  /** Raises the count of a node. */
  count(id: string, count: number): void {
    const node = this.node(id);
    node.count = Math.max(node.count, count);
  }

  /** Takes in what another state of the same bucket holds; that one must not change any more. */
  merge(other: State): void {
    for (const [id, node] of other.nodes) this.node(id).merge(node);
    this.schema = laterSchema(this.schema, other.schema);
    this.closed ||= other.closed;
  }

  /** What tests compare: `{"closed","nodes":{id:{"rev","value"}},"schema"}`, value null for a node that is not alive. */
  summary(): JsonObject {
    const nodes = [...this.nodes].map(([id, node]) => [id, { rev: node.rev(), value: node.value() }] as const);
    return { closed: this.closed, nodes: Object.fromEntries(nodes), schema: this.schema.value };
  }
}

/** Folds what an action says of a node. */
function applyTo(node: NodeState, action: Action, mark: Mark): void {
  if (action.type === "DELETE_NODE") node.delete(mark);
  if (action.type === "CREATE_NODE") {
    if (action.revive) node.delete(beforeMark(mark));
    node.create(mark);
  }
  for (const write of action.writes) node.write(write.path, mark, write.value);
  if (action.run) {
    const { writer, number, position } = mark;
    const stamp = { ms: mark.ms, tick: mark.tick };
    node.total(action.path!, { ...action.run, writer, number, position, stamp });
  }
  if (action.slots) applyToArray(node, action, mark);
}

/** Folds what an action says of an array. */
function applyToArray(node: NodeState, action: Action, mark: Mark): void {
  const { floor, first, anchor, element, spans } = action.slots!;
  const array = node.array(action.path!, floor);
  if (!array) return;
  array.note({ ms: mark.ms, tick: mark.tick });
  for (const span of spans ?? []) array.remove(span);
  if (action.type === "ARRAY_INSERT") array.insert(first!, anchor!, action.values!);
  if (action.type === "ARRAY_SET") array.set(element!, mark, action.values![0]!);
  if (action.type === "ARRAY_MOVE") {
    array.put({ id: first!, anchor: anchor!, element: element! });
    array.move(element!, mark, first!);
  }
}
