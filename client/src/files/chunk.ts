import { DeltaReader, type ToldNode } from "../model/delta.js";
import { member } from "../model/json.js";
import { isBucketName } from "../model/names.js";
import { damagedUnless, FileError } from "./error.js";
import { readLines, textOf } from "./lines.js";
import { checkReader } from "./signature.js";

/** Some nodes of a bucket as one index holds them; verified but for its hash, which the index names. */
export interface Chunk {
  readonly bucket: string;
  /** the id of the index that it belongs to */
  readonly index: string;
  readonly lines: readonly Uint8Array<ArrayBuffer>[];
}

/**
 * Reads a chunk, and checks its form, count and hash. Its nodes are read by nodesOf.
 *
 * @throws FileError
 */
export async function readChunk(data: Uint8Array<ArrayBuffer>): Promise<Chunk> {
  const { header, lines } = await readLines(data);
  checkReader(header, "chunk");
  const bucket = member(header, "bucket");
  const index = member(header, "index");
  if (!isBucketName(bucket) || !isIndexId(index)) throw new FileError("damaged", "its first line is no chunk's");
  return { bucket, index, lines };
}

/** Whether a value is the id of an index. */
export function isIndexId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{32}$/.test(value);
}

/**
 * The nodes of a chunk in order.
 *
 * @throws FileError for a line that is no node's.
 */
export function nodesOf(chunk: Chunk): ToldNode[] {
  return [...eachNode(chunk)];
}

/** The same, read one by one. */
export function* eachNode(chunk: Chunk): Generator<ToldNode> {
  const reader = new DeltaReader();
  const seen = new Set<string>();
  for (const line of chunk.lines) {
    const told = damagedUnless(() => reader.read(textOf(line) ?? ""));
    if (seen.has(told.id)) throw new FileError("damaged", `the node ${JSON.stringify(told.id)} stands twice`);
    seen.add(told.id);
    yield told;
  }
}
