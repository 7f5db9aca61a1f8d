import { damagedUnless, FileError, type SignatureCheck } from "../files/error.js";
import { type IndexName, parseIndexName, parseSegmentName, type SegmentName } from "../files/filename.js";
import { listOf, textsIn } from "../files/lists.js";
import { readSigned } from "../files/signed.js";
import { DeltaReader, type ToldNode } from "../model/delta.js";
import { canonical, isInteger, isObject, type Json, type JsonObject, member } from "../model/json.js";
import { bucketId, isBucketName } from "../model/names.js";
import { parseOrder } from "../model/order.js";

/** A segment that a view names. */
export interface TailSegment extends SegmentName {
  /** with its folder */
  readonly path: string;
}

/** An index that a view names. */
export interface NamedIndex extends IndexName {
  readonly name: string;
  readonly bytes: number;
}

/** What a published view says (docs/format.md, Published views). */
export interface ViewFile {
  readonly bucket: string;
  readonly births: readonly string[];
  readonly device: string;
  readonly count: number;
  /** the first nodes in order, whole */
  readonly top: readonly ToldNode[];
  readonly indexes: readonly NamedIndex[];
  /** how many nodes are alive */
  readonly nodes: number;
  readonly order: readonly string[];
  readonly tail: readonly TailSegment[];
  /** of writing, Unix milliseconds */
  readonly time: number;
  readonly signature: SignatureCheck;
}

/** The path of a bucket's view in its share. */
export function viewPath(bucket: string): string {
  return `view/${bucketId(bucket)}/index.json`;
}

/**
 * Reads the view of a bucket, and verifies its form and signature.
 *
 * @throws FileError
 */
export async function readView(data: Uint8Array<ArrayBuffer>, bucket: string): Promise<ViewFile> {
  const { object, signer: device, signature } = await readSigned(data, "view", "device");
  if (member(object, "bucket") !== bucket || !isBucketName(bucket)) throw new FileError("other", "it is of another bucket");
  return damagedUnless(() => ({ ...readParts(object, bucketId(bucket)), bucket, device, signature }));
}

function readParts(object: JsonObject, id: string): Omit<ViewFile, "bucket" | "device" | "signature"> {
  const { count, nodes, time } = object;
  if (!isInteger(count, 1) || !isInteger(nodes, 0) || !isInteger(time, 0)) throw new FileError("damaged", "it is not a whole view");
  const order = textsIn(object, "order");
  parseOrder(order);
  const reader = new DeltaReader();
  return {
    count, nodes, time, order,
    births: textsIn(object, "births"),
    top: listOf(object, "top").map((line) => reader.read(canonical(line))),
    indexes: listOf(object, "indexes").map((index) => readNamed(index, id)),
    tail: textsIn(object, "tail").map((path) => readTail(path, id)),
  };
}

function readNamed(value: Json, bucket: string): NamedIndex {
  const { name, bytes } = isObject(value) ? value : {};
  const parts = typeof name === "string" ? parseIndexName(name) : undefined;
  if (parts?.bucket !== bucket || typeof name !== "string" || !isInteger(bytes, 1)) throw new FileError("damaged", "no index");
  return { ...parts, name, bytes };
}

function readTail(path: string, bucket: string): TailSegment {
  const [, name] = /^(?:log|past)\/([^/]*)$/.exec(path) ?? [];
  const parts = name === undefined ? undefined : parseSegmentName(name);
  if (parts?.bucket !== bucket) throw new FileError("damaged", "no segment");
  return { ...parts, path };
}
