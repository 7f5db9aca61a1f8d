/** Why an append is refused, in a word. */
export type RefusalKind =
  /** the action can never be appended */
  | "invalid"
  /** the node is not alive, or was never created */
  | "not-alive"
  /** over a limit of size */
  | "too-large"
  /** the bucket takes no more entries */
  | "closed"
  /** the key came with another body before */
  | "reused"
  /** the node has another rev */
  | "match"
  /** the entry is undone already */
  | "undone";

/** Why an action is not appended. Nothing was changed. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  /** The position is that of the action in its transaction, from 0. */
  constructor(readonly kind: RefusalKind, reason: string, readonly position = 0) {
    super(reason);
  }

  /** The same refusal of the action at a position. */
  at(position: number): Refusal {
    return new Refusal(this.kind, this.message, position);
  }
}

/** Runs a step that concerns the action at a position, which a refusal then names. */
export function atPosition<T>(position: number, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw error instanceof Refusal ? error.at(position) : error;
  }
}
