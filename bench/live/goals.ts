/**
 * What Earshot wants to reach, as ratios within one run.
 *
 * @module
 */

import type { ClientId } from "./clients.ts";
import type { DeviceId } from "./device.ts";
import type { GrowthResult, LossResult } from "./long_runs.ts";
import type { Figures } from "./measurement.ts";
import type { Results } from "./results.ts";

const BYTES_PER_MB = 1e6;

/** What a goal is about. */
interface Goal {
  readonly text: string;
  readonly device: DeviceId;
  readonly chunkMs: number;
  /** Who is to reach it, if not Earshot as it streams. */
  readonly client?: ClientId;
  /** Whose figure Earshot's is divided by; else it is one in itself. */
  readonly baseline?: ClientId;
  readonly limit: number;
  readonly pick: (figures: Figures, chunkMs: number) => number | null;
}

const cpu = (figures: Figures) => figures.cpuSecondsPerMinute;
const p95 = (figures: Figures) => figures.latencyMs.p95;
const inChunks = (ms: number | null, chunkMs: number) =>
  ms === null ? null : ms / chunkMs;
const p95Chunks = (figures: Figures, chunkMs: number) =>
  inChunks(figures.latencyMs.p95, chunkMs);
const p99Chunks = (figures: Figures, chunkMs: number) =>
  inChunks(figures.latencyMs.p99, chunkMs);

const python = { baseline: "python" } as const;
const paced20 = { device: "paced", chunkMs: 20 } as const;
const paced200 = { device: "paced", chunkMs: 200 } as const;
const pulse20 = { device: "pulse", chunkMs: 20 } as const;

const GOALS: readonly Goal[] = [
  { text: "CPU ÷ Python", ...paced20, ...python, limit: 0.4, pick: cpu },
  { text: "CPU ÷ C", ...paced20, baseline: "c", limit: 4, pick: cpu },
  { text: "CPU ÷ Python", ...pulse20, ...python, limit: 0.5, pick: cpu },
  { text: "CPU ÷ Python", ...paced200, ...python, limit: 0.55, pick: cpu },
  { text: "p95 ÷ Python", ...paced200, ...python, limit: 0.5, pick: p95 },
  { text: "p95 in chunks", ...paced20, limit: 1.05, pick: p95Chunks },
  { text: "p99 in chunks", ...paced20, limit: 1.3, pick: p99Chunks },
  { text: "p95 in chunks", ...pulse20, limit: 1.2, pick: p95Chunks },
  {
    text: "CPU ÷ plain wait",
    ...pulse20,
    baseline: "bare",
    limit: 1.1,
    pick: cpu,
  },
  ...(["gated", "paused"] as const).flatMap((client) =>
    [paced20, paced200].map((where) => ({
      ...{ text: `CPU ÷ streaming, ${client}`, ...where, client },
      ...{ baseline: "earshot", limit: 0.5, pick: cpu } as const,
    }))
  ),
  {
    text: "start-up ÷ Python",
    ...paced20,
    ...python,
    limit: 0.5,
    pick: (figures) => figures.startUpMs,
  },
  {
    text: "private memory ÷ Python",
    ...paced20,
    ...python,
    limit: 0.6,
    pick: (figures) => figures.privateBytes,
  },
];

/** What became of a goal. */
export interface GoalOutcome {
  /** What was to be reached, where, and by whom. */
  readonly text: string;
  /** The most it may be. */
  readonly limit: number;
  /** What it is. */
  readonly measured: number;
  /** Whether that is enough. */
  readonly isMet: boolean;
}

const EARSHOTS = [
  { client: "earshot", name: "from source" },
  { client: "binary", name: "compiled" },
] as const;

function outcome(text: string, limit: number, measured: number): GoalOutcome {
  return { text, limit, measured, isMet: measured <= limit };
}

/**
 * Compares the usual run with the goals, on cores that have nothing else to do.
 *
 * @param results What came out.
 * @returns The outcome of each goal that the run says something about.
 */
export function goalsOf(results: Results): GoalOutcome[] {
  const outcomes: GoalOutcome[] = [];
  for (const goal of GOALS) {
    const { text, device, chunkMs, baseline, limit, pick } = goal;
    const valueOf = (client: ClientId) => {
      const cell = { client, device, chunkMs, hogCount: 0 };
      const figures = results.figuresOf(cell);
      return figures === undefined ? null : pick(figures, chunkMs);
    };
    const divisor = baseline === undefined ? 1 : valueOf(baseline);
    const clients = goal.client === undefined
      ? EARSHOTS
      : [{ client: goal.client, name: "from source" }];
    for (const { client, name } of clients) {
      const value = valueOf(client);
      if (value === null || divisor === null) continue;
      const what = `${text}, ${device}, ${chunkMs} ms, ${name}`;
      outcomes.push(outcome(what, limit, value / divisor));
    }
  }
  return outcomes;
}

/**
 * Compares a run that counts losses with the goal.
 *
 * @param losses What each client lost.
 */
export function lossGoalsOf(losses: readonly LossResult[]): GoalOutcome[] {
  return EARSHOTS.flatMap(({ client, name }) =>
    losses.filter((loss) => loss.client === client).flatMap((loss) =>
      loss.lostSamples === null ? [] : [outcome(
        `samples lost in ${loss.minutes} minutes, ${loss.device}, ${loss.chunkMs} ms, ${name}`,
        0,
        loss.lostSamples,
      )]
    )
  );
}

/**
 * Compares a run that watches memory with the goal.
 *
 * @param growths How memory grew.
 */
export function growthGoalsOf(growths: readonly GrowthResult[]): GoalOutcome[] {
  return growths.map(({ chunkMs, minutes, label, earlyBytes, lateBytes }) =>
    outcome(
      `growth in MB from minute 1 to ${minutes}, ${chunkMs} ms, ${label}`,
      0.5,
      (lateBytes - earlyBytes) / BYTES_PER_MB,
    )
  );
}
