import { FileError } from "./error.js";

/** The most that a file may inflate to, in bytes. */
export const MAX_INFLATED = 64 * 2 ** 20;

/**
 * Inflates a gzip file of one member, within the limit and to its very end.
 *
 * @throws FileError
 */
export async function inflate(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  if (data.length < 18 || data[0] !== 0x1f || data[1] !== 0x8b) throw new FileError("damaged", "it is no gzip file");
  const text = await collect(data);
  const trailer = new DataView(data.buffer, data.byteOffset + data.length - 8);
  // implementations differ in what they say of bytes behind the end
  if (trailer.getUint32(4, true) !== text.length || trailer.getUint32(0, true) !== crc32(text)) {
    throw new FileError("damaged", "it is cut short, or something stands behind its end");
  }
  return text;
}

async function collect(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const part = next.value as Uint8Array;
      length += part.length;
      if (length > MAX_INFLATED) {
        await reader.cancel();
        throw new FileError("damaged", "it inflates to more than 64 MiB");
      }
      parts.push(part);
    }
  } catch (error) {
    throw error instanceof FileError ? error : new FileError("damaged", `no gzip: ${String(error)}`, { cause: error });
  }
  return joined(parts, length);
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let i = 0; i < 8; i++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** CRC-32 as gzip has it (RFC 1952). */
export function crc32(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < data.length; i++) crc = TABLE[(crc ^ data[i]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
