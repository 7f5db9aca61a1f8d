import type { Action } from "./action.js";
import { bodyText, parseBody } from "./body.js";
import { Clock } from "./clock.js";
import { compose } from "./compose.js";
import { Runs } from "./composearray.js";
import { type Entry, idsOf } from "./entry.js";
import { type Stamp } from "./mark.js";
import { NodeState } from "./node.js";
import { type EntryId, entryId, Past } from "./past.js";
import { Refusal } from "./refusal.js";
import { State } from "./state.js";
import { type Left, undo } from "./undo.js";

/** What an append depends on, and by what it is known when it comes again. */
export interface AppendOptions {
  /** the wall clock, Unix milliseconds */
  readonly now: number;
  /** 16 hex digits of chance, of the entry if one comes of it */
  readonly salt: string;
  /** an Idempotency-Key */
  readonly key?: string;
  /** the rev that the one node which the entry names must have */
  readonly match?: string;
}

/** What came of an append. */
export interface Receipt {
  /** of the entry; `null` when nothing would change, so that nothing was appended */
  readonly number: number | null;
  readonly stamp?: Stamp;
  /** the line that was appended */
  readonly line?: string;
  /** whether an earlier append with the same key answered this */
  readonly isRepeated: boolean;
}

/** What came of an undo. */
export interface UndoReceipt extends Receipt {
  readonly left: readonly Left[];
}

/** One writer's bucket in memory: its log, its state, and what appends need to know. Nothing of it is kept on disk. */
export class Bucket {
  readonly state = new State();
  /** all applicable entries, in the order they came */
  readonly log: Entry[] = [];
  private number = 0;
  private readonly clock = new Clock();
  private readonly runs = new Runs();
  private readonly answers = new Map<string, { readonly body: string; readonly receipt: Receipt }>();

  constructor(readonly writer: string) {}

  /** Folds an entry of another writer; the state ignores one that it has. */
  receive(entry: Entry, now: number): void {
    this.clock.observe(now, entry.stamp);
    this.log.push(entry);
    this.state.fold(entry);
  }

  /**
   * Appends one entry: the text of an action, or of a transaction `{"actions":[…]}`.
   *
   * @throws Refusal, and nothing is appended.
   */
  append(text: string, options: AppendOptions): Receipt {
    const actions = parseBody(text);
    const body = options.key === undefined ? "" : bodyText(text);
    const known = options.key === undefined ? undefined : this.answers.get(options.key);
    if (known && known.body !== body) throw new Refusal("reused", "the key came with another body before");
    if (known) return { ...known.receipt, isRepeated: true };
    if (this.state.closed) throw new Refusal("closed", "the bucket takes no more entries");
    if (options.match !== undefined) this.check(actions, options.match);
    const receipt = this.add(actions, options);
    if (options.key !== undefined) this.answers.set(options.key, { body, receipt });
    return receipt;
  }

  /**
   * Undoes an entry of the log, by another entry.
   *
   * @throws Refusal when it is undone already.
   */
  undo(id: EntryId, options: AppendOptions): UndoReceipt {
    const entry = this.log.find((entry) => entryId(entry) === id);
    if (!entry) throw new Refusal("invalid", `there is no entry ${id}`);
    const past = new Past(entry);
    for (const other of this.log) past.add(other);
    if (past.undoOf(id) !== undefined) throw new Refusal("undone", "it is undone already");
    const { actions, left } = undo(past, this.state);
    if (actions.length === 0) return { number: null, isRepeated: false, left };
    return { ...this.add(actions, options), left };
  }

  /** Checks the rev of the one node that actions name. */
  private check(actions: readonly Action[], match: string): void {
    const [id, ...others] = idsOf(actions);
    if (id === undefined || others.length > 0) throw new Refusal("invalid", "If-Match needs an entry that names one node");
    const node = this.state.nodes.get(id) ?? new NodeState();
    if (node.rev() !== match) throw new Refusal("match", `it is at ${node.rev()}`);
  }

  private add(actions: readonly Action[], { now, salt }: AppendOptions): Receipt {
    const { writer, clock, runs } = this;
    const composed = compose(this.state, { writer, number: this.number + 1, salt, now, clock, runs }, actions);
    if (!composed) return { number: null, isRepeated: false };
    this.number++;
    this.log.push(composed.entry);
    const { entry, line } = composed;
    return { number: entry.number, stamp: entry.stamp, line, isRepeated: false };
  }
}
