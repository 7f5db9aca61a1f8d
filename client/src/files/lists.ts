import { isArray, type Json, type JsonObject, member } from "../model/json.js";
import { isShortHash } from "../model/names.js";
import { FileError } from "./error.js";

/** A list that an object of a file holds; throws FileError. */
export function listOf(object: JsonObject, name: string): readonly Json[] {
  const list = member(object, name);
  if (!isArray(list)) throw new FileError("damaged", `${name} is no list`);
  return list;
}

/** A list of texts; throws FileError. */
export function textsIn(object: JsonObject, name: string): readonly string[] {
  const list = member(object, name);
  if (!isArray(list) || !list.every((item) => typeof item === "string")) throw new FileError("damaged", `${name} is no list of texts`);
  return list as readonly string[];
}

/** A sorted list of hashes of files; throws FileError. */
export function hashesIn(object: JsonObject, name: string): readonly string[] {
  const hashes = textsIn(object, name);
  if (!hashes.every((hash, i) => isShortHash(hash) && (i === 0 || hashes[i - 1]! < hash))) {
    throw new FileError("damaged", `the hashes in ${name} are not in order`);
  }
  return hashes;
}
