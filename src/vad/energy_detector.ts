/**
 * Detectors that tell speech by its level alone.
 *
 * @module
 */

import { mixChannels } from "../channels.ts";
import type { AudioFormat } from "../frame.ts";
import { checkNumber } from "../validation.ts";
import { rmsVolume } from "../volume.ts";
import type { VoiceActivityDetector } from "./detector.ts";

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

/** A score of 1 is so far above the noise floor. */
const SCORE_RANGE_DB = 24;

/** Quieter than this is silence, whatever the noise floor: a voice is not. */
const LEAST_DBFS = -66;

/** The floor is the least level of so many parts of so many blocks: 3 s. */
const FLOOR_PARTS = 10;
const FLOOR_PART_BLOCKS = 15;

/** Mains hum and rumble are below it, voices above. */
const HIGH_PASS_HZ = 150;

/**
 * Loud for this room is speech: the level above a noise floor that is learnt all
 * the time, as the least level of the last 3 seconds (R. Martin, Noise Power
 * Spectral Density Estimation Based on Optimal Smoothing and Minimum Statistics,
 * 2001). It needs no threshold for the room, costs next to nothing, and takes
 * whatever comes and goes for speech: a door, a bark, music.
 *
 * @example
 * ```ts ignore
 * import { EnergyDetector, gateSpeech, openMicrophone } from "@nevil/earshot";
 *
 * await using mic = await openMicrophone();
 * for await (const frame of gateSpeech(mic, new EnergyDetector())) {
 *   console.log(frame.position);
 * }
 * ```
 */
export class EnergyDetector implements VoiceActivityDetector {
  /** 20 ms, short enough to place an onset well. */
  readonly blockMs = 20;
  /** An onset is 9 dB above the floor … */
  readonly threshold: number = 9 / SCORE_RANGE_DB;
  /** … and speech goes on until it is 5 dB above it. */
  readonly offsetThreshold: number = 5 / SCORE_RANGE_DB;
  /** Three blocks: a click is shorter. */
  readonly minSpeechMs = 60;

  readonly #floors = new Float64Array(FLOOR_PARTS).fill(Infinity);
  #blockCount = 0;
  #lastLow = 0;
  #smoothed = LEAST_DBFS;
  #floor = LEAST_DBFS;
  /** Room for the mean of the channels. */
  #mean = new Int16Array(0);

  /** The noise floor without what is below 150 Hz, in dBFS. */
  get noiseFloorDbfs(): number {
    return this.#floor;
  }

  /**
   * Measures one block against the noise floor.
   *
   * @param samples Interleaved PCM16.
   * @param format How they are to be read; channels are averaged.
   * @returns 0.0 at the floor, 1.0 at 24 dB above it or more.
   */
  score(samples: Int16Array, format: AudioFormat): number {
    const { sampleRate, channelCount } = format;
    const mono = channelCount === 1
      ? samples
      : this.#averaged(samples, channelCount);
    const dbfs = this.#levelOf(mono, sampleRate);
    this.#smoothed = this.#blockCount === 0
      ? dbfs
      : 0.6 * this.#smoothed + 0.4 * dbfs;
    this.#follow(this.#smoothed);
    const above = dbfs - Math.max(this.#floor, LEAST_DBFS);
    return Math.max(0, Math.min(1, above / SCORE_RANGE_DB));
  }

  /** Forgets the noise floor. */
  reset(): void {
    this.#floors.fill(Infinity);
    this.#blockCount = 0;
    this.#lastLow = 0;
    this.#smoothed = this.#floor = LEAST_DBFS;
  }

  #follow(dbfs: number): void {
    const floors = this.#floors;
    const part = Math.floor(this.#blockCount / FLOOR_PART_BLOCKS) % FLOOR_PARTS;
    const isNewPart = this.#blockCount++ % FLOOR_PART_BLOCKS === 0;
    if (isNewPart || dbfs < floors[part]!) floors[part] = dbfs;
    let floor = floors[0]!;
    for (let i = 1; i < FLOOR_PARTS; i++) {
      if (floors[i]! < floor) floor = floors[i]!;
    }
    this.#floor = floor;
  }

  #averaged(samples: Int16Array, channelCount: number): Int16Array {
    const frameCount = samples.length / channelCount;
    if (this.#mean.length < frameCount) this.#mean = new Int16Array(frameCount);
    const mean = this.#mean.subarray(0, frameCount);
    mixChannels(samples, mean, channelCount);
    return mean;
  }

  #levelOf(samples: Int16Array, sampleRate: number): number {
    const keep = Math.exp(-2 * Math.PI * HIGH_PASS_HZ / sampleRate);
    const share = 1 - keep;
    // What is below the high-pass follows each sample: low = keep * low + share *
    // sample. Each step waits for the one before, so two are made in one.
    const keepTwice = keep * keep;
    const keptShare = keep * share;
    let low = this.#lastLow;
    let sum = 0;
    let i = 0;
    for (; i + 1 < samples.length; i += 2) {
      const first = samples[i]!;
      const second = samples[i + 1]!;
      const firstHigh = first - (keep * low + share * first);
      low = keepTwice * low + (keptShare * first + share * second);
      const secondHigh = second - low;
      sum += firstHigh * firstHigh + secondHigh * secondHigh;
    }
    if (i < samples.length) {
      low = keep * low + share * samples[i]!;
      sum += (samples[i]! - low) ** 2;
    }
    this.#lastLow = low;
    const power = sum / Math.max(1, samples.length) / 32_768 ** 2;
    return 10 * Math.log10(power + 1e-12);
  }
}
