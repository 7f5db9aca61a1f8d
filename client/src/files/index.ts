/** The files of a share: read, and verified. */
export { type Chunk, nodesOf, readChunk } from "./chunk.js";
export { checkHash, hashOf } from "./digest.js";
export { FileError, type FileErrorKind, type SignatureCheck } from "./error.js";
export { chunkName, type IndexName, indexName, parseIndexName, parseSegmentName, type SegmentName, segmentName } from "./filename.js";
export { type ChunkRef, type Index, type Range, readIndex } from "./indexfile.js";
export { readSeen, type SeenBucket, type SeenFile } from "./seen.js";
export { entriesOf, readSegment, type Segment } from "./segment.js";
export { checksSignatures } from "./signature.js";
