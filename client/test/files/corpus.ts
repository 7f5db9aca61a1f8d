import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { canonical, compareText, type JsonObject, withMembers } from "../../src/model/json.js";
import type { State } from "../../src/model/state.js";
import { TESTDATA } from "../model/vectors.js";

/** The bytes of a file of testdata. */
export function testdata(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

/** The files of a gzipped tar of testdata, by path. */
export function untar(name: string): Map<string, Uint8Array<ArrayBuffer>> {
  const tar = gunzipSync(testdata(name));
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const text = (at: number, length: number): string => tar.toString("utf8", at, at + length).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    const prefix = text(at + 345, 155);
    const path = (prefix === "" ? "" : prefix + "/") + text(at, 100);
    if (tar[at + 156] === 0x30 || tar[at + 156] === 0) files.set(path, new Uint8Array(tar.subarray(at + 512, at + 512 + size)));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** A node as `setlogger export` prints it. */
export function exportedLine(id: string, value: JsonObject): string {
  return canonical(withMembers(value, { id })) + "\n";
}

/** The nodes of a state as `setlogger export` prints them. */
export function exported(state: State): string {
  const alive = [...state.nodes].filter(([, node]) => node.isAlive).sort(([a], [b]) => compareText(a, b));
  return alive.map(([id, node]) => {
    return exportedLine(id, node.value()!);
  }).join("");
}
