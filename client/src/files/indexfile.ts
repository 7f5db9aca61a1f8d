import { isInteger, isObject, type Json, type JsonObject, member } from "../model/json.js";
import { readMark } from "../model/mark.js";
import { bucketId, compareWriters, firstChain, hex, isBucketName, isChain, isShortHash, isWriter } from "../model/names.js";
import { parseOrder } from "../model/order.js";
import { NO_SCHEMA, type Schema } from "../model/state.js";
import { isIndexId } from "./chunk.js";
import { checkHash } from "./digest.js";
import { damagedUnless, FileError, type SignatureCheck } from "./error.js";
import type { IndexName } from "./filename.js";
import { MAX_INFLATED } from "./gzip.js";
import { hashesIn, listOf, textsIn } from "./lists.js";
import { readSigned } from "./signed.js";

/** A stretch of one writer's entries, and the chain at both of its ends, hex. */
export interface Range {
  readonly writer: string;
  readonly first: number;
  readonly last: number;
  readonly previous: string;
  readonly chain: string;
}

/** A chunk as its index names it. */
export interface ChunkRef {
  readonly bytes: number;
  /** nodes in it */
  readonly count: number;
  readonly hash: string;
}

/** Names the chunks that hold all nodes which the entries of its coverage touched. */
export interface Index {
  readonly id: string;
  readonly bucket: string;
  readonly births: readonly string[];
  readonly writer: string;
  readonly level: number;
  readonly coverage: readonly Range[];
  readonly chunks: readonly ChunkRef[];
  readonly nodes: number;
  /** by which the nodes are sorted, across all chunks */
  readonly order: readonly string[];
  /** hashes of indexes that it replaces */
  readonly merges: readonly string[];
  /** hashes of others that its writer had taken in */
  readonly before: readonly string[];
  readonly schema: Schema;
  readonly closed: boolean;
  readonly signature: SignatureCheck;
}

/**
 * Reads an index, and verifies its form and its signature; with a name also that it is the one of that name. That its chunks
 * are there is for the caller to see.
 *
 * @throws FileError
 */
export async function readIndex(data: Uint8Array<ArrayBuffer>, name?: IndexName): Promise<Index> {
  if (name) await checkHash(data, name.hash);
  const { object, signer: writer, signature } = await readSigned(data, "index", "writer");
  const index = damagedUnless(() => ({ ...readParts(object), writer, signature }));
  if (name && (name.bucket !== bucketId(index.bucket) || name.level !== index.level)) {
    throw new FileError("other", "its name says something else");
  }
  return index;
}

function readParts(object: JsonObject): Omit<Index, "writer" | "signature"> {
  const { id, bucket, level, nodes, closed } = object;
  const chunks = listOf(object, "chunks").map(readChunkRef);
  const order = textsIn(object, "order");
  parseOrder(order);
  const isWhole = isIndexId(id) && isBucketName(bucket) && isInteger(level, 0, 99) && typeof closed === "boolean";
  if (!isWhole || nodes !== chunks.reduce((sum, { count }) => sum + count, 0)) throw new FileError("damaged", "it is not a whole index");
  return {
    id, bucket, level, nodes, closed, chunks, order,
    births: textsIn(object, "births"),
    merges: hashesIn(object, "merges"),
    before: hashesIn(object, "before"),
    coverage: readCoverage(listOf(object, "coverage"), bucket),
    schema: readSchema(member(object, "schema")),
  };
}

function readChunkRef(value: Json): ChunkRef {
  const { bytes, count, hash } = isObject(value) ? value : {};
  if (!isInteger(bytes, 1, MAX_INFLATED) || !isInteger(count, 1) || !isShortHash(hash)) throw new FileError("damaged", "no chunk");
  return { bytes, count, hash };
}

/**
 * Reads coverage, which is sorted; of a bucket, a range from entry 1 begins with the chain before that.
 *
 * @throws FileError
 */
export function readCoverage(list: readonly Json[], bucket: string): readonly Range[] {
  const ranges = list.map((value): Range => {
    const { writer, first, last, previous, chain } = isObject(value) ? value : {};
    const isRange = isWriter(writer) && isInteger(first, 1) && isInteger(last, first) && isChain(previous) && isChain(chain);
    if (!isRange || first === 1 && previous !== hex(firstChain(bucket, writer))) throw new FileError("damaged", "no range");
    return { writer, first, last, previous, chain };
  });
  if (ranges.some((range, i) => i > 0 && compareRanges(ranges[i - 1]!, range) >= 0)) {
    throw new FileError("damaged", "its coverage is not in order");
  }
  return ranges;
}

function compareRanges(a: Range, b: Range): number {
  const texts = a.chain === b.chain ? [a.previous, b.previous] as const : [a.chain, b.chain] as const;
  return compareWriters(a.writer, b.writer) || a.first - b.first || a.last - b.last || (texts[0] < texts[1] ? -1 : Number(texts[0] > texts[1]));
}

function readSchema(value: Json | undefined): Schema {
  if (value === null) return NO_SCHEMA;
  const schema = isObject(value) ? member(value, "schema") : undefined;
  if (!isObject(value) || schema !== null && !isObject(schema)) throw new FileError("damaged", "its schema is malformed");
  return { mark: readMark(member(value, "mark")), value: schema };
}
