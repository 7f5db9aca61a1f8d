import type { Action } from "./action.js";
import { readSent } from "./body.js";
import { type MadeSlots, Runs } from "./composearray.js";
import { Resolver } from "./compose.js";
import { isObject, type Json, sameJson } from "./json.js";
import { type Mark, sameMark } from "./mark.js";
import type { NodeState, Vertex } from "./node.js";
import { type Deeper, partsOf } from "./parts.js";
import { type Past, entryId, PutBack } from "./past.js";
import { Refusal } from "./refusal.js";
import { type Place, seenIn } from "./seen.js";
import type { SlotId } from "./slots.js";
import { type Schema, State } from "./state.js";
import { Trial } from "./trial.js";
import { undoPaths } from "./undopath.js";

/** A part of an entry that undo leaves alone. */
export interface Left {
  /** of the node; empty for the schema */
  readonly id: string;
  /** empty: the whole node */
  readonly path: readonly string[];
  readonly reason: string;
}

/** What undoes an entry: actions for one new entry, none when nothing is to be put back, and what is left alone. */
export interface Undo {
  readonly actions: readonly Action[];
  readonly left: readonly Left[];
}

/**
 * What undoes the entry of a past in a state that holds it: the values that the entry changed as they were before it, a
 * deleted node as it was, a created one deleted, counters lowered by what it added, inserted elements removed, removed ones
 * inserted again, others set or moved back. What is no more as the entry left it is left alone.
 */
export function undo(past: Past, now: State): Undo {
  const undoer = new Undoer(past, now);
  undoer.run();
  return { actions: undoer.actions, left: undoer.left };
}

/** Makes the actions one by one, each for the state that those before it make. */
export class Undoer {
  readonly actions: Action[] = [];
  readonly left: Left[] = [];
  readonly putBack: PutBack;
  readonly before: State;
  readonly after: Trial;
  private readonly trial: Trial;
  private readonly resolver: Resolver;

  constructor(readonly past: Past, now: State) {
    this.putBack = past.putBack.clone();
    this.before = past.before;
    this.after = new Trial(past.before);
    this.after.fold(past.entry);
    this.trial = new Trial(now);
    // its marks are above all others, and nothing of it is kept but what it says by index
    const top = {
      writer: "aaaaaaaaaaaaaaaa", number: 0, stamp: { ms: 2 ** 48 - 1, tick: 2 ** 16 - 1 }, salt: "f".repeat(16),
      actions: [], saw: [], birth: "", counts: [],
    };
    const made: MadeSlots = new Map();
    this.resolver = new Resolver(this.trial, top, new Runs(), made);
  }

  run(): void {
    if (this.past.entry.actions.some(({ schema }) => schema !== undefined)) this.schemaBack(this.trial.schema);
    for (const id of new Set(this.past.entry.actions.map((action) => action.id))) {
      if (id !== "") this.node(id);
    }
  }

  /** A node as the actions so far make it. */
  now(id: string): NodeState {
    return this.trial.node(id);
  }

  /** Adds an action, unless the state refuses it. Array actions may insert or move to right behind a slot. */
  emit(type: string, id: string, path: readonly string[] | undefined, set: { [name: string]: Json }, behind?: SlotId): void {
    const json = { ...set, type, undoes: entryId(this.past.entry), ...(id !== "" && { id }), ...(path && { path }) };
    try {
      const sent = readSent(json);
      const action = behind && sent.indexes ? { ...sent, indexes: { ...sent.indexes, behind } } : sent;
      const position = this.actions.length;
      const resolved = this.resolver.one(action, position);
      this.actions.push(action);
      this.putBack.note(resolved);
      this.resolver.apply(resolved, position);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.leave(id, path ?? [], error.message);
    }
  }

  /** Adds an action, and sets what stands deeper. */
  emitAll(type: string, id: string, path: readonly string[] | undefined, set: { [name: string]: Json }, deeper: Deeper): void {
    this.emit(type, id, path, set);
    for (const write of deeper) this.emit("SET_PROPERTY", id, write.path, { value: write.value });
  }

  leave(id: string, path: readonly string[], reason: string): void {
    const isKnown = this.left.some((left) => left.id === id && left.reason === reason && sameJson(left.path, path));
    if (!isKnown) this.left.push({ id, path, reason });
  }

  /** Whether a mark is of the entry, of an undo, or of an entry that was undone. */
  isMine(mark: Pick<Mark, "writer" | "number">): boolean {
    return this.past.isMine(entryId(mark));
  }

  /** Whether all marks at and below a vertex are mine. Those of slots are not kept; what shows tells of them. */
  isOnlyMine(vertex: Vertex | undefined): boolean {
    if (!vertex) return true;
    if (vertex.isWritten && !this.isMine(vertex.mark)) return false;
    if (!vertex.totals.every((total) => this.isMine(total))) return false;
    return [...(vertex.children?.values() ?? [])].every((child) => this.isOnlyMine(child));
  }

  /** Whether a path is as the entry left it, by nobody's write since. */
  isKept(id: string, path: readonly string[], is: Place): boolean {
    return this.isMine(is.floor) && this.isOnlyMine(is.vertex) && sameJson(seenIn(is), seenIn(this.after.node(id).at(path)));
  }

  private schemaBack(now: Schema): void {
    const set = this.past.entry.actions.filter(({ schema }) => schema !== undefined);
    const { former } = this.past;
    const said = set.at(-1)!.schema!;
    if (sameJson(former.value, said)) return;
    if (!this.isMine(now.mark) || !sameJson(now.value, said)) this.leave("", [], "the schema was set since");
    else this.emit("SET_SCHEMA", "", undefined, { schema: former.value });
  }

  private node(id: string): void {
    const is = this.now(id);
    const was = this.before.node(id);
    const left = this.after.node(id);
    if (was.isAlive && left.isAlive) {
      if (is.isAlive) undoPaths(this, id, !sameMark(was.deleted, left.deleted));
      else this.leave(id, [], "the node was deleted since");
    } else if (left.isAlive) {
      this.uncreate(id, is);
    } else if (was.isAlive) {
      this.revive(id, is, was);
    }
  }

  /** Deletes a node that the entry made, unless something in it is not the entry's. */
  private uncreate(id: string, is: NodeState): void {
    if (!is.isAlive) return;
    if (!this.isMine(is.created) || !this.isOnlyMine(is.root) || !sameJson(is.value(), this.after.node(id).value())) {
      this.leave(id, [], "it was changed since");
      return;
    }
    this.emit("DELETE_NODE", id, undefined, {});
  }

  /** Makes a node that the entry deleted as it was. */
  private revive(id: string, is: NodeState, was: NodeState): void {
    if (is.isAlive) return this.leave(id, [], "the node was made again since");
    if (!this.isMine(is.deleted)) return this.leave(id, [], "the node was deleted once more since");
    const deeper: Deeper = [];
    const properties = partsOf(was.root, [], was.deleted, {}, deeper);
    this.emitAll("CREATE_NODE", id, undefined, { properties: isObject(properties) ? properties : {} }, deeper);
  }
}
