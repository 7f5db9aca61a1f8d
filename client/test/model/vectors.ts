import { readdirSync, readFileSync } from "node:fs";
import type { Json, JsonObject } from "../../src/model/json.js";

/** The folder of testdata, seen from dist/test/model. */
export const TESTDATA = new URL("../../../../testdata/", import.meta.url);

/** An entry of a case of the form fold. */
export interface Said {
  readonly writer: string;
  readonly number?: number;
  readonly entry?: JsonObject;
  readonly line?: string;
}

/** A step of a case of the forms append and keys. */
export interface Step {
  readonly device: string;
  readonly from?: string;
  readonly now?: number;
  readonly salt?: string;
  readonly send?: Json;
  readonly text?: string;
  readonly undo?: string;
  readonly key?: string;
  readonly match?: string;
  readonly expect?: { readonly [name: string]: Json };
}

/** A case of testdata/vectors. */
export interface Vector {
  readonly name: string;
  readonly entries?: readonly Said[];
  readonly steps?: readonly Step[];
  readonly state?: JsonObject;
  /** lines of nodes */
  readonly told?: JsonObject;
  readonly key?: string;
  readonly writer?: string;
  readonly bucket?: string;
  readonly bucketId?: string;
  readonly lines?: readonly string[];
  readonly chains?: readonly string[];
  readonly sorted?: readonly string[];
}

/** All cases, by file. */
export function vectors(): [file: string, cases: Vector[]][] {
  const folder = new URL("vectors/", TESTDATA);
  const files = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
  return files.map((name) => [name, JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Vector[]]);
}
