/**
 * Where results of benches go.
 *
 * @module
 */

/** The sum of all results, which nobody reads; the compiler cannot know that. */
export const sink = { sum: 0 };

/**
 * Takes a result, so that the compiler does not leave out what nobody uses.
 *
 * @param value The result, or its size.
 */
export function consume(value: number): void {
  sink.sum += value;
}
