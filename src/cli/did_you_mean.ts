/**
 * What a misspelt word was meant to be.
 *
 * @module
 */

/**
 * Finds what a misspelt word was meant to be.
 *
 * @param word What was typed, with or without dashes.
 * @param candidates What could have been meant.
 * @returns A question to append to an error, or nothing.
 */
export function didYouMean(
  word: string,
  candidates: readonly string[],
): string {
  const dashes = word.match(/^-*/)![0];
  const bare = word.slice(dashes.length).split("=")[0]!;
  const best = candidates
    .map((name) => ({ name, edits: editDistance(bare, name) }))
    .sort((a, b) => a.edits - b.edits)[0];
  if (best === undefined || best.edits > Math.max(1, best.name.length / 3)) {
    return "";
  }
  return `: did you mean "${dashes === "" ? "" : "--"}${best.name}"?`;
}

/** Insertions, deletions and replacements between two words (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(
        next[j - 1]! + 1,
        row[j]! + 1,
        row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
      ));
    }
    row = next;
  }
  return row[b.length]!;
}
