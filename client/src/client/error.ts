import type { ProblemBody, Violation } from "./messages.js";

/** What went wrong, by kind. `Unreachable`: no whole answer came, and what was asked may have been done. */
export type ErrorName =
  | "BadRequest" | "Unauthorized" | "Forbidden" | "NotFound" | "Conflict" | "Changed" | "TooLarge" | "Refused" | "TooMany"
  | "Failed" | "RemoteFailed" | "Stopping" | "Full" | "Unreachable" | "Unknown";

const names: Readonly<Record<number, ErrorName>> = {
  400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 412: "Changed", 413: "TooLarge",
  422: "Refused", 429: "TooMany", 500: "Failed", 502: "RemoteFailed", 503: "Stopping", 507: "Full", 0: "Unreachable",
};

/** Every failure of a call. `status` is that of HTTP, 0 when no whole answer came. */
export class SetLoggerError extends Error {
  declare readonly name: ErrorName;
  declare readonly status: number;
  /** What to do about it; empty when there is nothing to say. */
  declare readonly hint: string;
  /** What the bucket's schema does not allow. */
  declare readonly violations: readonly Violation[];
  /** First refused line of many, from 1, and how many before it stand. */
  declare readonly line: number | undefined;
  declare readonly committed: number | undefined;
  /** Seconds that the daemon asks to wait; 0: it does not say. */
  declare readonly retryAfter: number;

  constructor(status: number, problem: ProblemBody, retryAfter = 0, cause?: unknown) {
    const { title, detail = title ?? `status ${status}`, hint = "", violations = [], line, committed } = problem;
    super(detail, { cause });
    Object.assign(this, { name: names[status] ?? "Unknown", status, hint, violations, line, committed, retryAfter });
  }
}

/** What was thrown, as an error of a call: what is none is why no whole answer came. */
export const asError = (error: unknown): SetLoggerError =>
  error instanceof SetLoggerError
    ? error
    : new SetLoggerError(0, { detail: "the daemon does not answer", hint: "start it: setlogger serve" }, 0, error);

/** Reads the problem of an answer that is no success. */
export async function refusalOf(response: Response): Promise<SetLoggerError> {
  const { status, headers } = response;
  const problem = headers.get("content-type")?.startsWith("application/problem+json") ? ((await response.json()) as ProblemBody) : {};
  return new SetLoggerError(status, problem, Number(headers.get("retry-after")) || 0);
}

/** Tells whether the same call may be answered in a moment. */
export function passes(error: unknown): boolean {
  return error instanceof SetLoggerError && [0, 429, 503].includes(error.status);
}
