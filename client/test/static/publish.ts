import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { nodesOf, readChunk } from "../../src/files/chunk.js";
import { chunkName, parseIndexName, parseSegmentName } from "../../src/files/filename.js";
import { type Index, readIndex } from "../../src/files/indexfile.js";
import { entriesOf, readSegment, type Segment } from "../../src/files/segment.js";
import { canonical, type Json, type JsonObject } from "../../src/model/json.js";
import { writeDelta } from "../../src/model/deltawrite.js";
import { bucketId, writerOf } from "../../src/model/names.js";
import { orderKey, orderOf, parseOrder } from "../../src/model/order.js";
import { laterSchema, State } from "../../src/model/state.js";
import { viewPath } from "../../src/static/viewfile.js";

const MAX_TOP = 32 * 1024;

/** A device that publishes views of a share in a folder, as docs/format.md has it. */
export class Publisher {
  readonly device: string;
  private readonly key: KeyObject;
  private readonly publicKey: Buffer;
  private count = 0;

  constructor(private readonly folder: string, private readonly bucket: string) {
    const pair = generateKeyPairSync("ed25519");
    this.key = pair.privateKey;
    this.publicKey = pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
    this.device = writerOf(this.publicKey);
  }

  /** Writes the view of what the share holds, and answers how many bytes it has. */
  async publish(): Promise<number> {
    const all = await this.indexes();
    const live = [...all].filter(([, { index }]) => ![...all.values()].some((other) => other.index.merges.includes(index.hash)));
    const segments = await this.segments();
    const coverage = live.flatMap(([, { index }]) => index.coverage);
    const isCovered = (writer: string, number: number): boolean =>
      coverage.some((range) => range.writer === writer && range.first <= number && number <= range.last);
    const tail = segments.filter(([, { writer, first, lines }]) => lines.some((_, i) => !isCovered(writer, first + i)));
    const state = await this.state(live.map(([, { index }]) => index), tail.map(([, segment]) => segment));
    const births = new Set([...live.flatMap(([, { index }]) => index.births), ...segments.flatMap(([, { births }]) => births)]);
    const order = orderOf(state.schema.value);
    const view = {
      births: [...births].sort(), bucket: this.bucket, count: ++this.count, device: this.device, format: 1,
      top: this.top(state, order), indexes: live.map(([name, { bytes }]) => ({ bytes, name })).sort((a, b) => (a.name < b.name ? -1 : 1)),
      key: this.publicKey.toString("base64"), kind: "view", min_reader: 1,
      nodes: [...state.nodes.values()].filter((node) => node.isAlive).length, order, tail: tail.map(([path]) => path).sort(), time: Date.now(),
    };
    return this.write(view);
  }

  private async write(view: JsonObject): Promise<number> {
    const signature = sign(null, Buffer.from("setlogger view\n" + canonical(view)), this.key).toString("base64");
    const text = canonical({ ...view, signature }) + "\n";
    const path = join(this.folder, viewPath(this.bucket));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return Buffer.byteLength(text);
  }

  private top(state: State, names: readonly string[]): Json[] {
    const order = parseOrder(names);
    const keyed = [...state.nodes].filter(([, node]) => node.isAlive).map(([id, node]) => {
      return { id, node, key: orderKey(order, id, node.created, node.value()) };
    });
    keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
    const top: Json[] = [];
    let bytes = 0;
    for (const { id, node } of keyed) {
      const line = writeDelta(id, node);
      bytes += Buffer.byteLength(canonical(line));
      if (bytes > MAX_TOP) break;
      top.push(line);
    }
    return top;
  }

  private async indexes(): Promise<Map<string, { index: Index & { hash: string }; bytes: number }>> {
    const found = new Map<string, { index: Index & { hash: string }; bytes: number }>();
    for (const name of await names(join(this.folder, "index"))) {
      const parts = parseIndexName(name);
      if (parts?.bucket !== bucketId(this.bucket)) continue;
      const data = new Uint8Array(await readFile(join(this.folder, "index", name)));
      found.set(name, { index: { ...(await readIndex(data, parts)), hash: parts.hash }, bytes: data.length });
    }
    return found;
  }

  private async segments(): Promise<[path: string, segment: Segment][]> {
    const found: [string, Segment][] = [];
    for (const folder of ["log", "past"]) {
      for (const name of await names(join(this.folder, folder))) {
        const parts = parseSegmentName(name);
        if (parts?.bucket !== bucketId(this.bucket)) continue;
        found.push([`${folder}/${name}`, await readSegment(new Uint8Array(await readFile(join(this.folder, folder, name))), parts)]);
      }
    }
    return found;
  }

  private async state(indexes: readonly Index[], tail: readonly Segment[]): Promise<State> {
    const state = new State();
    for (const index of indexes) {
      state.schema = laterSchema(state.schema, index.schema);
      for (const { hash } of index.chunks) {
        const data = await readFile(join(this.folder, "chunk", chunkName(bucketId(this.bucket), hash)));
        for (const { id, node } of nodesOf(await readChunk(new Uint8Array(data)))) state.node(id).merge(node);
      }
    }
    for (const segment of tail) {
      for (const entry of entriesOf(segment)) state.fold(entry);
    }
    return state;
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch {
    return [];
  }
}
