import { type Head, readSaw } from "../model/entry.js";
import { isInteger, isObject, type JsonObject, member } from "../model/json.js";
import { compareWriters, isBucketName } from "../model/names.js";
import { checkHash } from "./digest.js";
import { damagedUnless, FileError, type SignatureCheck } from "./error.js";
import { hashesIn, textsIn } from "./lists.js";
import { readSigned } from "./signed.js";

/** What a device has seen of one bucket. */
export interface SeenBucket {
  readonly births: readonly string[];
  readonly heads: readonly Head[];
  /** hashes of the indexes that it knows to be whole */
  readonly indexes: readonly string[];
}

/** What a device has seen of a share. */
export interface SeenFile {
  readonly device: string;
  readonly count: number;
  readonly buckets: ReadonlyMap<string, SeenBucket>;
  readonly signature: SignatureCheck;
}

/**
 * Reads what a device has seen, and verifies its form, its signature and, if one is given, its hash.
 *
 * @throws FileError
 */
export async function readSeen(data: Uint8Array<ArrayBuffer>, hash?: string): Promise<SeenFile> {
  if (hash !== undefined) await checkHash(data, hash);
  const { object, signer: device, signature } = await readSigned(data, "seen", "device");
  const { count, buckets } = object;
  if (!isInteger(count, 1) || !isObject(buckets)) throw new FileError("damaged", "it does not say what a device has seen");
  const read = Object.entries(buckets).map(([name, bucket]) => [name, readBucket(name, bucket as JsonObject)] as const);
  return { device, count, signature, buckets: new Map(read) };
}

function readBucket(name: string, bucket: JsonObject): SeenBucket {
  if (!isBucketName(name) || !isObject(bucket)) throw new FileError("damaged", "no bucket");
  const heads = damagedUnless(() => readSaw(member(bucket, "heads") ?? null));
  if (heads.some((head, i) => i > 0 && compareHeads(heads[i - 1]!, head) > 0)) throw new FileError("damaged", "heads are not in order");
  return { births: textsIn(bucket, "births"), heads, indexes: hashesIn(bucket, "indexes") };
}

function compareHeads(a: Head, b: Head): number {
  return compareWriters(a[0], b[0]) || a[1] - b[1] || (a[2] < b[2] ? -1 : Number(a[2] > b[2]));
}
