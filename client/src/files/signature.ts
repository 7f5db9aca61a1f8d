import { bytesOf, canonical, type JsonObject, member } from "../model/json.js";
import { isWriter, writerOf } from "../model/names.js";
import { FileError, type SignatureCheck } from "./error.js";

const ALGORITHM = { name: "Ed25519" };

/** A public key that every implementation takes. */
const KNOWN_KEY = "3hFUQX3LC+Zk+As/+PFMDaUTxD4FGX53O6c+NEWAiuw=";

/** Whether WebCrypto is there and knows Ed25519. */
let known: Promise<boolean> | undefined;

async function knowsEd25519(): Promise<boolean> {
  try {
    await globalThis.crypto.subtle.importKey("raw", fromBase64(KNOWN_KEY)!, ALGORITHM, false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}

/** Whether signatures can be checked here. */
export function checksSignatures(): Promise<boolean> {
  return (known ??= knowsEd25519());
}

/** The bytes of standard base64, `undefined` for anything else. */
export function fromBase64(text: unknown): Uint8Array<ArrayBuffer> | undefined {
  const isBase64 = typeof text === "string" && /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
  return isBase64 ? Uint8Array.from(atob(text), (c) => c.charCodeAt(0)) : undefined;
}

/** Who signs a file: its public key, and the writer that the key makes. */
export interface Signer {
  readonly key: unknown;
  readonly writer: string;
}

/** Reads who signs a file of a kind off the object that names the writer in a member; throws FileError unless its key makes that writer. */
export function readSigner(object: JsonObject, kind: string, named: "writer" | "device"): Signer {
  checkReader(object, kind);
  const key = member(object, "key");
  const writer = member(object, named);
  const raw = fromBase64(key);
  if (raw?.length !== 32 || !isWriter(writer) || writerOf(raw) !== writer) {
    throw new FileError("damaged", "it names no writer that its key makes");
  }
  return { key, writer };
}

/**
 * Checks that an object is signed by a key: its member signature covers `setlogger KIND\n` and its other members.
 *
 * @throws FileError when the signature does not hold.
 */
export async function checkSignature(kind: string, object: JsonObject, key: unknown): Promise<SignatureCheck> {
  const { signature, ...rest } = object;
  const signed = fromBase64(signature);
  const raw = fromBase64(key);
  if (signed?.length !== 64 || raw?.length !== 32) throw new FileError("damaged", "it has no signature, or no key");
  if (!(await checksSignatures())) return "unchecked";
  const covered = bytesOf(`setlogger ${kind}\n${canonical(rest as JsonObject)}`);
  if (!(await verifies(raw, signed, covered))) throw new FileError("damaged", "its signature is not by its key");
  return "valid";
}

async function verifies(key: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>, covered: Uint8Array<ArrayBuffer>): Promise<boolean> {
  try {
    const { subtle } = globalThis.crypto;
    const imported = await subtle.importKey("raw", key, ALGORITHM, false, ["verify"]);
    return await subtle.verify(ALGORITHM, imported, signature, covered);
  } catch {
    return false; // 32 bytes that are no point of the curve
  }
}

/** Refuses a file that a newer version alone may read. */
export function checkReader(object: JsonObject, kind: string): void {
  const least = member(object, "min_reader");
  if (member(object, "kind") !== kind) throw new FileError("damaged", `it is no ${kind}`);
  if (typeof least !== "number" || !Number.isInteger(least) || least < 1) throw new FileError("damaged", "it has no min_reader");
  if (least > 1) throw new FileError("newer", `it needs reader ${least}, this is 1: an update is needed`);
}
