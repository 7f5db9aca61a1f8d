import { MAX_INFLATED } from "../files/gzip.js";

/** What is needed of the answer of a fetch. */
export interface Fetched {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Fetches a URL, as the global `fetch` does. */
export type Fetch = (url: string, init: { headers: { [name: string]: string }; cache?: "no-cache" }) => Promise<Fetched>;

/** That a file of a share could not be fetched. */
export class FetchError extends Error {
  override readonly name = "FetchError";

  /** The HTTP status is 0 when no answer came. */
  constructor(readonly path: string, readonly status: number, options?: ErrorOptions) {
    super(status === 0 ? `${path} can't be reached` : `${path} was answered with ${status}`, options);
  }

  /** Whether there is no such file. */
  get isMissing(): boolean {
    return this.status === 404 || this.status === 410 || this.status === 403;
  }
}

/** A file that may be written again, and what tells one version of it from another. */
export interface Version {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly etag: string | undefined;
}

/** The folder of a share behind a URL. */
export class Share {
  private readonly base: string;

  constructor(url: string, private readonly fetch: Fetch) {
    this.base = url.endsWith("/") ? url : url + "/";
  }

  /**
   * A file that never changes.
   *
   * @throws FetchError
   */
  async file(path: string): Promise<Uint8Array<ArrayBuffer>> {
    return bytesIn(path, await this.get(path, {}));
  }

  /**
   * A file that may have changed, `undefined` if it is the version known.
   *
   * @throws FetchError
   */
  async newer(path: string, etag: string | undefined): Promise<Version | undefined> {
    const answer = await this.get(path, etag === undefined ? {} : { "If-None-Match": etag }, "no-cache");
    if (answer.status === 304) return undefined;
    return { data: await bytesIn(path, answer), etag: answer.headers.get("etag") ?? undefined };
  }

  private async get(path: string, headers: { [name: string]: string }, cache?: "no-cache"): Promise<Fetched> {
    let answer: Fetched;
    try {
      answer = await this.fetch(this.base + path, { headers, ...(cache && { cache }) });
    } catch (error) {
      throw new FetchError(path, 0, { cause: error });
    }
    if (!answer.ok && answer.status !== 304) throw new FetchError(path, answer.status);
    return answer;
  }
}

async function bytesIn(path: string, answer: Fetched): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(answer.headers.get("content-length") ?? 0) > MAX_INFLATED) throw new FetchError(path, answer.status);
  try {
    return new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    throw new FetchError(path, 0, { cause: error });
  }
}
