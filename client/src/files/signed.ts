import type { JsonObject } from "../model/json.js";
import { FileError, type SignatureCheck } from "./error.js";
import { MAX_INFLATED } from "./gzip.js";
import { objectOf } from "./lines.js";
import { checkSignature, readSigner } from "./signature.js";

/** A file that is one signed object: the object, the writer that signed it, and whether that was checked. */
export interface SignedFile {
  readonly object: JsonObject;
  readonly signer: string;
  readonly signature: SignatureCheck;
}

/**
 * Reads a file that is one signed object of a kind, in canonical JSON with a line break, and verifies its signature. The object
 * names who signed it in a member, the key beside it. What else it says is for the caller to read.
 *
 * @throws FileError
 */
export async function readSigned(data: Uint8Array<ArrayBuffer>, kind: string, named: "writer" | "device"): Promise<SignedFile> {
  if (data.length > MAX_INFLATED || data.at(-1) !== 0x0a) throw new FileError("damaged", "it does not end in a line break");
  const object = objectOf(data.subarray(0, -1));
  const { key, writer } = readSigner(object, kind, named);
  return { object, signer: writer, signature: await checkSignature(kind, object, key) };
}
