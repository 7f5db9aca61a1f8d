import { isObject, type JsonObject, member, parseCanonical } from "../model/json.js";
import { hex } from "../model/names.js";
import { digestOf } from "./digest.js";
import { damagedUnless, FileError } from "./error.js";
import { inflate } from "./gzip.js";

/** A file of lines, each without its line break: a header, what stands between, an end whose hash and count hold. */
export interface FileOfLines {
  readonly header: JsonObject;
  readonly lines: readonly Uint8Array<ArrayBuffer>[];
  readonly end: JsonObject;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a gzip file of lines.
 *
 * @throws FileError
 */
export async function readLines(data: Uint8Array<ArrayBuffer>): Promise<FileOfLines> {
  const text = await inflate(data);
  const lines = split(text);
  if (lines.length < 3) throw new FileError("damaged", "it has no first line, no last line, or nothing between");
  const last = lines.pop()!;
  const header = objectOf(lines.shift()!);
  const end = objectOf(last);
  const above = text.subarray(0, text.length - last.length - 1);
  if (member(end, "kind") !== "end" || member(end, "sha256") !== hex(await digestOf(above)) || member(end, "count") !== lines.length) {
    throw new FileError("damaged", "its last line does not fit the lines above");
  }
  return { header, lines, end };
}

/** Cuts text that ends in a line break into its lines. */
function split(text: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const lines: Uint8Array<ArrayBuffer>[] = [];
  let start = 0;
  for (let end = text.indexOf(0x0a); end >= 0; end = text.indexOf(0x0a, start)) {
    lines.push(text.subarray(start, end));
    start = end + 1;
  }
  if (start !== text.length) throw new FileError("damaged", "it does not end in a line break");
  return lines;
}

/** A line's text, `undefined` if it is no UTF-8. */
export function textOf(line: Uint8Array): string | undefined {
  try {
    return decoder.decode(line);
  } catch {
    return undefined;
  }
}

/**
 * Reads a line that must be an object of canonical JSON.
 *
 * @throws FileError
 */
export function objectOf(line: Uint8Array): JsonObject {
  const text = textOf(line);
  const object = text === undefined ? undefined : damagedUnless(() => parseCanonical(text, 136));
  if (!isObject(object)) throw new FileError("damaged", "no object of canonical JSON");
  return object;
}
