import { chunkName, indexName } from "../../src/files/filename.js";
import { Bucket } from "../../src/model/bucket.js";
import { writeDelta } from "../../src/model/deltawrite.js";
import { type Entry, idsOf } from "../../src/model/entry.js";
import { canonical } from "../../src/model/json.js";
import { bucketId } from "../../src/model/names.js";
import { orderKey, parseOrder } from "../../src/model/order.js";
import { State } from "../../src/model/state.js";
import { Refusal } from "../../src/model/refusal.js";
import type { Fetch } from "../../src/static/share.js";
import { viewPath } from "../../src/static/viewfile.js";
import type { Chance } from "../model/chance.js";
import { fileOf, linesFile, Signer } from "./signer.js";

const NAME = "made";
const BIRTHS = ["0".repeat(32)];

interface MadeIndex {
  readonly hash: string;
  readonly name: string;
  readonly bytes: number;
  readonly covered: ReadonlySet<Entry>;
  readonly merges: readonly string[];
  /** what its lines say */
  readonly says: State;
}

/** A device that writes, takes in what others wrote, and writes indexes. */
class Device {
  readonly signer = new Signer();
  readonly bucket = new Bucket(this.signer.name);
  readonly lines: string[] = [];
  readonly folded = new Set<Entry>();
  readonly taken = new Map<string, MadeIndex>();
}

/** A share made of chance: devices that write apart, and indexes of them that overlap in all ways that the format allows. */
export class MadeShare {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly bucket = NAME;
  private readonly devices = [new Device(), new Device(), new Device()];
  private readonly indexes: MadeIndex[] = [];
  private readonly publisher = new Signer();
  private count = 0;
  private clock = 1_700_000_000_000;

  constructor(private readonly chance: Chance, private readonly order: readonly string[]) {}

  /** Serves the files; each request that is made is listed. */
  fetch(requests: string[] = []): Fetch {
    return (url) => {
      const path = url.replace("made:/", "");
      requests.push(path);
      const data = this.files.get(path);
      const headers = { get: () => null };
      return Promise.resolve({ ok: data !== undefined, status: data ? 200 : 404, headers, arrayBuffer: () => Promise.resolve(data!.slice().buffer) });
    };
  }

  /** Lets so many things happen. */
  play(steps: number, mayIndex = true): void {
    for (let i = 0; i < steps; i++) {
      const device = this.devices[this.chance.below(this.devices.length)]!;
      const what = this.chance.below(10);
      if (what < 6) this.write(device);
      else if (what < 8) this.receive(device);
      else if (mayIndex) this.index(device);
    }
  }

  private write(device: Device): void {
    const { below } = this.chance;
    const id = `n${below(40)}`;
    const actions = [
      { type: "CREATE_NODE", id, properties: { p: below(9) } }, { type: "SET_PROPERTY", id, property: "p", value: below(9) },
      { type: "DELETE_NODE", id }, { type: "ARRAY_INSERT", id, property: "l", index: 0, value: below(9) },
      { type: "INCREMENT", id, property: "c" }, { type: "SET_PROPERTY", id, path: ["o", "q"], value: "x" },
    ];
    const options = { now: (this.clock += below(3)), salt: (this.clock * 64 + below(64)).toString(16).padStart(16, "0") };
    try {
      const alive = device.bucket.state.nodes.get(id)?.isAlive;
      const { line } = device.bucket.append(JSON.stringify(actions[alive ? below(actions.length) : 0]), options);
      if (line === undefined) return;
      device.lines.push(line);
      device.folded.add(device.bucket.log.at(-1)!);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }

  /** Takes in what another device has folded, or an index. */
  private receive(device: Device): void {
    const { below } = this.chance;
    const other = this.devices[below(this.devices.length)]!;
    const index = this.indexes[below(this.indexes.length + 2)];
    if (index && !device.taken.has(index.hash)) {
      device.bucket.state.merge(index.says);
      device.taken.set(index.hash, index);
      return;
    }
    for (const entry of other.folded) {
      if (!device.folded.has(entry) && below(4) > 0) this.fold(device, entry);
    }
  }

  private fold(device: Device, entry: Entry): void {
    device.bucket.receive(entry, this.clock);
    device.folded.add(entry);
  }

  /** Writes an index of what none covers that the device has taken in; it may replace some of these. */
  private index(device: Device): void {
    const taken = [...device.taken.values()];
    const live = taken.filter(({ hash }) => !taken.some(({ merges }) => merges.includes(hash)));
    const replaced = live.filter(() => this.chance.below(3) === 0);
    const covered = new Set([...device.folded].filter((entry) => !taken.some((index) => index.covered.has(entry))));
    for (const index of replaced) for (const entry of index.covered) covered.add(entry);
    if (covered.size === 0) return;
    const ids = new Set([...covered].flatMap((entry) => [...idsOf(entry.actions)]));
    for (const index of replaced) for (const id of index.says.nodes.keys()) ids.add(id);
    const says = new State();
    for (const id of ids) says.nodes.set(id, device.bucket.state.node(id).clone());
    const hashes = (list: readonly MadeIndex[]): string[] => list.map(({ hash }) => hash).sort();
    const before = live.filter((index) => !replaced.includes(index));
    const file = this.indexFile(device, says, hashes(before), hashes(replaced));
    const made = { hash: file.hash, name: file.path.replace("index/", ""), bytes: file.data.length, covered, merges: hashes(replaced), says };
    this.indexes.push(made);
    device.taken.set(made.hash, made);
  }

  private indexFile(device: Device, says: State, before: readonly string[], merges: readonly string[]): ReturnType<typeof fileOf> {
    const id = this.chance.below(2 ** 32).toString(16).padStart(32, "0");
    const lines = sorted(says, this.order).map(([id, node]) => canonical(writeDelta(id, node)));
    const chunks = [];
    for (let at = 0; at < lines.length; at += 5) {
      const part = lines.slice(at, at + 5);
      const header = { bucket: NAME, format: 1, index: id, kind: "chunk", min_reader: 1 };
      const chunk = fileOf(linesFile(header, part, (sha256) => ({ count: part.length, kind: "end", sha256 })), (hash) => `chunk/${chunkName(bucketId(NAME), hash)}`);
      this.files.set(chunk.path, chunk.data);
      chunks.push({ bytes: chunk.data.length, count: part.length, hash: chunk.hash });
    }
    const data = device.signer.object("index", {
      before, births: BIRTHS, bucket: NAME, chunks, closed: false, coverage: [], format: 1, id, key: device.signer.key, kind: "index", level: 1,
      merges, min_reader: 1, nodes: lines.length, order: this.order, schema: null, writer: device.signer.name,
    });
    const file = fileOf(data, (hash) => `index/${indexName({ bucket: bucketId(NAME), level: 1, hash })}`);
    this.files.set(file.path, file.data);
    return file;
  }

  /** Writes the view, and answers the state that all entries make. */
  publish(top: number): State {
    const state = new State();
    const live = this.indexes.filter(({ hash }) => !this.indexes.some(({ merges }) => merges.includes(hash)));
    const tail: string[] = [];
    for (const { bucket, folded, lines, signer } of this.devices) {
      for (const entry of folded) state.fold(entry);
      const own = [...folded].filter(({ writer }) => writer === bucket.writer);
      if (own.every((entry) => live.some(({ covered }) => covered.has(entry)))) continue;
      const segment = signer.segment(NAME, BIRTHS, lines);
      this.files.set(segment.path, segment.data);
      tail.push(segment.path);
    }
    const nodes = sorted(state, this.order).filter(([, node]) => node.isAlive);
    this.files.set(viewPath(NAME), new Uint8Array(this.publisher.object("view", {
      births: BIRTHS, bucket: NAME, count: ++this.count, device: this.publisher.name, format: 1, key: this.publisher.key, kind: "view", min_reader: 1,
      top: nodes.slice(0, top).map(([id, node]) => writeDelta(id, node)),
      indexes: live.map(({ name, bytes }) => ({ bytes, name })).sort((a, b) => (a.name < b.name ? -1 : 1)),
      nodes: nodes.length, order: this.order, tail: tail.sort(), time: this.clock,
    })));
    return state;
  }
}

/** The nodes of a state in an order. */
export function sorted(state: State, names: readonly string[]): [string, State["nodes"] extends Map<string, infer N> ? N : never][] {
  const order = parseOrder(names);
  const keyed = [...state.nodes].map(([id, node]) => ({ id, node, key: orderKey(order, id, node.created, node.value()) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ id, node }) => [id, node]);
}
