/**
 * Voice activity detection: what a detector is, and the simplest one.
 *
 * @module
 */

import type { AudioFormat } from "./frame.ts";
import { checkNumber } from "./validation.ts";
import { rmsVolume } from "./volume.ts";

/**
 * Judges audio block by block. A detector may keep state: it is given every
 * block of one stream, in order, exactly once.
 */
export interface VoiceActivityDetector {
  /** Milliseconds of audio that it judges at a time. */
  readonly blockMs: number;
  /** Scores above this are speech. */
  readonly threshold: number;
  /**
   * Judges one block.
   *
   * @param samples Interleaved PCM16, `blockMs` long; the last of a stream may
   *   be shorter. It must not be kept or written to.
   * @param format How the samples are to be read.
   * @returns How sure it is of speech, 0.0–1.0.
   */
  score(samples: Int16Array, format: AudioFormat): number;
  /** Forgets the stream, before another one begins. */
  reset(): void;
}

/**
 * The plainest detector: loud is speech. It is cheap and predictable, and it
 * cannot tell a voice from a fan: pick the threshold for the room.
 *
 * @example
 * ```ts
 * import { RmsDetector } from "@nevil/earshot";
 * import { assert } from "@std/assert";
 *
 * const detector = new RmsDetector();
 * const loud = new Int16Array(480).fill(3000);
 * assert(detector.score(loud) > detector.threshold);
 * ```
 */
export class RmsDetector implements VoiceActivityDetector {
  /** 20 ms, short enough to place an onset well. */
  readonly blockMs = 20;
  /** RMS volume above which a block is speech, 0.0–1.0 of full scale. */
  readonly threshold: number;

  /**
   * Makes a detector.
   *
   * @param threshold RMS volume, 0.0–1.0 of full scale; lower is more
   *   sensitive. 0.02 is −34 dBFS.
   * @throws {RangeError} When the threshold is outside its range.
   */
  constructor(threshold = 0.02) {
    checkNumber("threshold", threshold, 0, 1);
    this.threshold = threshold;
  }

  /**
   * Measures one block.
   *
   * @param samples PCM16.
   * @returns Its RMS volume, 0.0–1.0.
   */
  score(samples: Int16Array): number {
    return rmsVolume(samples);
  }

  /** Does nothing: a level has no memory. */
  reset(): void {}
}
