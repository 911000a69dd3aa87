/**
 * What a user got wrong.
 *
 * @module
 */

/** What a user typed, or set, is wrong; the exit code is 2. */
export class UsageError extends Error {
  /** `"UsageError"`. */
  override readonly name = "UsageError";
}

/**
 * Makes something out of what a user gave; what it refuses, the user got wrong.
 *
 * @param make Makes it; throws a `RangeError` or `TypeError` for a wrong value.
 * @returns What it made.
 * @throws {UsageError} When a value was refused.
 */
export function fromOptions<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) {
      throw new UsageError(error.message, { cause: error });
    }
    throw error;
  }
}
