import { entriesOf, readSegment } from "../files/segment.js";
import { idsOf } from "../model/entry.js";
import { State } from "../model/state.js";
import type { Share } from "./share.js";
import type { ViewFile } from "./viewfile.js";

/** What the entries make that no index covers: of the nodes that they name, and of these only what they say. */
export class Tail {
  readonly state = new State();
  private readonly folded = new Set<string>();
  private named = new Set<string>();

  constructor(private readonly share: Share) {}

  /**
   * Fetches and folds the segments of a view that are not folded yet.
   *
   * @throws FileError, FetchError; what was folded before stays.
   */
  async read(view: ViewFile): Promise<void> {
    for (const segment of view.tail) {
      if (this.folded.has(segment.path)) continue;
      const read = await readSegment(await this.share.file(segment.path), segment);
      this.folded.add(segment.path);
      if (read.bucket !== view.bucket || !read.births.some((birth) => view.births.includes(birth))) continue;
      for (const entry of entriesOf(read)) {
        this.state.fold(entry);
        for (const id of idsOf(entry.actions)) this.named.add(id);
      }
    }
  }

  /** The ids of the nodes that segments named which were folded since the last call. */
  takeNamed(): Set<string> {
    const { named } = this;
    this.named = new Set();
    return named;
  }

  /** Puts ids to those that takeNamed answers. */
  name(ids: ReadonlySet<string>): void {
    for (const id of ids) this.named.add(id);
  }
}
