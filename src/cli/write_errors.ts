/**
 * What to do when something cannot be written.
 *
 * @module
 */

/**
 * Says what could not be written, which the system's error does not.
 *
 * @param name What is written to.
 * @param writing The opening or writing under way.
 * @returns What it resolves with.
 * @throws {Error} When it fails; with advice.
 */
export async function explained<T>(
  name: string,
  writing: Promise<T>,
): Promise<T> {
  try {
    return await writing;
  } catch (cause) {
    // The reader of a pipe that has had enough is no failure.
    if (cause instanceof Deno.errors.BrokenPipe) throw cause;
    const { message } = cause as Error;
    // Of a missing permission Deno itself says what to do.
    const advice = cause instanceof Deno.errors.NotCapable
      ? ""
      : ". Choose a place with room that you may write to";
    throw new Error(`Cannot write ${name}: ${message}${advice}`, { cause });
  }
}
