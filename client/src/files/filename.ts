import { MAX_INTEGER } from "../model/json.js";

/** The name of a segment's file, without its folder. */
export interface SegmentName {
  /** the bucket's id */
  readonly bucket: string;
  readonly writer: string;
  readonly first: number;
  readonly last: number;
  readonly hash: string;
}

/** The name of an index's file, without its folder. */
export interface IndexName {
  readonly bucket: string;
  readonly level: number;
  readonly hash: string;
}

const SEGMENT = /^([a-z2-7]{16})\.([a-z2-7]{16})\.([1-9][0-9]{0,15})-([1-9][0-9]{0,15})\.([a-z2-7]{26})\.jsonl\.gz$/;
const INDEX = /^([a-z2-7]{16})\.(0|[1-9][0-9]?)\.([a-z2-7]{26})\.json$/;

/** Reads a segment's name, `undefined` for any other. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const [, bucket, writer, first, last, hash] = SEGMENT.exec(name) ?? [];
  if (bucket === undefined || writer === undefined || hash === undefined) return undefined;
  if (Number(first) > Number(last) || Number(last) > MAX_INTEGER) return undefined;
  return { bucket, writer, first: Number(first), last: Number(last), hash };
}

/** `<bucket id>.<writer>.<first>-<last>.<hash>.jsonl.gz` */
export function segmentName({ bucket, writer, first, last, hash }: SegmentName): string {
  return `${bucket}.${writer}.${first}-${last}.${hash}.jsonl.gz`;
}

/** Reads an index's name, `undefined` for any other. */
export function parseIndexName(name: string): IndexName | undefined {
  const [, bucket, level, hash] = INDEX.exec(name) ?? [];
  return bucket === undefined || hash === undefined ? undefined : { bucket, level: Number(level), hash };
}

/** `<bucket id>.<level>.<hash>.json` */
export function indexName({ bucket, level, hash }: IndexName): string {
  return `${bucket}.${level}.${hash}.json`;
}

/** `<bucket id>.<hash>.jsonl.gz`, the name of a chunk's file. */
export function chunkName(bucket: string, hash: string): string {
  return `${bucket}.${hash}.jsonl.gz`;
}
