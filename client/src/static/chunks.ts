import { eachNode, readChunk } from "../files/chunk.js";
import { checkHash } from "../files/digest.js";
import { FileError } from "../files/error.js";
import { chunkName } from "../files/filename.js";
import type { Index } from "../files/indexfile.js";
import type { ToldNode } from "../model/delta.js";
import { bucketId } from "../model/names.js";
import type { Share } from "./share.js";

/** The nodes of a chunk by id, in order. */
export type ChunkNodes = ReadonlyMap<string, ToldNode>;

/** Chunks of a share, of which those used last are kept. */
export class Chunks {
  private readonly kept = new Map<string, Promise<ChunkNodes>>();

  constructor(private readonly share: Share, private readonly limit: number) {}

  /**
   * The nodes of a chunk of an index, verified.
   *
   * @throws FileError, FetchError
   */
  get(index: Index, chunk: number): Promise<ChunkNodes> {
    const { hash } = index.chunks[chunk]!;
    const known = this.kept.get(hash);
    const nodes = known ?? this.load(index, chunk);
    this.kept.delete(hash);
    this.kept.set(hash, nodes);
    if (!known) {
      nodes.catch(() => this.kept.delete(hash));
      for (const oldest of this.kept.keys()) {
        if (this.kept.size <= this.limit) break;
        this.kept.delete(oldest);
      }
    }
    return nodes;
  }

  private async load(index: Index, chunk: number): Promise<ChunkNodes> {
    const { hash, bytes, count } = index.chunks[chunk]!;
    const data = await this.share.file(`chunk/${chunkName(bucketId(index.bucket), hash)}`);
    if (data.length !== bytes) throw new FileError("damaged", `a chunk has ${data.length} bytes, not ${bytes}`);
    await checkHash(data, hash);
    const read = await readChunk(data);
    if (read.bucket !== index.bucket || read.index !== index.id || read.lines.length !== count) {
      throw new FileError("other", "a chunk of another index");
    }
    const nodes = new Map<string, ToldNode>();
    let begun = performance.now();
    for (const told of eachNode(read)) {
      nodes.set(told.id, told);
      if (performance.now() - begun < STRETCH) continue;
      await turn();
      begun = performance.now();
    }
    return nodes;
  }
}

/** How long lines are read in one go, in milliseconds: a page draws and scrolls between. */
const STRETCH = 8;

/** Lets whatever else waits have its turn; unlike a timer, it is not slowed down in a page that is hidden. */
function turn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
