import { MAX_ID } from "./action.js";
import { readArrayState, type Seen } from "./deltaarray.js";
import {
  byteLength, FormatError, isArray, isInteger, isObject, type Json, type JsonObject, list, member, parseCanonical, sameJson,
} from "./json.js";
import { compareMarks, isBefore, type Mark, NO_MARK, readMark, readStamp } from "./mark.js";
import { isSalt, isWriter } from "./names.js";
import { NodeState, Vertex } from "./node.js";
import { compareRuns, type Total } from "./total.js";

/** How many slots the lines of a chunk may list together. */
export const MAX_SLOTS = 2 ** 24;

/** How deep a line may nest: two levels for each step of a path, and an array's lists at the end. */
const LINE_DEPTH = 2 * 64 + 8;

/** A node as a line of a chunk tells it. */
export interface ToldNode {
  readonly id: string;
  readonly node: NodeState;
  /** what is seen of it, `null` when it is not alive */
  readonly value: JsonObject | null;
}

/** Reads lines of one chunk, one after the other (docs/format.md, A node's state). */
export class DeltaReader {
  private room = MAX_SLOTS;

  /**
   * Reads a line.
   *
   * @throws FormatError when it is not canonical, or its value is not what its parts give.
   */
  read(line: string): ToldNode {
    const json = parseCanonical(line, LINE_DEPTH);
    const id = isObject(json) ? member(json, "id") : undefined;
    const value = isObject(json) ? member(json, "value") : undefined;
    if (!isObject(json) || typeof id !== "string" || id === "" || byteLength(id) > MAX_ID) throw new FormatError("no id");
    if (value !== null && !isObject(value)) throw new FormatError("no value");
    const reader = new LineReader(list(json, "marks").map(readMark), this.room);
    const node = reader.node(json, value ?? undefined);
    this.room = reader.room;
    if (!sameJson(node.value(), value)) throw new FormatError("its value is not what its parts give");
    return { id, node, value };
  }
}

class LineReader {
  constructor(private readonly marks: readonly Mark[], public room: number) {}

  node(json: JsonObject, value: Json | undefined): NodeState {
    const node = new NodeState();
    node.count = this.integer(member(json, "count") ?? 0);
    node.deleted = this.mark(member(json, "deleted"));
    node.created = this.mark(member(json, "created"));
    if (node.created !== NO_MARK && !node.isAlive) throw new FormatError("its create lies below its delete");
    const at = member(json, "at");
    if (at === undefined) return node;
    node.root = this.vertex(at, value, { floor: node.deleted, plain: {} }, 0);
    if (node.root.isWritten) throw new FormatError("a write has no path");
    return node;
  }

  private integer(value: Json): number {
    if (!isInteger(value, 0)) throw new FormatError("no integer from 0");
    return value;
  }

  /** The mark at a place from 1; none where it is left out. */
  private mark(place: Json | undefined): Mark {
    if (place === undefined) return NO_MARK;
    if (!isInteger(place, 1, this.marks.length)) throw new FormatError("no place of a mark");
    return this.marks[place - 1]!;
  }

  /** The floor at a place, from 0 for none. */
  private floor(place: Json | undefined): Mark {
    return place === 0 ? NO_MARK : this.mark(place);
  }

  /** Reads what stands at a path where a value is seen; above is what it takes from the path above. */
  private vertex(at: Json, value: Json | undefined, above: Seen, level: number): Vertex {
    if (level > 64) throw new FormatError("it nests too deep");
    if (typeof at === "number") return this.plain(at, value, above.floor);
    if (!isObject(at)) throw new FormatError("a path holds no object");
    const wrote = Object.hasOwn(at, "absent") ? undefined : Object.hasOwn(at, "value") ? at["value"] : value;
    const vertex = Object.hasOwn(at, "mark") ? this.plain(at["mark"]!, wrote, above.floor) : new Vertex();
    const in_ = vertex.isWritten ? { floor: vertex.mark, plain: vertex.value } : above;
    vertex.totals = list(at, "totals").map((total) => this.total(total, in_.floor));
    vertex.arrays = list(at, "arrays").map((array) => this.array(array, value, in_));
    this.children(vertex, at, value, in_, level + 1);
    checkOrder(vertex);
    return vertex;
  }

  /** A vertex that is one write. */
  private plain(place: Json, value: Json | undefined, floor: Mark): Vertex {
    const vertex = new Vertex();
    vertex.mark = this.mark(place);
    vertex.value = value;
    if (isBefore(vertex.mark, floor)) throw new FormatError("a write lies below its floor");
    return vertex;
  }

  private children(vertex: Vertex, at: JsonObject, value: Json | undefined, above: Seen, level: number): void {
    const told = member(at, "children") ?? (Object.hasOwn(at, "children") ? null : {});
    if (!isObject(told)) throw new FormatError("children is an object");
    const seen = isObject(value) ? value : {};
    const plain = isObject(above.plain) ? above.plain : {};
    const children = new Map<string, Vertex>();
    for (const [name, child] of Object.entries(told)) {
      if (child === null) continue;
      const below = { floor: above.floor, plain: member(plain, name) };
      children.set(name, this.vertex(child, member(seen, name), below, level));
    }
    if (Object.hasOwn(at, "all")) {
      for (const [name, member] of Object.entries(seen)) {
        if (!Object.hasOwn(told, name)) children.set(name, this.plain(at["all"]!, member, above.floor));
      }
    }
    if (children.size > 0) vertex.children = children;
  }

  /** Reads `[writer,salt,floor,number,position,stamp,total]`. */
  private total(told: Json, least: Mark): Total {
    const [writer, salt, place, number, position, text, total] = isArray(told) && told.length === 7 ? told : [];
    const stamp = readStamp(text);
    const isWhole = isWriter(writer) && isSalt(salt) && isInteger(number, 0) && isInteger(position, 0) && isInteger(total);
    if (!isWhole || !stamp || place === undefined) throw new FormatError("no total");
    const floor = this.floor(place);
    if (isBefore(floor, least)) throw new FormatError("a total lies below its floor");
    return { writer, salt, floor, number, position, stamp, total };
  }

  private array(told: Json, value: Json | undefined, above: Seen): ReturnType<typeof readArrayState> {
    if (!isObject(told)) throw new FormatError("an array is told by an object");
    const floor = this.mark(member(told, "floor"));
    const newest = readStamp(member(told, "newest"));
    if (!newest || isBefore(floor, above.floor)) throw new FormatError("an array without newest, or below its floor");
    this.room -= list(told, "lengths").reduce<number>((sum, length) => sum + this.integer(length), 0);
    if (this.room < 0) throw new FormatError("too many slots");
    const array = readArrayState(told, floor, value, above, (place) => this.mark(place));
    array.newest = newest;
    return array;
  }
}

/** Refuses totals and arrays that are not in their order, each once, and a path that holds nothing. */
function checkOrder(vertex: Vertex): void {
  const { totals, arrays } = vertex;
  const isSorted = totals.every((total, i) => i === 0 || compareRuns(totals[i - 1]!, total) < 0)
    && arrays.every((array, i) => i === 0 || compareMarks(arrays[i - 1]!.floor, array.floor) < 0);
  if (!isSorted || vertex.isEmpty) throw new FormatError("totals or arrays are not in order, or a path holds nothing");
}
