import { type Index, readIndex } from "../files/indexfile.js";
import { FileError } from "../files/error.js";
import { sameJson } from "../model/json.js";
import type { Share } from "./share.js";
import type { NamedIndex, ViewFile } from "./viewfile.js";

/** The live indexes of a view, and which come after which. */
export class Indexes {
  /** pairs `AFTER BEFORE` of hashes */
  private readonly isAfter = new Set<string>();

  private constructor(readonly all: readonly Index[], private readonly hashes: readonly string[]) {
    const before = new Map(all.map((index, i) => [hashes[i]!, index.before]));
    for (const hash of hashes) this.follow(hash, hash, before);
  }

  /**
   * Fetches the indexes of a view. One that shares no birth with the view is left out.
   *
   * @throws FileError, FetchError
   */
  static async load(share: Share, view: ViewFile): Promise<Indexes> {
    const read = await Promise.all(view.indexes.map(async (named) => ({ named, index: await load(share, named) })));
    const known = read.filter(({ index }) => index.bucket === view.bucket && index.births.some((birth) => view.births.includes(birth)));
    return new Indexes(known.map(({ index }) => index), known.map(({ named }) => named.hash));
  }

  private follow(from: string, at: string, before: ReadonlyMap<string, readonly string[]>): void {
    for (const hash of before.get(at) ?? []) {
      if (!before.has(hash) || this.isAfter.has(`${from} ${hash}`)) continue;
      this.isAfter.add(`${from} ${hash}`);
      this.follow(from, hash, before);
    }
  }

  /** Whether an index comes after another: its line of a node has all that the other's has. */
  comesAfter(a: number, b: number): boolean {
    return this.isAfter.has(`${this.hashes[a]} ${this.hashes[b]}`);
  }

  /**
   * The one that need not be read whole: all others come after it, and it is sorted by the order asked for. `undefined` when
   * there is none.
   */
  oldest(order: readonly string[]): number | undefined {
    const at = this.all.findIndex((index, b) => {
      return sameJson(index.order, order) && this.all.every((_, a) => a === b || this.comesAfter(a, b) && !this.comesAfter(b, a));
    });
    return at < 0 ? undefined : at;
  }

  /** Of places in indexes those whose lines count: no other one comes after them. */
  lasting<T extends { readonly index: number }>(places: readonly T[]): T[] {
    return places.filter((place) => !places.some((other) => {
      return this.comesAfter(other.index, place.index) && !this.comesAfter(place.index, other.index);
    }));
  }
}

async function load(share: Share, named: NamedIndex): Promise<Index> {
  const data = await share.file(`index/${named.name}`);
  if (data.length !== named.bytes) throw new FileError("damaged", `an index has ${data.length} bytes, not ${named.bytes}`);
  return readIndex(data, named);
}
