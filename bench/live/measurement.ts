/**
 * Measures one client in one setting.
 *
 * @module
 */

import type { Client, ClientId } from "./clients.ts";
import type { DeviceId } from "./device.ts";
import { startHogs } from "./hogs.ts";
import { Run, type Setting } from "./run.ts";
import type { Latency } from "./sink.ts";

const MS_PER_MINUTE = 60_000;

/** What there is to be measured. */
export interface Cell {
  /** Who. */
  readonly client: ClientId;
  /** From what. */
  readonly device: DeviceId;
  /** Milliseconds of audio in each message. */
  readonly chunkMs: number;
  /** Cores that are busy with something else. */
  readonly hogCount: number;
}

/** What was measured; `null` is what cannot be. */
export interface Figures {
  /** CPU time for a minute of audio, user and system, in seconds. */
  readonly cpuSecondsPerMinute: number | null;
  /** Memory of its own, in bytes. */
  readonly privateBytes: number | null;
  /** The most memory, in bytes. */
  readonly peakBytes: number | null;
  /** From its start to its first message, in milliseconds. */
  readonly startUpMs: number | null;
  /** From the capture of a sample to its arrival, in milliseconds. */
  readonly latencyMs: Latency;
  /** Samples that never came. */
  readonly lostSamples: number | null;
}

/** Figures of nothing. */
export const NOTHING: Figures = {
  cpuSecondsPerMinute: null,
  privateBytes: null,
  peakBytes: null,
  startUpMs: null,
  latencyMs: { p50: null, p95: null, p99: null, max: null },
  lostSamples: null,
};

/**
 * Measures.
 *
 * @param client Who.
 * @param setting In what.
 * @param options How many cores are busy, and how long it takes.
 * @returns The figures.
 * @throws {Error} When the client fails.
 */
export async function measure(
  client: Client,
  setting: Setting,
  options: { hogCount: number; warmUpSeconds: number; seconds: number },
): Promise<Figures> {
  const epochMs = await setting.device.epochMs();
  await using _hogs = startHogs(options.hogCount);
  await using run = await Run.start(client, setting);
  await run.goOn(options.warmUpSeconds * 1000);
  const from = run.snapshot();
  await run.goOn(options.seconds * 1000);
  const to = run.snapshot();
  const report = await run.report(epochMs, from.atMs, to.atMs);
  const hasMarks = setting.device.hasRate(client.sampleRate);
  return {
    cpuSecondsPerMinute: (to.cpuMs - from.cpuMs) / 1000 *
      MS_PER_MINUTE / (to.atMs - from.atMs),
    privateBytes: to.privateBytes,
    peakBytes: to.peakBytes,
    startUpMs: run.startUpMs ?? null,
    latencyMs: report !== undefined && hasMarks
      ? report.latencyMs
      : NOTHING.latencyMs,
    lostSamples: report !== undefined && hasMarks ? report.lostSamples : null,
  };
}
