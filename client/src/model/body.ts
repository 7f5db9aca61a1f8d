import { type Action, MAX_DEPTH, readAction } from "./action.js";
import { MAX_LINE } from "./entry.js";
import { byteLength, canonical, depth, FormatError, isArray, isObject, type Json, member } from "./json.js";
import { atPosition, Refusal } from "./refusal.js";
import { parseStrict } from "./strict.js";

/**
 * Reads the text of an append: one action, or `{"actions":[…]}`, a transaction.
 *
 * @throws Refusal
 */
export function parseBody(text: string): Action[] {
  if (byteLength(text) > MAX_LINE) throw new Refusal("too-large", "more than 1 MiB");
  return readBody(refusing(() => parseStrict(text, MAX_DEPTH + 2)));
}

/**
 * Reads the body of an append that was parsed, or made, by this program.
 *
 * @throws Refusal
 */
export function readBody(body: Json): Action[] {
  const list = isObject(body) && Object.keys(body).length === 1 ? member(body, "actions") : undefined;
  if (!isArray(list)) return [readSent(body)];
  if (list.length === 0) throw new Refusal("invalid", "a transaction holds at least one action");
  return list.map((action, position) => atPosition(position, () => readSent(action)));
}

/** Reads an action as a caller sends it. */
export function readSent(json: Json): Action {
  return refusing(() => {
    if (depth(json) > MAX_DEPTH) throw new FormatError(`nested deeper than ${MAX_DEPTH}`);
    const action = readAction(json);
    if (action.run || action.revive || action.slots) {
      throw new FormatError("the members run, revive and slots are set by SetLogger");
    }
    const names = action.type === "CREATE_NODE" ? ["property", "path", "value"] : [];
    if (names.some((name) => Object.hasOwn(action.json, name))) {
      throw new FormatError("CREATE_NODE takes properties, not property, path or value");
    }
    return action;
  });
}

/** The same text for bodies that say the same. */
export function bodyText(text: string): string {
  return canonical(refusing(() => parseStrict(text, MAX_DEPTH + 2)));
}

function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof FormatError ? new Refusal("invalid", error.message) : error;
  }
}
