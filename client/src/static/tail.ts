import { entriesOf, readSegment } from "../files/segment.js";
import { type Entry, idsOf } from "../model/entry.js";
import { State } from "../model/state.js";
import type { Share } from "./share.js";
import type { TailSegment, ViewFile } from "./viewfile.js";

/** Segments that were read and verified, and are not folded yet. */
export interface Late {
  readonly paths: readonly string[];
  readonly entries: readonly Entry[];
  /** of the nodes that they name */
  readonly ids: ReadonlySet<string>;
}

/** What the entries make that no index covers: of the nodes that they name, and of these only what they say. */
export class Tail {
  readonly state = new State();
  private readonly folded = new Set<string>();

  constructor(private readonly share: Share) {}

  /**
   * Fetches the segments of a view that are not folded yet. Nothing changes.
   *
   * @throws FileError, FetchError
   */
  async read(view: ViewFile): Promise<Late> {
    const paths: string[] = [];
    const entries: Entry[] = [];
    for (const segment of this.unread(view)) {
      for (const entry of await this.entries(view, segment)) entries.push(entry);
      paths.push(segment.path);
    }
    return { paths, entries, ids: new Set(entries.flatMap((entry) => [...idsOf(entry.actions)])) };
  }

  /**
   * Fetches them and folds each at once.
   *
   * @throws FileError, FetchError; what was folded before stays.
   */
  async readAndFold(view: ViewFile): Promise<void> {
    for (const segment of this.unread(view)) this.fold({ paths: [segment.path], entries: await this.entries(view, segment) });
  }

  private unread(view: ViewFile): TailSegment[] {
    return view.tail.filter(({ path }) => !this.folded.has(path));
  }

  /** The entries of a segment; none of one that shares no birth with the view. */
  private async entries(view: ViewFile, segment: TailSegment): Promise<Entry[]> {
    const read = await readSegment(await this.share.file(segment.path), segment);
    const isOurs = read.bucket === view.bucket && read.births.some((birth) => view.births.includes(birth));
    return isOurs ? [...entriesOf(read)] : [];
  }

  /** Folds what was read. */
  fold({ paths, entries }: Pick<Late, "paths" | "entries">): void {
    for (const entry of entries) this.state.fold(entry);
    for (const path of paths) this.folded.add(path);
  }
}
