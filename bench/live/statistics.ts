/**
 * Figures that stand for many.
 *
 * @module
 */

/**
 * Finds the value that so much of the others does not exceed.
 *
 * @param sorted The values, ascending.
 * @param share 0.0–1.0.
 * @returns The value; `NaN` of none.
 */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.ceil(share * sorted.length) - 1;
  return sorted[Math.max(0, rank)] ?? NaN;
}

/**
 * Finds the middle of some values.
 *
 * @param values In any order; those that are no numbers do not count.
 * @returns The median; `NaN` of none.
 */
export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value))
    .sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? NaN;
  return sorted.length % 2 === 1
    ? upper
    : ((sorted[sorted.length / 2 - 1] ?? NaN) + upper) / 2;
}
