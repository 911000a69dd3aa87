/**
 * Runs for what takes its time to show: losses and leaks.
 *
 * @module
 */

import type { ClientId } from "./clients.ts";
import type { DeviceId } from "./device.ts";
import { startHogs } from "./hogs.ts";
import type { Bench } from "./matrix.ts";
import type { BenchOptions } from "./options.ts";
import { Run } from "./run.ts";
import { median } from "./statistics.ts";
import { growthTable, lossesTable } from "./table.ts";

const MS_PER_MINUTE = 60_000;

/** Garbage comes and goes within a minute, of which so many moments are looked at. */
const MEMORY_SAMPLES = 12;

/** What a client lost while all others ran, too. */
export interface LossResult {
  /** Who. */
  readonly client: ClientId;
  /** Its name in tables. */
  readonly label: string;
  /** From what. */
  readonly device: DeviceId;
  /** Milliseconds of audio in each message. */
  readonly chunkMs: number;
  /** How long. */
  readonly minutes: number;
  /** Samples that never came; `null` when that cannot be told. */
  readonly lostSamples: number | null;
  /** Samples that came. */
  readonly sampleCount: number | null;
  /** Why it was not measured. */
  readonly failure?: string;
}

/** How memory grew. */
export interface GrowthResult {
  /** Who. */
  readonly client: ClientId;
  /** Its name in tables. */
  readonly label: string;
  /** Milliseconds of audio in each message. */
  readonly chunkMs: number;
  /** How long. */
  readonly minutes: number;
  /** Memory of its own about a minute after its start, in bytes: the median. */
  readonly earlyBytes: number;
  /** The same of the last minute. */
  readonly lateBytes: number;
}

/**
 * Runs all clients that send at the same time, with every core kept busy by
 * something else besides.
 *
 * @param bench What it needs.
 * @param options What is wanted.
 * @returns What each of them lost.
 */
export async function runLosses(
  bench: Bench,
  options: BenchOptions,
): Promise<LossResult[]> {
  const { sink, signal } = bench;
  const minutes = options.lossMinutes!;
  const hogCount = Math.max(...options.hogCounts);
  const results: LossResult[] = [];
  for (const device of bench.devices) {
    for (const chunkMs of options.chunksMs) {
      bench.say(`${device.id}, ${chunkMs} ms, ${minutes} minutes: everybody`);
      const setting = { device, sink, chunkMs, signal };
      await using _hogs = startHogs(hogCount);
      const losses = await Promise.all(
        bench.clients.filter((client) => client.sends).map(
          async (client): Promise<LossResult> => {
            const { id, label } = client;
            const who = { client: id, label, device: device.id, chunkMs };
            try {
              await using run = await Run.start(client, setting);
              await run.goOn(minutes * MS_PER_MINUTE);
              const report = await run.report(0, 0, 0);
              const { sampleCount = null, lostSamples = null } = report ?? {};
              const isKnown = device.hasRate(client.sampleRate);
              return {
                ...who,
                minutes,
                sampleCount,
                lostSamples: isKnown ? lostSamples : null,
              };
            } catch (error) {
              signal.throwIfAborted();
              const failure = client.unavailable ?? (error as Error).message;
              return {
                ...who,
                minutes,
                sampleCount: null,
                lostSamples: null,
                failure,
              };
            }
          },
        ),
      );
      results.push(...losses);
      // Who ends a run of hours early keeps what came out so far.
      bench.say(lossesTable(losses));
    }
  }
  return results;
}

/**
 * Runs Earshot for long.
 *
 * @param bench What it needs.
 * @param options What is wanted.
 * @returns How its memory grew.
 */
export async function runGrowth(
  bench: Bench,
  options: BenchOptions,
): Promise<GrowthResult[]> {
  const { sink, signal } = bench;
  const minutes = options.growthMinutes!;
  const device = bench.devices[0]!;
  const clients = bench.clients.filter(({ id, unavailable }) =>
    (id === "earshot" || id === "binary") && unavailable === undefined
  );
  const results: GrowthResult[] = [];
  for (const chunkMs of options.chunksMs) {
    for (const client of clients) {
      bench.say(`${chunkMs} ms, ${minutes} minutes: ${client.label}`);
      const setting = { device, sink, chunkMs, signal };
      await using run = await Run.start(client, setting);
      // A shorter run, to try this out, has no minute 1.
      const windowMs = Math.min(1, minutes / 4) * MS_PER_MINUTE;
      await run.goOn(windowMs / 2);
      const earlyBytes = await memoryOver(run, windowMs);
      await run.goOn(minutes * MS_PER_MINUTE - 2.5 * windowMs);
      const lateBytes = await memoryOver(run, windowMs);
      const { id, label } = client;
      const growth = {
        client: id,
        label,
        chunkMs,
        minutes,
        earlyBytes,
        lateBytes,
      };
      results.push(growth);
      bench.say(growthTable([growth]));
    }
  }
  return results;
}

async function memoryOver(run: Run, ms: number): Promise<number> {
  const bytes: number[] = [];
  for (let i = 0; i < MEMORY_SAMPLES; i++) {
    await run.goOn(ms / MEMORY_SAMPLES);
    bytes.push(run.snapshot().privateBytes);
  }
  return median(bytes);
}
