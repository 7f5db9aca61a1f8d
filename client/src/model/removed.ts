import type { SlotId, Span } from "./slots.js";

interface Stretch {
  from: number;
  until: number;
}

/** A set of elements that are removed, kept as stretches of numbers under each salt. */
export class Removed {
  private readonly bySalt = new Map<string, Stretch[]>();

  /** Adds a span, and tells whether that is news. */
  add(span: Span): boolean {
    const all = this.bySalt.get(span.salt) ?? [];
    let from = span.k;
    let until = span.k + span.count;
    let first = 0;
    while (first < all.length && all[first]!.until < from) first++;
    let last = first;
    for (; last < all.length && all[last]!.from <= until; last++) {
      if (all[last]!.from <= span.k && span.k + span.count <= all[last]!.until) return false;
      from = Math.min(from, all[last]!.from);
      until = Math.max(until, all[last]!.until);
    }
    all.splice(first, last - first, { from, until });
    this.bySalt.set(span.salt, all);
    return true;
  }

  /** Whether an element is removed. */
  has(id: SlotId): boolean {
    const all = this.bySalt.get(id.salt);
    if (!all) return false;
    let low = 0;
    let high = all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (all[middle]!.until <= id.k) low = middle + 1;
      else high = middle;
    }
    return low < all.length && all[low]!.from <= id.k;
  }

  /** All of it, sorted by salt and number; no two spans touch. */
  spans(): Span[] {
    const salts = [...this.bySalt.keys()].sort();
    return salts.flatMap((salt) => this.bySalt.get(salt)!.map(({ from, until }) => ({ salt, k: from, count: until - from })));
  }
}
