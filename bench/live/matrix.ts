/**
 * The usual run: every client in every setting, in turn, several times. What
 * disturbs the machine for a while then disturbs all of them.
 *
 * @module
 */

import type { Client } from "./clients.ts";
import type { Device } from "./device.ts";
import { type Cell, type Figures, measure } from "./measurement.ts";
import type { BenchOptions } from "./options.ts";
import { type Result, Results, summarise } from "./results.ts";
import type { SinkProcess } from "./sink_process.ts";

/** What the run needs. */
export interface Bench {
  /** Who. */
  readonly clients: readonly Client[];
  /** From what. */
  readonly devices: readonly Device[];
  /** Where to. */
  readonly sink: SinkProcess;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Is told what happens. */
  readonly say: (text: string) => void;
}

/** What came out of a cell so far. */
interface Tally {
  readonly cell: Cell;
  readonly client: Client;
  readonly rounds: Figures[];
  failure: string | undefined;
}

/**
 * Runs it.
 *
 * @param bench What it needs.
 * @param options What is wanted.
 * @returns What came out.
 */
export async function runMatrix(
  bench: Bench,
  options: BenchOptions,
): Promise<Results> {
  const tallies = new Map<string, Tally>();
  for (let round = 1; round <= options.roundCount; round++) {
    for (const device of bench.devices) {
      for (const chunkMs of options.chunksMs) {
        for (const hogCount of options.hogCounts) {
          const where =
            `${device.id}, ${chunkMs} ms, ${hogCount} hogs, round ${round}`;
          for (const client of bench.clients) {
            const cell = { client: client.id, device: device.id, chunkMs };
            const tally = tallyOf(tallies, client, { ...cell, hogCount });
            if (client.unavailable !== undefined) continue;
            bench.say(`${where}: ${client.label}`);
            await take(tally, bench, device, options);
          }
        }
      }
    }
  }
  return new Results([...tallies.values()].map(resultOf));
}

function tallyOf(
  tallies: Map<string, Tally>,
  client: Client,
  cell: Cell,
): Tally {
  const key = JSON.stringify(cell);
  const tally = tallies.get(key) ??
    { cell, client, rounds: [], failure: client.unavailable };
  tallies.set(key, tally);
  return tally;
}

async function take(
  tally: Tally,
  bench: Bench,
  device: Device,
  options: BenchOptions,
): Promise<void> {
  const { cell: { chunkMs, hogCount }, client } = tally;
  const { sink, signal } = bench;
  const setting = { device, sink, chunkMs, signal };
  try {
    const figures = await measure(client, setting, {
      ...options,
      hogCount,
    });
    tally.rounds.push(figures);
    // Who ends a run of hours early keeps what came out so far.
    const cpuSeconds = figures.cpuSecondsPerMinute?.toFixed(2) ?? "unknown";
    bench.say(`CPU seconds a minute: ${cpuSeconds}`);
  } catch (error) {
    signal.throwIfAborted();
    tally.failure = (error as Error).message;
    bench.say(tally.failure);
  }
}

function resultOf({ cell, client, rounds, failure }: Tally): Result {
  return {
    ...cell,
    label: client.label,
    figures: summarise(rounds),
    roundCount: rounds.length,
    failure,
  };
}
