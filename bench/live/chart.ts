/**
 * The figures as a chart: bars in a drawing that is read in the light and in the
 * dark.
 *
 * @module
 */

import type { Figures } from "./measurement.ts";
import type { Result, Results } from "./results.ts";

/** What is drawn: one panel for each, of bars that are better when short. */
const PANELS: readonly {
  readonly title: string;
  readonly digits: number;
  readonly pick: (figures: Figures) => number | null;
}[] = [
  {
    title: "CPU seconds for a minute of audio",
    digits: 2,
    pick: (figures) => figures.cpuSecondsPerMinute,
  },
  {
    title: "Latency from sound to socket, 95th percentile, ms",
    digits: 1,
    pick: (figures) => figures.latencyMs.p95,
  },
  {
    title: "Memory of its own, MB",
    digits: 1,
    pick: ({ privateBytes }) =>
      privateBytes === null ? null : privateBytes / 1e6,
  },
];

const WIDTH = 720;
const MARGIN = 16;
const LABEL_WIDTH = 210;
const VALUE_WIDTH = 70;
const ROW_HEIGHT = 22;
const BAR_HEIGHT = 14;
const TITLE_HEIGHT = 34;
const BAR_WIDTH = WIDTH - 2 * MARGIN - LABEL_WIDTH - VALUE_WIDTH;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .bar { fill: #8c959f; }
  .ours { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .bar { fill: #6e7681; }
    .ours { fill: #58a6ff; }
  }`;

/**
 * Draws the first setting of a run, which is the calmest.
 *
 * @param results What came out.
 * @returns The text of an SVG file.
 */
export function chartOf({ all }: Results): string {
  const first = all[0];
  const shown = all.filter((result) =>
    result.device === first?.device && result.chunkMs === first.chunkMs &&
    result.hogCount === first.hogCount
  );
  const where = first === undefined
    ? ""
    : `${first.device} device, messages of ${first.chunkMs} ms`;
  const parts: string[] = [];
  let y = MARGIN;
  for (const { title, digits, pick } of PANELS) {
    const bars = shown.flatMap((result) => {
      const value = pick(result.figures);
      return value === null ? [] : [{ result, value }];
    });
    parts.push(text(MARGIN, y + 20, `${title} (${where})`, "title"));
    y += TITLE_HEIGHT;
    const most = Math.max(...bars.map(({ value }) => value));
    for (const { result, value } of bars) {
      parts.push(barOf(result, y, value / most, value.toFixed(digits)));
      y += ROW_HEIGHT;
    }
    y += MARGIN;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="Earshot beside others: CPU, latency and memory">
<style>${STYLE}
</style>
${parts.join("\n")}
</svg>
`;
}

function barOf(
  { client, label }: Result,
  y: number,
  share: number,
  value: string,
): string {
  const kind = client === "earshot" || client === "binary" ? "ours" : "bar";
  const x = MARGIN + LABEL_WIDTH;
  const width = Math.max(1, share * BAR_WIDTH);
  const baseline = y + BAR_HEIGHT - 2;
  return [
    text(MARGIN, baseline, label),
    `<rect class="${kind}" x="${x}" y="${y}" width="${
      width.toFixed(1)
    }" height="${BAR_HEIGHT}" rx="2"/>`,
    text(Math.round(x + width + 6), baseline, value),
  ].join("\n");
}

function text(x: number, y: number, content: string, kind?: string): string {
  const attribute = kind === undefined ? "" : ` class="${kind}"`;
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text${attribute} x="${x}" y="${y}">${escaped}</text>`;
}
