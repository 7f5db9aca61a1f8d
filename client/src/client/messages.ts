/** A JSON object: a node's value, or a part of one. */
export type Value = { readonly [name: string]: unknown };

/** One record of a bucket. `rev` is `N-h`: equal nodes have equal revs on all devices. */
export interface Node {
  readonly id: string;
  readonly value: Value;
  readonly rev: string;
  /** What the bucket's schema does not allow in it; absent when all is well. */
  readonly invalid?: readonly Violation[];
}

/** One thing that a bucket's schema does not allow; `path` is a JSON Pointer. */
export interface Violation {
  readonly path: string;
  readonly reason: string;
}

/** Any Redux action that can be appended to a log. */
export interface LogAction {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** What one append takes: an action, or a transaction of several. */
export type Entry = LogAction | { readonly actions: readonly LogAction[] };

/** Answers an append. `number` is null when nothing would change; `revs` has each node that the entry touched. */
export interface Appended {
  readonly writer: string;
  readonly number: number | null;
  readonly stamp: string;
  readonly revs: Readonly<Record<string, string>>;
}

/** Answers an append of many lines. `committed` counts lines, `last` is the number of the last entry. */
export interface AppendedMany {
  readonly writer: string;
  readonly committed: number;
  readonly last: number;
}

/** Answers an undo: what it appended, what was undone (`WRITER:NUMBER`), and what was left alone. */
export interface Undone extends Appended {
  readonly entry: string;
  readonly left: readonly { readonly id?: string; readonly path: readonly string[]; readonly reason: string }[];
}

/** Some nodes in order. `next` is the cursor of the next page, null on the last one. */
export interface Page {
  readonly nodes: readonly Node[];
  readonly next: string | null;
  /** Nodes were looked at that are not answered: no stored order serves the question. */
  readonly scanned: boolean;
}

/** Which nodes, in which order. `where` has conditions such as `author:eq:ann`, all of which must hold. */
export interface PageQuery {
  readonly order?: string;
  readonly prefix?: string;
  readonly where?: string | readonly string[];
  readonly fields?: string;
  /** Nodes a page: 100 unless given, up to 1,000. */
  readonly limit?: number;
  readonly cursor?: string;
  /** A stamp, or a time as RFC 3339: the nodes as they were then. */
  readonly at?: string;
}

/** One entry as it stands in this device's log. `offset` is what `after` takes. */
export interface LogEntry {
  readonly offset: string;
  readonly writer: string;
  readonly entry: { readonly number: number; readonly stamp: string; readonly actions: readonly LogAction[]; readonly [member: string]: unknown };
}

/** Entries in the order they reached this device. */
export interface Log {
  readonly entries: readonly LogEntry[];
  readonly next: string;
}

/** What was written to one node, the last first. Not `whole`: what was before is not in this device's log. */
export interface History {
  readonly entries: readonly HistoryEntry[];
  readonly next: string | null;
  readonly whole: boolean;
}

/** An entry that names the node; `overridden` is the entry whose delete made it come to nothing. */
export interface HistoryEntry {
  readonly entry: string;
  readonly stamp: string;
  readonly time: string;
  readonly actions: readonly LogAction[];
  readonly overridden?: string;
}

/** How the whole, or a remote, stands; from best to worst. */
export type State = "idle" | "syncing" | "offline" | "problem";

/** How one bucket stands. */
export interface BucketStatus {
  readonly name: string;
  readonly writer: string;
  readonly nodes: number;
  readonly entries: number;
  /** Entries not yet seen on every remote. */
  readonly pending: number;
  readonly bytes: number;
  readonly remotes: readonly string[];
  readonly joining?: Progress;
  /** Remotes that are being given what the others have. */
  readonly filling?: readonly Filling[];
}

/** How far a remote is that is given what others have of a bucket. */
export interface Filling {
  readonly remote: string;
  readonly files: Progress;
  readonly error?: string;
}

/** Counts the nodes of something long. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** Settings of a bucket; null takes one away. */
export interface Settings {
  readonly order?: readonly string[] | null;
  readonly indexes?: readonly (readonly string[])[] | null;
  readonly chunkLimit?: number | null;
  readonly logLimit?: number | null;
  readonly publish?: boolean | null;
  readonly keepHistory?: "remote" | "local" | "none" | null;
}

/** A bucket with its settings and the orders that it keeps. */
export interface BucketShown extends BucketStatus {
  readonly settings: Settings;
  readonly indexes: readonly { readonly order: readonly string[]; readonly ready: boolean; readonly made: Progress }[];
}

/** How one remote stands; secrets in `path` are masked. */
export interface RemoteStatus {
  readonly name: string;
  readonly path: string;
  readonly share: string;
  readonly state: State;
  readonly pending: number;
  readonly last_sync: string | null;
  readonly error?: string;
  readonly paused?: boolean;
  readonly requests_per_hour: number;
  readonly budget?: number;
  readonly estimated_month?: number;
  readonly notify?: string;
  readonly encrypted?: boolean;
  /** While its share moves to another remote. */
  readonly moving?: Moving;
  readonly moved_to?: string;
}

/** How far a remote's share is on its way to another remote. */
export interface Moving {
  readonly to: string;
  readonly phase: "copying" | "verifying";
  readonly files: Progress;
  readonly error?: string;
}

/** One trouble: what was met, what its kind comes of, what works on, and what to do about it. */
export interface Problem {
  readonly name: string;
  readonly subject: string;
  readonly detail: string;
  readonly cause: string;
  readonly effect: string;
  readonly hint: string;
  readonly until?: string;
}

/** How the daemon stands. */
export interface Status {
  readonly version: string;
  readonly device: string;
  readonly started: string;
  readonly state: State;
  readonly pending: number;
  readonly last_sync: string | null;
  readonly buckets: readonly BucketStatus[];
  readonly remotes: readonly RemoteStatus[];
  readonly problems: readonly Problem[];
  readonly asking?: number;
}

/** An app that was let in, or asks to be. `token` is answered once. */
export interface App {
  readonly id: string;
  readonly name: string;
  readonly origin?: string;
  readonly scopes: readonly string[];
  readonly state: "pending" | "approved" | "active" | "denied";
  readonly code?: string;
  readonly created: string;
  readonly expires?: string;
  readonly used?: string;
  readonly token?: string;
}

/** Asks for an app to be let in. Scopes are such as `todos:rw`, `photos/*:r`. */
export interface AppRequest {
  readonly name: string;
  readonly scopes: readonly string[];
}

/** Answers the request: the person compares `code`; `secret` is what `pollApp` sends. */
export interface AppAsked extends App {
  readonly secret?: string;
}

/** A node as a stream tells of it: as it is now, or that it is gone. */
export type Told = Node | { readonly id: string; readonly deleted: true };

/** Problem of a refusal, as RFC 9457 has it. */
export interface ProblemBody {
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly hint?: string;
  readonly violations?: readonly Violation[];
  readonly line?: number;
  readonly committed?: number;
}

/** What a stream says of a bucket. After `ready` all that came before is whole, and `place` goes on from there. */
export type StreamEvent =
  | { readonly bucket: string; readonly type: "reset" }
  | { readonly bucket: string; readonly type: "snapshot" | "change"; readonly nodes: readonly Told[] }
  | { readonly bucket: string; readonly type: "ready"; readonly place: string }
  | { readonly bucket: string; readonly type: "end"; readonly error?: ProblemBody };
