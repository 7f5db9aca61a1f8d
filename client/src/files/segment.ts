import { type Entry, MAX_LINE, readEntry } from "../model/entry.js";
import { FormatError, isInteger, type JsonObject, MAX_INTEGER, member } from "../model/json.js";
import { bucketId, firstChain, fromHex, hex, isBucketName, isChain, nextChain } from "../model/names.js";
import { checkHash } from "./digest.js";
import { FileError, type SignatureCheck } from "./error.js";
import type { SegmentName } from "./filename.js";
import { readLines, textOf } from "./lines.js";
import { textsIn } from "./lists.js";
import { checkSignature, readSigner } from "./signature.js";

/** The most entries of a segment. */
const MAX_ENTRIES = 2 ** 20;

/** Consecutive entries of one writer in one bucket, verified. */
export interface Segment {
  readonly bucket: string;
  readonly births: readonly string[];
  readonly writer: string;
  /** numbers of the first and the last entry */
  readonly first: number;
  readonly last: number;
  /** the chain before the first and after the last entry, hex */
  readonly previous: string;
  readonly chain: string;
  readonly lines: readonly Uint8Array<ArrayBuffer>[];
  readonly signature: SignatureCheck;
}

/**
 * Reads a segment and verifies its hashes, count, chain and signature; with a name also that it is the one of that name.
 *
 * @throws FileError
 */
export async function readSegment(data: Uint8Array<ArrayBuffer>, name?: SegmentName): Promise<Segment> {
  if (name) await checkHash(data, name.hash);
  const { header, lines, end } = await readLines(data);
  const { key, writer } = readSigner(header, "segment", "writer");
  const bucket = member(header, "bucket");
  const first = member(header, "first");
  if (!isBucketName(bucket) || !isInteger(first, 1)) throw new FileError("damaged", "its first line has no bucket or no first");
  const last = first + lines.length - 1;
  if (lines.length > MAX_ENTRIES || last > MAX_INTEGER || lines.some((line) => line.length > MAX_LINE)) {
    throw new FileError("damaged", "it holds too many entries, or a line over 1 MiB");
  }
  const signature = await checkSignature("segment", end, key);
  const { previous, chain } = checkChain(bucket, writer, first, lines, end);
  if (name && (name.bucket !== bucketId(bucket) || name.writer !== writer || name.first !== first || name.last !== last)) {
    throw new FileError("other", "its name says something else");
  }
  return { bucket, births: textsIn(header, "births"), writer, first, last, previous, chain, lines, signature };
}

function checkChain(
  bucket: string, writer: string, first: number, lines: readonly Uint8Array[], end: JsonObject,
): { previous: string; chain: string } {
  const previous = member(end, "previous");
  if (!isChain(previous)) throw new FileError("damaged", "it has no previous chain");
  if (first === 1 && previous !== hex(firstChain(bucket, writer))) throw new FileError("damaged", "its chain begins elsewhere");
  const chain = hex(lines.reduce((chain, line) => nextChain(chain, line), fromHex(previous)));
  if (chain !== member(end, "chain")) throw new FileError("damaged", "its chain does not reach its end");
  return { previous, chain };
}

/** The entries of a segment in order, without those that count and change nothing. */
export function* entriesOf(segment: Segment): Generator<Entry> {
  for (const [i, line] of segment.lines.entries()) {
    try {
      yield readEntry(segment.writer, segment.first + i, textOf(line) ?? "");
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
}
