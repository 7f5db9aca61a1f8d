import { type Action, isOnArray, MAX_DEPTH } from "./action.js";
import { arrayAction, checkDepth, type MadeSlots, type Runs } from "./composearray.js";
import type { Clock } from "./clock.js";
import { type Entry, type Head, markOf, MAX_LINE } from "./entry.js";
import {
  byteLength, canonical, isArray, type JsonObject, MAX_INTEGER, sameJson, withMembers,
} from "./json.js";
import {
  afterStamp, compareStamps, FIRST_STAMP, laterStamp, type Mark, MAX_STAMP, NO_MARK, sameMark, type Stamp, stampText, writeMark,
} from "./mark.js";
import type { NodeState } from "./node.js";
import { atPosition, Refusal } from "./refusal.js";
import { type Place, seenIn } from "./seen.js";
import type { State } from "./state.js";
import { isBeyond, isLaterTotal, keepTotal, type Total } from "./total.js";
import { Trial } from "./trial.js";

/** What an own entry needs beside its actions. */
export interface Draft {
  readonly writer: string;
  readonly number: number;
  readonly salt: string;
  /** the wall clock, Unix milliseconds */
  readonly now: number;
  readonly clock: Clock;
  readonly runs: Runs;
  readonly saw?: readonly Head[];
  readonly birth?: string;
}

/** An own entry, with what it makes of the nodes that it names. */
export interface Composed {
  readonly entry: Entry;
  readonly line: string;
  readonly after: State;
}

/**
 * Makes an own entry of actions that a caller sent: checks them against the state, resolves them into what stands in the
 * log, and stamps the entry above all that it touches. It folds the entry, and answers `undefined` when nothing would change.
 *
 * @throws Refusal, which leaves all as it was.
 */
export function compose(state: State, draft: Draft, actions: readonly Action[]): Composed | undefined {
  const stamp = draft.clock.next(draft.now, touched(state, actions));
  if (compareStamps(stamp, MAX_STAMP) > 0) throw new Refusal("invalid", "no stamp is left above what is touched");
  const { writer, number, salt, saw = [], birth = "" } = draft;
  const head = { writer, number, salt, stamp, saw, birth, counts: [], actions: [] };
  const trial = new Trial(state);
  const made: MadeSlots = new Map();
  const resolver = new Resolver(trial, head, draft.runs, made);
  const resolved = resolver.all(actions);
  if (!resolved) return undefined;
  const entry = { ...head, actions: resolved, counts: counted(trial) };
  const line = canonical(write(entry));
  if (byteLength(line) > MAX_LINE) throw new Refusal("too-large", "an entry of more than 1 MiB");
  trial.commit();
  draft.clock.watermark = stamp;
  draft.runs.commit(made, stamp);
  return { entry, line, after: trial };
}

/** Raises the counts of the nodes that were touched. */
function counted(trial: Trial): number[] {
  return [...trial.nodes].map(([id, node]) => {
    if (node.count >= MAX_INTEGER) throw new Refusal("invalid", `the node ${JSON.stringify(id)} was written too often`);
    return ++node.count;
  });
}

/** The highest stamp of what the actions touch. */
function touched(state: State, actions: readonly Action[]): Stamp {
  let above: Stamp = FIRST_STAMP;
  for (const action of actions) {
    const node = state.nodes.get(action.id);
    if (node) above = laterStamp(above, highest(node, action));
    if (action.type === "SET_SCHEMA") above = laterStamp(above, state.schema.mark);
  }
  return above;
}

/** The highest stamp that an action on a node must stand above. */
function highest(node: NodeState, action: Action): Stamp {
  const own = laterStamp(node.created, node.deleted);
  if (action.type === "CREATE_NODE" && revives(node)) {
    return laterStamp(own, afterStamp(node.root.newest())); // it deletes one tick below its own stamp
  }
  if (action.type === "DELETE_NODE") return laterStamp(own, node.root.newest());
  const paths = action.path ? [action.path] : action.writes.map(({ path }) => path);
  return paths.reduce((stamp, path) => laterStamp(stamp, node.newestAt(path)), own);
}

/** Whether a create gives the node a new life. */
function revives(node: NodeState): boolean {
  return !node.isAlive && node.deleted !== NO_MARK;
}

/** An entry as its line says it. */
function write(entry: Entry): JsonObject {
  const { actions, birth, counts, number, salt, saw, stamp } = entry;
  return {
    actions: actions.map(({ json }) => json),
    ...(birth !== "" && { birth }),
    ...(counts.some((count) => count !== 1) && { n: counts }),
    number,
    salt,
    ...(saw.length > 0 && { saw }),
    stamp: stampText(stamp),
  };
}

/** Resolves the actions of one entry, each against the state with those before it applied. */
export class Resolver {
  constructor(
    readonly trial: Trial, private readonly entry: Entry, private readonly runs: Runs, private readonly made: MadeSlots,
  ) {}

  /** The actions as they stand in the log; `undefined` when a single one sets what is so already. */
  all(actions: readonly Action[]): Action[] | undefined {
    const resolved: Action[] = [];
    for (const [position, sent] of actions.entries()) {
      const action = atPosition(position, () => this.one(sent, position));
      if (actions.length === 1 && this.isUnchanged(action)) return undefined;
      resolved.push(action);
      this.apply(action, position);
    }
    return resolved;
  }

  apply(action: Action, position: number): void {
    this.trial.apply(action, markOf(this.entry, position));
  }

  /** One action as it stands in the log. */
  one(action: Action, position: number): Action {
    if (action.id === "") return action;
    for (const { path, value } of action.writes) {
      if (value !== undefined) checkDepth(path.length, value);
    }
    const node = this.trial.node(action.id);
    if (action.type === "CREATE_NODE") return resolveCreate(action, node);
    if (!node.isAlive) throw new Refusal("not-alive", `there is no node ${JSON.stringify(action.id)}`);
    if (action.type === "INCREMENT") return this.increment(action, node.at(action.path!), markOf(this.entry, position));
    if (!isOnArray(action)) return action;
    return arrayAction(action, node.at(action.path!), this.entry, this.runs, this.made);
  }

  /** Gives an increment the total of the writer's run. */
  private increment(action: Action, place: Place, mark: Mark): Action {
    const seen = seenIn(place);
    if (seen !== undefined && typeof seen !== "number") throw new Refusal("invalid", "INCREMENT needs a number or nothing");
    if (action.path!.length >= MAX_DEPTH) throw new Refusal("invalid", "the node would be nested deeper than 63");
    const own = ownTotal(place, mark, this.entry.salt);
    const total = { ...own, ...marked(mark), total: own.total + action.by! };
    if (Math.abs(total.total) > MAX_INTEGER || isBeyond(keepTotal(place.vertex?.totals ?? [], total), place.floor, place.plain)) {
      throw new Refusal("invalid", "the counter would pass ±2^53");
    }
    const { salt, floor } = total;
    const run = { salt, floor, total: total.total };
    const text: JsonObject = { salt, total: run.total, ...(!sameMark(floor, NO_MARK) && { floor: writeMark(floor) }) };
    return { ...action, run, json: withMembers(action.json, { run: text }) };
  }

  /** Whether an action sets each path to the plain value that it has. */
  private isUnchanged(action: Action): boolean {
    if (action.type !== "SET_PROPERTY" && action.type !== "REMOVE_PROPERTY") return false;
    const node = this.trial.node(action.id);
    return action.writes.every(({ path, value }) => {
      const place = node.at(path);
      const seen = seenIn(place);
      return !place.vertex?.isShared && !isArray(seen) && sameJson(seen, value);
    });
  }
}

function marked(mark: Mark): Pick<Total, "number" | "position" | "stamp"> {
  return { number: mark.number, position: mark.position, stamp: { ms: mark.ms, tick: mark.tick } };
}

/** The writer's latest total under the floor of a place; a new run begins with the salt given. */
function ownTotal(place: Place, mark: Mark, salt: string): Total {
  const { writer } = mark;
  const { floor } = place;
  const own = (place.vertex?.totals ?? []).filter((total) => total.writer === writer && sameMark(total.floor, floor));
  if (own.length > 0) return own.reduce((latest, total) => (isLaterTotal(total, latest) ? total : latest));
  return { writer, salt, floor, total: 0, ...marked(mark) };
}

/** A create of a node that lives sets its properties; one of a deleted node begins a new life. */
function resolveCreate(action: Action, node: NodeState): Action {
  if (node.isAlive) {
    const properties = action.writes.length === 0 ? { properties: {} } : {};
    const json = withMembers(action.json, { type: "SET_PROPERTY", ...properties });
    return { ...action, type: "SET_PROPERTY", json };
  }
  if (!revives(node)) return action;
  return { ...action, revive: true, json: withMembers(action.json, { revive: true }) };
}
