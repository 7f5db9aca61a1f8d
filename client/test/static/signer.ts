import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { gzipSync } from "node:zlib";
import { segmentName } from "../../src/files/filename.js";
import { bytesOf, canonical, type Json, type JsonObject } from "../../src/model/json.js";
import { bucketId, firstChain, hex, nextChain, shortHash, writerOf } from "../../src/model/names.js";

/** A file as it stands in a share. */
export interface MadeFile {
  readonly path: string;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly hash: string;
}

/** A file of a path that its hash is part of. */
export function fileOf(data: Uint8Array, path: (hash: string) => string): MadeFile {
  const hash = shortHash(createHash("sha256").update(data).digest());
  return { path: path(hash), data: new Uint8Array(data), hash };
}

/** A gzip file of a header, lines, and an end that the header and lines give. */
export function linesFile(header: Json, lines: readonly string[], end: (sha256: string) => Json): Uint8Array {
  const above = [canonical(header), ...lines].map((line) => line + "\n").join("");
  return gzipSync(above + canonical(end(createHash("sha256").update(above).digest("hex"))) + "\n");
}

/** A key pair that signs files as docs/format.md has it. */
export class Signer {
  readonly name: string;
  readonly key: string;
  private readonly secret: KeyObject;

  constructor() {
    const pair = generateKeyPairSync("ed25519");
    const raw = pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
    this.secret = pair.privateKey;
    this.key = raw.toString("base64");
    this.name = writerOf(raw);
  }

  /** An object with its signature. */
  signed(kind: string, object: JsonObject): JsonObject {
    const covered = Buffer.from(`setlogger ${kind}\n${canonical(object)}`);
    return { ...object, signature: sign(null, covered, this.secret).toString("base64") };
  }

  /** A file that is one signed object. */
  object(kind: string, object: JsonObject): Uint8Array {
    return bytesOf(canonical(this.signed(kind, object)) + "\n");
  }

  /** The segment of all entries of this writer from entry 1. */
  segment(bucket: string, births: readonly string[], lines: readonly string[]): MadeFile {
    const previous = firstChain(bucket, this.name);
    const chain = lines.reduce((chain, line) => nextChain(chain, bytesOf(line)), previous);
    const header = { births, bucket, first: 1, format: 1, key: this.key, kind: "segment", min_reader: 1, writer: this.name };
    const data = linesFile(header, lines, (sha256) => this.signed("segment", {
      chain: hex(chain), count: lines.length, kind: "end", previous: hex(previous), sha256,
    }));
    return fileOf(data, (hash) => `log/${segmentName({ bucket: bucketId(bucket), writer: this.name, first: 1, last: lines.length, hash })}`);
  }
}
