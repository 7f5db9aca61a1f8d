/** Tells in which of the chunks that were read a node may stand. It costs four bytes a node: a hash of its id. */
export class ReadChunks {
  private readonly hashes: Uint32Array[] = [];
  /** where the last line of each stands in the order */
  private readonly lasts: string[] = [];

  /** How many were read. */
  get count(): number {
    return this.lasts.length;
  }

  /** Adds the chunk that comes next, with its ids and the place of its last line. */
  add(ids: Iterable<string>, last: string): void {
    this.hashes.push(Uint32Array.from(ids, hashOf).sort());
    this.lasts.push(last);
  }

  /** The chunks in which an id may stand: in no other one it does. */
  withId(id: string): number[] {
    const hash = hashOf(id);
    return [...this.hashes.keys()].filter((chunk) => has(this.hashes[chunk]!, hash));
  }

  /** The chunks with lines between two places, both included. */
  between(first: string, last: string): number[] {
    return [...this.lasts.keys()].filter((chunk) => this.lasts[chunk]! >= first && (this.lasts[chunk - 1] ?? "") < last);
  }
}

/** FNV-1a over UTF-16 code units. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function has(sorted: Uint32Array, hash: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < hash) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === hash;
}
