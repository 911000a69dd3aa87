/**
 * Loudness as the root of the mean square.
 *
 * @module
 */

import type { AudioFrame } from "./frame.ts";
import { type StageOutput, type StageSource, through } from "./stage.ts";

/** A block with its loudness. */
export interface MeteredFrame extends AudioFrame {
  /** RMS volume, 0.0–1.0 of full scale; 0 for a block without samples. */
  readonly volume: number;
}

/**
 * Computes the RMS volume of PCM16.
 *
 * Full scale is 32768, so a full-scale square wave gives 1.0 and a full-scale
 * sine 0.707.
 *
 * @example
 * ```ts
 * import { rmsVolume } from "@nevil/earshot";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(rmsVolume(new Int16Array([16384, -16384])), 0.5);
 * ```
 *
 * @param samples PCM16, of any number of channels.
 * @returns 0.0–1.0 of full scale.
 */
export function rmsVolume(samples: Int16Array): number {
  // Two squares are 2^31 at most: `>>> 0` tells V8 that whole numbers do, which
  // takes three quarters of the time of floats, and a float for each four keeps
  // the sum exact.
  let sum = 0;
  const { length } = samples;
  const fourfoldLength = length & ~3;
  for (let i = 0; i < fourfoldLength; i += 4) {
    const a = samples[i]!;
    const b = samples[i + 1]!;
    const c = samples[i + 2]!;
    const d = samples[i + 3]!;
    sum += ((a * a + b * b) >>> 0) + ((c * c + d * d) >>> 0);
  }
  for (let i = fourfoldLength; i < length; i++) sum += samples[i]! ** 2;
  return Math.sqrt(sum / Math.max(1, length)) / 32768;
}

/**
 * Converts a volume to decibels below full scale.
 *
 * @param volume 0.0–1.0.
 * @returns `20 log10(volume)`: 0 dBFS for 1.0, `-Infinity` for silence.
 */
export function volumeToDbfs(volume: number): number {
  return 20 * Math.log10(volume);
}

/**
 * Measures every block.
 *
 * @param source The blocks.
 * @returns The same blocks with their RMS volume.
 */
export function measureVolume<From extends StageSource<AudioFrame>>(
  source: From,
): StageOutput<From, MeteredFrame> {
  return through(source, () => ({
    push: (frame) => [{ ...frame, volume: rmsVolume(frame.samples) }],
  }));
}
