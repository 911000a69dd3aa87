/**
 * The figures as tables of Markdown.
 *
 * @module
 */

import type { ClientId } from "./clients.ts";
import type { GoalOutcome } from "./goals.ts";
import type { GrowthResult, LossResult } from "./long_runs.ts";
import type { Figures } from "./measurement.ts";
import type { Result, Results } from "./results.ts";

const BYTES_PER_MB = 1e6;

/** What stands where there is nothing to say. */
const NOTHING = "–";

/**
 * Lays out a table.
 *
 * @param header The names of the columns; the first ones are text.
 * @param rows The cells.
 * @returns Lines of Markdown.
 */
function markdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]) =>
    `| ${
      widths.map((width, i) => (cells[i] ?? "").padEnd(width)).join(" | ")
    } |`;
  return [
    line(header),
    line(widths.map((width) => "-".repeat(width))),
    ...rows.map(line),
  ].join("\n");
}

function fixed(value: number | null | undefined, digits: number): string {
  return value === null || value === undefined || Number.isNaN(value)
    ? NOTHING
    : value.toFixed(digits);
}

function megabytes(bytes: number | null): string {
  return fixed(bytes === null ? null : bytes / BYTES_PER_MB, 1);
}

const FIGURE_HEADER = [
  ...["device", "chunk ms", "hogs", "client", "CPU s/min", "private MB"],
  ...["peak MB", "start-up ms", "p50 ms", "p95 ms", "p99 ms", "max ms", "lost"],
];

function placeOf({ device, chunkMs, hogCount }: Result): string[] {
  return [device, String(chunkMs), String(hogCount)];
}

/**
 * Shows the figures.
 *
 * @param results What came out.
 */
export function figuresTable({ all }: Results): string {
  const notes = new Map<string, string>();
  const rows = all.map((result) => {
    const { figures, label, failure } = result;
    if (failure !== undefined) notes.set(label, failure);
    const { latencyMs } = figures;
    return [
      ...placeOf(result),
      label,
      fixed(figures.cpuSecondsPerMinute, 2),
      megabytes(figures.privateBytes),
      megabytes(figures.peakBytes),
      fixed(figures.startUpMs, 0),
      fixed(latencyMs.p50, 1),
      fixed(latencyMs.p95, 1),
      fixed(latencyMs.p99, 1),
      fixed(latencyMs.max, 1),
      fixed(figures.lostSamples, 0),
    ];
  });
  const table = markdownTable(FIGURE_HEADER, rows);
  return [table, ...failureLines(notes)].join("\n\n");
}

function failureLines(failures: ReadonlyMap<string, string>): string[] {
  return [...failures].map(([label, failure]) =>
    `${label} could not be measured, or not always: ${failure}`
  );
}

/**
 * Shows the figures as ratios.
 *
 * @param results What came out.
 * @param baseline Whose figures are 1.
 */
export function ratiosTable(results: Results, baseline: ClientId): string {
  const header = [
    ...["device", "chunk ms", "hogs", `÷ ${baseline}`],
    ...["CPU", "private", "peak", "start-up", "p50", "p95", "p99", "max"],
  ];
  const columns: readonly ((figures: Figures) => number | null)[] = [
    (figures) => figures.cpuSecondsPerMinute,
    (figures) => figures.privateBytes,
    (figures) => figures.peakBytes,
    (figures) => figures.startUpMs,
    (figures) => figures.latencyMs.p50,
    (figures) => figures.latencyMs.p95,
    (figures) => figures.latencyMs.p99,
    (figures) => figures.latencyMs.max,
  ];
  const rows = results.all.flatMap((result) => {
    const base = results.figuresOf({ ...result, client: baseline });
    if (base === undefined || result.roundCount === 0) return [];
    const ratios = columns.map((pick) => {
      const value = pick(result.figures);
      const divisor = pick(base);
      return fixed(
        value === null || divisor === null ? null : value / divisor,
        2,
      );
    });
    return [[...placeOf(result), result.label, ...ratios]];
  });
  return markdownTable(header, rows);
}

/**
 * Shows who lost what.
 *
 * @param losses What each client lost.
 */
export function lossesTable(losses: readonly LossResult[]): string {
  const rows = losses.map((loss) => [
    loss.device,
    String(loss.chunkMs),
    loss.label,
    fixed(loss.minutes, 1),
    fixed(loss.sampleCount, 0),
    loss.failure ?? fixed(loss.lostSamples, 0),
  ]);
  return markdownTable(
    ["device", "chunk ms", "client", "minutes", "samples", "lost"],
    rows,
  );
}

/**
 * Shows how memory grew.
 *
 * @param growths How memory grew.
 */
export function growthTable(growths: readonly GrowthResult[]): string {
  const rows = growths.map((growth) => [
    String(growth.chunkMs),
    growth.label,
    fixed(growth.minutes, 1),
    megabytes(growth.earlyBytes),
    megabytes(growth.lateBytes),
  ]);
  return markdownTable(
    ["chunk ms", "client", "minutes", "MB at minute 1", "MB at the end"],
    rows,
  );
}

/**
 * Shows what was reached.
 *
 * @param goals What became of each goal.
 */
export function goalsTable(goals: readonly GoalOutcome[]): string {
  const rows = goals.map(({ text, limit, measured, isMet }) => [
    text,
    `≤ ${limit}`,
    fixed(measured, 2),
    isMet ? "met" : "not met",
  ]);
  return markdownTable(["goal", "target", "measured", ""], rows);
}
