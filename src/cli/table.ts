/**
 * A table in plain text.
 *
 * @module
 */

/**
 * Aligns the columns of a table.
 *
 * @param rows Its rows, of equally many cells; the first are the heads.
 * @returns A line for each.
 */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length))
  );
  return rows.map((row) =>
    `${
      row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ")
        .trimEnd()
    }\n`
  ).join("");
}
