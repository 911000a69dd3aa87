/**
 * Voice activity detection: what a detector is.
 *
 * @module
 */

import type { AudioFormat } from "../frame.ts";
import { checkNumber } from "../validation.ts";

/**
 * Judges audio block by block. A detector may keep state: it is given every
 * block of one stream, in order, exactly once.
 *
 * @example A detector of your own
 * ```ts
 * import type { VoiceActivityDetector } from "@nevil/earshot";
 *
 * const pushToTalk = {
 *   blockMs: 20,
 *   threshold: 0.5,
 *   isPressed: false,
 *   score(): number {
 *     return this.isPressed ? 1 : 0;
 *   },
 *   reset(): void {},
 * } satisfies VoiceActivityDetector & { isPressed: boolean };
 * ```
 */
export interface VoiceActivityDetector {
  /** Milliseconds of audio that it judges at a time, 1–10000. */
  readonly blockMs: number;
  /** Scores above this are the onset of speech, 0.0–1.0. */
  readonly threshold: number;
  /**
   * Scores above this go on being speech, 0.0–1.0.
   *
   * @default {threshold}
   */
  readonly offsetThreshold?: number;
  /**
   * Scores above this are in doubt, 0.0–1.0: pre-roll is counted from where the score
   * rose above it, 8 s before the onset at the most, so that a voice that is faint at
   * first is not clipped. Dips of up to 300 ms do not count.
   *
   * @default {none: it is counted from the onset}
   */
  readonly doubtThreshold?: number;
  /**
   * How much speech it takes to be sure of an onset, in milliseconds, 0–5000.
   *
   * @default {0, which is one block}
   */
  readonly minSpeechMs?: number;
  /**
   * How much later its scores come than what they are about, in milliseconds,
   * 0–1000: a detector that knows only the past needs a moment to be sure. Where
   * speech begins and ends is told so much earlier.
   *
   * @default {0}
   */
  readonly lagMs?: number;
  /** The noise floor that it measured, in dBFS, if it measures one. */
  readonly noiseFloorDbfs?: number;
  /**
   * Judges one block.
   *
   * @param samples Interleaved PCM16, `blockMs` long; the last of a stream may
   *   be shorter. It must not be kept or written to.
   * @param format How the samples are to be read.
   * @returns How sure it is of speech, 0.0–1.0; a promise of that is waited for.
   */
  score(samples: Int16Array, format: AudioFormat): number | Promise<number>;
  /** Forgets the stream, before another one begins. */
  reset(): void;
}

/**
 * Refuses what is no detector.
 *
 * @param field What it was given as, for errors.
 * @param detector What was given.
 * @throws {TypeError} When it is no object with the functions of a detector.
 * @throws {RangeError} When one of its numbers is outside its range.
 */
export function checkDetector(
  field: string,
  detector: VoiceActivityDetector,
): void {
  for (const name of ["score", "reset"] as const) {
    if (typeof detector?.[name] === "function") continue;
    throw new TypeError(
      `Cannot use ${field} as it must be a VoiceActivityDetector, with a function ${name}()`,
    );
  }
  const { blockMs, threshold, minSpeechMs, lagMs } = detector;
  checkNumber(`${field}.blockMs`, blockMs, 1, 10_000);
  checkNumber(`${field}.threshold`, threshold, 0, 1);
  for (const name of ["offsetThreshold", "doubtThreshold"] as const) {
    const value = detector[name];
    if (value !== undefined) checkNumber(`${field}.${name}`, value, 0, 1);
  }
  if (minSpeechMs !== undefined) {
    checkNumber(`${field}.minSpeechMs`, minSpeechMs, 0, 5000);
  }
  if (lagMs !== undefined) checkNumber(`${field}.lagMs`, lagMs, 0, 1000);
}
