/**
 * What came out: one result for each cell, from all of its rounds.
 *
 * @module
 */

import type { Cell, Figures } from "./measurement.ts";
import { median } from "./statistics.ts";

/** What came out of a cell. */
export interface Result extends Cell {
  /** The name of the client in tables. */
  readonly label: string;
  /** Medians of the rounds; of losses the sum. */
  readonly figures: Figures;
  /** How many rounds succeeded. */
  readonly roundCount: number;
  /** Why one did not. */
  readonly failure?: string;
}

/** All results of a run. */
export class Results {
  /** One for each cell, in the order in which they came. */
  readonly all: readonly Result[];

  /** @param all One for each cell. */
  constructor(all: readonly Result[]) {
    this.all = all;
  }

  /**
   * Finds a result.
   *
   * @param cell Which one.
   * @returns Its figures, if the cell was measured.
   */
  figuresOf(cell: Cell): Figures | undefined {
    const result = this.all.find((result) =>
      result.client === cell.client && result.device === cell.device &&
      result.chunkMs === cell.chunkMs && result.hogCount === cell.hogCount
    );
    return result !== undefined && result.roundCount > 0
      ? result.figures
      : undefined;
  }
}

/**
 * Makes one of several rounds.
 *
 * @param rounds Their figures.
 * @returns The medians, and the sum of the losses.
 */
export function summarise(rounds: readonly Figures[]): Figures {
  const middle = (pick: (figures: Figures) => number | null) => {
    const value = median(rounds.map((round) => pick(round) ?? NaN));
    return Number.isNaN(value) ? null : value;
  };
  const losses = rounds.map(({ lostSamples }) => lostSamples);
  return {
    cpuSecondsPerMinute: middle((round) => round.cpuSecondsPerMinute),
    privateBytes: middle((round) => round.privateBytes),
    peakBytes: middle((round) => round.peakBytes),
    startUpMs: middle((round) => round.startUpMs),
    latencyMs: {
      p50: middle((round) => round.latencyMs.p50),
      p95: middle((round) => round.latencyMs.p95),
      p99: middle((round) => round.latencyMs.p99),
      max: middle((round) => round.latencyMs.max),
    },
    lostSamples: losses.includes(null)
      ? null
      : losses.reduce<number>((sum, lost) => sum + (lost ?? 0), 0),
  };
}
