import { bytesOf } from "./json.js";
import { sha256 } from "./sha256.js";

/** How writers, buckets, files and chains are named (docs/format.md, Encodings). */

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** base32 of RFC 4648 in lower case, without padding. */
export function base32(data: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of data) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET.charAt((held >> (bits - 5)) & 31);
  }
  return bits > 0 ? text + ALPHABET.charAt((held << (5 - bits)) & 31) : text;
}

/** Bytes in lower-case hex. */
export function hex(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** The bytes of lower-case hex. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** The writer of a raw Ed25519 public key: 16 characters. */
export function writerOf(key: Uint8Array): string {
  return base32(sha256(key).subarray(0, 10));
}

/** What a bucket is called in names of files: 16 characters. */
export function bucketId(name: string): string {
  return base32(sha256(bytesOf("bucket:" + name)).subarray(0, 10));
}

/** A file's hash, of the SHA-256 of its bytes: 26 characters. */
export function shortHash(digest: Uint8Array): string {
  return base32(digest.subarray(0, 16));
}

/** Whether a text is the name of a bucket. */
export function isBucketName(name: unknown): name is string {
  return typeof name === "string" && /^[a-z0-9][a-z0-9._/-]{0,127}$/.test(name);
}

/** Whether a text is a writer. */
export function isWriter(text: unknown): text is string {
  return typeof text === "string" && /^[a-z2-7]{16}$/.test(text);
}

/** Whether a text is a file's hash, or the first half of a chain: 128 bits, so that the last two of its 130 are 0. */
export function isShortHash(text: unknown): text is string {
  return typeof text === "string" && /^[a-z2-7]{25}[aeimquy4]$/.test(text);
}

/** Whether a text is a salt. */
export function isSalt(text: unknown): text is string {
  return typeof text === "string" && /^[0-9a-f]{16}$/.test(text);
}

/** Whether a text is a chain in hex. */
export function isChain(text: unknown): text is string {
  return typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
}

/** Orders writers as the 80 bits that they are: in base32 letters stand for less than digits do. */
export function compareWriters(a: string, b: string): number {
  if (a === b) return 0;
  for (let i = 0; i < a.length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return x < 0x61 === y < 0x61 ? x - y : y - x;
  }
  return a.length - b.length;
}

/** The chain before a writer's entry 1, 32 bytes. */
export function firstChain(bucket: string, writer: string): Uint8Array<ArrayBuffer> {
  return sha256(bytesOf(`setlogger\n${bucket}\n${writer}`));
}

/** The chain after an entry, of the one before it and the bytes of the entry's line. */
export function nextChain(chain: Uint8Array, line: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(chain, line);
}
