/**
 * What a user got wrong.
 *
 * @module
 */

import { OPTIONS } from "./option_table.ts";

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
      throw new UsageError(withFlag(error.message), { cause: error });
    }
    throw error;
  }
}

/** Names the option that a setting is called after: vadThreshold, --vad-threshold. */
function withFlag(message: string): string {
  return message.replace(/^Cannot use (\w+) as /, (words, setting: string) => {
    const name = setting.replaceAll(
      /[A-Z]/g,
      (letter) => `-${letter.toLowerCase()}`,
    );
    return Object.hasOwn(OPTIONS, name) ? `Cannot use --${name} as ` : words;
  });
}
