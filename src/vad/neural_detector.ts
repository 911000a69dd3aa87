/**
 * The neural detector.
 *
 * @module
 */

import type { AudioFormat } from "../frame.ts";
import { checkNumber } from "../validation.ts";
import type { VoiceActivityDetector } from "./detector.ts";
import { SpeechScorer } from "./speech_scorer.ts";

/**
 * Measured on voices and noises that did not train: music and machines seldom come
 * above this onset, and a higher offset would cost the ends of words.
 */
const ONSET = 0.6;
const OFFSET_SHARE = 0.75;

/** Counted from there, no pre-roll of 16,700 missed the beginning of what was said. */
const DOUBT_SHARE = 0.03;

/**
 * Tells voices from noise, at any loudness, with a small recurrent network that
 * is a part of this package: `train/README.md` says what it has learnt from.
 *
 * It looks at features of 10 ms that do not depend on the microphone's gain, and
 * remembers what it heard before. Rates other than 24 kHz are converted for it.
 *
 * @example
 * ```ts ignore
 * import { gateSpeech, NeuralDetector, openMicrophone } from "@nevil/earshot";
 *
 * await using mic = await openMicrophone();
 * for await (const frame of gateSpeech(mic, new NeuralDetector())) {
 *   if (frame.speechStart) console.log("somebody speaks");
 * }
 * ```
 */
export class NeuralDetector implements VoiceActivityDetector {
  /** 10 ms. */
  readonly blockMs = 10;
  /** Probability above which an onset is speech. */
  readonly threshold: number;
  /** Probability above which speech goes on: 0.75 of that. */
  readonly offsetThreshold: number;
  /** Probability above which it may have begun: 0.03 of that. */
  readonly doubtThreshold: number;
  /** Shorter sounds are hardly words. */
  readonly minSpeechMs = 80;
  /**
   * It was taught to answer 70 ms late, when it has heard more. Measured: shifted so
   * much, decisions and truth agree best.
   */
  readonly lagMs = 80;

  readonly #scorer = new SpeechScorer();

  /**
   * Makes a detector.
   *
   * @param threshold Probability above which an onset is speech, 0.0–1.0. Higher:
   *   fewer false triggers, more soft and noisy voices missed.
   * @throws {RangeError} When the threshold is outside its range.
   */
  constructor(threshold = ONSET) {
    checkNumber("threshold", threshold, 0, 1);
    this.threshold = threshold;
    this.offsetThreshold = threshold * OFFSET_SHARE;
    this.doubtThreshold = threshold * DOUBT_SHARE;
  }

  /** The mean noise floor of its frequency bands, in dBFS. */
  get noiseFloorDbfs(): number {
    return this.#scorer.noiseFloorDbfs;
  }

  /**
   * Judges one block, together with what it heard before.
   *
   * @param samples Interleaved PCM16.
   * @param format How they are to be read; channels are averaged.
   * @returns The probability that somebody speaks, 0.0–1.0.
   */
  score(samples: Int16Array, format: AudioFormat): number {
    return this.#scorer.score(samples, format);
  }

  /** Forgets everything heard. */
  reset(): void {
    this.#scorer.reset();
  }
}
