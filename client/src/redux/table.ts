/**
 * Things by id, in plain data, of which a changed copy is cheap to make: the ids are spread over parts, and only the parts that
 * change are copied.
 */
export type Table<T> = Readonly<Record<number, Readonly<Record<string, T>>>>;

const parts = 1024;

function partOf(id: string): number {
  let hash = 0;
  for (let i = 0; i < id.length; i++) hash = (hash * 31 + id.charCodeAt(i)) | 0;
  return hash & (parts - 1);
}

/** What is under an id; undefined when nothing is. */
export const at = <T>(table: Table<T>, id: string): T | undefined => table[partOf(id)]?.[id];

/** A copy with other things under some ids; undefined takes one away. */
export function changed<T>(table: Table<T>, changes: Iterable<readonly [string, T | undefined]>): Table<T> {
  const out: Record<number, Record<string, T>> = { ...table };
  for (const [id, thing] of changes) {
    const part = partOf(id);
    if (out[part] === table[part]) out[part] = Object.assign(Object.create(null), table[part]) as Record<string, T>;
    if (thing === undefined) delete out[part]![id];
    else out[part]![id] = thing;
  }
  return out;
}

/** All ids, in no order. */
export const idsIn = (table: Table<unknown>): string[] => Object.values(table).flatMap(Object.keys);
