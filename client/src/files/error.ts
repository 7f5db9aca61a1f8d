/**
 * Why a file does not count.
 *
 * - `damaged`: cut short, changed, forged or of another kind; to a reader of a share it is "not there yet"
 * - `other`: whole, but not the file that its name says
 * - `newer`: it asks for a newer reader; an update is needed
 */
export type FileErrorKind = "damaged" | "other" | "newer";

/** The one error that reading a file's bytes throws. */
export class FileError extends Error {
  override readonly name = "FileError";

  constructor(readonly kind: FileErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Whether a signature was checked; where there is no Ed25519 it can't be. One that does not hold is an error. */
export type SignatureCheck = "valid" | "unchecked";

/** Runs a reader, and makes what it throws for malformed text a FileError. */
export function damagedUnless<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof FileError ? error : new FileError("damaged", String(error), { cause: error });
  }
}
