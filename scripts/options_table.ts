/**
 * Writes the README's table of settings, made from the table of options:
 * `deno task readme`.
 *
 * @module
 */

import { CONFIG_NAMES } from "../src/cli/config_file.ts";
import { specOf } from "../src/cli/option_table.ts";

const README = new URL("../README.md", import.meta.url);
const BEGIN = "<!-- settings: deno task readme -->\n\n";
const END = "\n<!-- end of settings -->";

/**
 * Makes the table, as `deno fmt` would have it.
 *
 * @returns Markdown.
 */
export function optionsTable(): string {
  const rows = CONFIG_NAMES.map((name) => {
    const { value, range, choices, help, ...spec } = specOf(name);
    const values = range !== undefined
      ? `${range[0]}–${range[1]}`
      : choices !== undefined
      ? choices.map((word) => `\`${word}\``).join(", ")
      : value === undefined
      ? "`true`, `false`"
      : value.toLowerCase();
    const given = value === undefined ? "`false`" : spec.default ?? "–";
    return [
      `\`${name}\``,
      values,
      String(given).replaceAll(/^\(|\)$/g, ""),
      help,
    ];
  });
  const all = [["Setting", "Values", "Default", "Meaning"], ...rows];
  const widths = all[0]!.map((_, column) =>
    Math.max(...all.map((row) => row[column]!.length))
  );
  const line = (cells: readonly string[], fill = " ") =>
    `| ${
      cells.map((cell, column) => cell.padEnd(widths[column]!, fill))
        .join(" | ")
    } |\n`;
  const [head, ...body] = all;
  const rule = line(widths.map(() => ""), "-");
  return [line(head!), rule, ...body.map((row) => line(row))].join("");
}

if (import.meta.main) {
  const readme = await Deno.readTextFile(README);
  const begin = readme.indexOf(BEGIN) + BEGIN.length;
  const end = readme.indexOf(END);
  await Deno.writeTextFile(
    README,
    readme.slice(0, begin) + optionsTable() + readme.slice(end),
  );
}
