import { shortHash } from "../model/names.js";
import { sha256 } from "../model/sha256.js";
import { FileError } from "./error.js";

/** Bytes below which a promise costs more than it saves. */
const FEW = 4096;

/** SHA-256 by WebCrypto where it is there, which is on pages with HTTPS; else by the model's own. */
export async function digestOf(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle || data.length < FEW) return sha256(data);
  return new Uint8Array(await subtle.digest("SHA-256", data));
}

/** A file's hash, as names have it. */
export async function hashOf(data: Uint8Array<ArrayBuffer>): Promise<string> {
  return shortHash(await digestOf(data));
}

/**
 * Checks that bytes have the hash that a name or another file gives.
 *
 * @throws FileError
 */
export async function checkHash(data: Uint8Array<ArrayBuffer>, hash: string): Promise<void> {
  if ((await hashOf(data)) !== hash) throw new FileError("damaged", `its bytes are not those of the hash ${hash}`);
}
