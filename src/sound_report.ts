/**
 * What a microphone sounds like, in figures: level, clipping, DC, hum, and its
 * real sample rate.
 *
 * @module
 */

import type { AudioFormat, AudioFrame } from "./frame.ts";
import { volumeToDbfs } from "./volume.ts";

/** Samples of PCM16 are shares of this. */
const FULL_SCALE = 32_768;

/** Levels are measured over blocks of this length. */
const LEVEL_MS = 20;

/** Levels are counted in steps of 1 dB from here to 0 dBFS. */
const LOWEST_DBFS = -100;

/**
 * Samples near full scale in a row are clipping, not a loud moment, when there are
 * so many of them, and so many of these at full scale. After a conversion of the
 * rate a clipped wave is no longer flat: its ripple leaves and meets full scale
 * again and again. Measured with ours: a voice that is clipped by 1 to 24 dB gives
 * the same share within a tenth before it and behind it, a sine or a voice that just
 * reaches full scale nothing.
 */
const NEAR_FULL_SCALE = 0.97 * FULL_SCALE;
const MIN_NEAR_RUN = 3;
const MIN_FULL_IN_RUN = 2;

/**
 * Hum is looked for in blocks of half a second under a Hann window, whose main
 * lobe is 4 Hz wide to each side.
 */
const HUM_BLOCK_MS = 500;
const MAINS_HZ = [50, 60] as const;
const HARMONICS = [1, 2, 3] as const;

/** Far enough from the mains for the window, too near for anything else. */
const NEIGHBOUR_HZ = 7;

/** A line that stands out by less than this is not steady, or not a line. */
const MIN_HUM_DB = 10;

/** Below the steps of 16 bits, a hum is of the arithmetic's making. */
const MIN_HUM_DBFS = -100;

/** Two timestamps nearer than this say nothing about a rate. */
const MIN_RATE_MS = 1000;

/** Hum of the mains. */
export interface Hum {
  /** The mains: 50 or 60 Hz. */
  readonly mainsHz: 50 | 60;
  /** RMS level of it and its first harmonics, in dBFS. */
  readonly dbfs: number;
}

/** What was heard. */
export interface SoundFigures {
  /** How long it was listened, in milliseconds of audio. */
  readonly durationMs: number;
  /** The loudest sample, in dBFS; −Infinity for silence. */
  readonly peakDbfs: number;
  /** RMS level without DC, in dBFS; −Infinity for silence. */
  readonly rmsDbfs: number;
  /** The level that 10 % of the blocks of 20 ms stay below, in dBFS. */
  readonly noiseFloorDbfs: number;
  /** The level that 95 % of them stay below, in dBFS. */
  readonly loudDbfs: number;
  /** Share of the samples that are clipped, 0.0–1.0; also before a conversion. */
  readonly clippedShare: number;
  /** Mean of the samples, −1.0–1.0 of full scale. */
  readonly dcOffset: number;
  /** Whether all samples were equal: no microphone is that quiet. */
  readonly isDigitalSilence: boolean;
  /** A steady hum of the mains that stands out; usually there is none. */
  readonly hum: Hum | undefined;
  /**
   * Frames per second of the clock of `timestampMs`; `undefined` after less than
   * a second, or with holes in the audio.
   */
  readonly sampleRateHz: number | undefined;
}

/**
 * Measures the first channel of what it is given; memory does not grow with it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { SoundReport } from "./sound_report.ts";
 *
 * const report = new SoundReport({ sampleRate: 24_000, channelCount: 1 });
 * report.add({
 *   format: { sampleRate: 24_000, channelCount: 1 },
 *   samples: new Int16Array(2400),
 *   position: 0,
 *   timestampMs: 0,
 * });
 * assertEquals(report.figures.isDigitalSilence, true);
 * ```
 */
export class SoundReport {
  readonly #format: AudioFormat;
  readonly #levels = new Uint32Array(1 - LOWEST_DBFS);
  readonly #levelFrames: number;
  readonly #hums: readonly HumMeter[];
  #frameCount = 0;
  #sum = 0;
  #squares = 0;
  #peak = 0;
  #low = FULL_SCALE;
  #high = -FULL_SCALE;
  #nearRun = 0;
  #fullInRun = 0;
  #countedInRun = 0;
  #clippedCount = 0;
  #blockFrames = 0;
  #blockSum = 0;
  #blockSquares = 0;
  #first: AudioFrame | undefined;
  #last: AudioFrame | undefined;
  #hasHoles = false;
  /** Sums of a least-squares line through (timestamp, position). */
  #points = { count: 0, t: 0, p: 0, tt: 0, tp: 0 };

  /** @param format The format of all that is to come. */
  constructor(format: AudioFormat) {
    this.#format = format;
    this.#levelFrames = Math.round(format.sampleRate * LEVEL_MS / 1000);
    this.#hums = MAINS_HZ.map((mainsHz) =>
      new HumMeter(mainsHz, format.sampleRate)
    );
  }

  /**
   * Takes a block.
   *
   * @param frame The block.
   */
  add(frame: AudioFrame): void {
    this.#addPoint(frame);
    const { samples } = frame;
    const step = this.#format.channelCount;
    for (let i = 0; i < samples.length; i += step) {
      const sample = samples[i]!;
      if (sample < this.#low) this.#low = sample;
      if (sample > this.#high) this.#high = sample;
      this.#countClipping(sample);
      this.#blockSum += sample;
      this.#blockSquares += sample * sample;
      if (++this.#blockFrames === this.#levelFrames) this.#endBlock();
      for (const hum of this.#hums) hum.add(sample);
    }
    this.#frameCount += samples.length / step;
  }

  /** What was heard so far. */
  get figures(): SoundFigures {
    const frameCount = Math.max(1, this.#frameCount);
    const sum = this.#sum + this.#blockSum;
    const squares = this.#squares + this.#blockSquares;
    const mean = sum / frameCount;
    const variance = Math.max(0, squares / frameCount - mean * mean);
    this.#peak = Math.max(Math.abs(this.#low), Math.abs(this.#high));
    const isEmpty = this.#frameCount === 0;
    return {
      durationMs: this.#frameCount * 1000 / this.#format.sampleRate,
      peakDbfs: volumeToDbfs(isEmpty ? 0 : this.#peak / FULL_SCALE),
      rmsDbfs: volumeToDbfs(Math.sqrt(variance) / FULL_SCALE),
      noiseFloorDbfs: this.#levelAt(0.1),
      loudDbfs: this.#levelAt(0.95),
      clippedShare: this.#clippedCount / frameCount,
      dcOffset: mean / FULL_SCALE,
      isDigitalSilence: !isEmpty && this.#low === this.#high,
      hum: this.#hums.map((hum) => hum.hum)
        .filter((hum) => hum !== undefined)
        .sort((a, b) => b.dbfs - a.dbfs)[0],
      sampleRateHz: this.#sampleRateHz(),
    };
  }

  #countClipping(sample: number): void {
    if (sample < NEAR_FULL_SCALE && sample > -NEAR_FULL_SCALE) {
      this.#nearRun = this.#fullInRun = this.#countedInRun = 0;
      return;
    }
    const run = ++this.#nearRun;
    if (sample === FULL_SCALE - 1 || sample === -FULL_SCALE) this.#fullInRun++;
    if (run < MIN_NEAR_RUN || this.#fullInRun < MIN_FULL_IN_RUN) return;
    this.#clippedCount += run - this.#countedInRun;
    this.#countedInRun = run;
  }

  #endBlock(): void {
    const mean = this.#blockSum / this.#blockFrames;
    const power = this.#blockSquares / this.#blockFrames - mean * mean;
    const dbfs = volumeToDbfs(Math.sqrt(Math.max(0, power)) / FULL_SCALE);
    const step = Math.round(Math.max(LOWEST_DBFS, Math.min(0, dbfs)));
    this.#levels[step - LOWEST_DBFS]!++;
    this.#sum += this.#blockSum;
    this.#squares += this.#blockSquares;
    this.#blockSum = this.#blockSquares = this.#blockFrames = 0;
  }

  /** The level that a share of the blocks stays below. */
  #levelAt(share: number): number {
    const total = this.#levels.reduce((sum, count) => sum + count, 0);
    let count = 0;
    for (const [step, blocks] of this.#levels.entries()) {
      count += blocks;
      if (count > 0 && count >= share * total) return step + LOWEST_DBFS;
    }
    return -Infinity;
  }

  #addPoint(frame: AudioFrame): void {
    if (frame.discontinuity !== undefined || frame.interrupted) {
      this.#hasHoles = true;
    }
    this.#first ??= frame;
    this.#last = frame;
    const t = frame.timestampMs - this.#first.timestampMs;
    const p = frame.position - this.#first.position;
    const points = this.#points;
    points.count++;
    points.t += t;
    points.p += p;
    points.tt += t * t;
    points.tp += t * p;
  }

  #sampleRateHz(): number | undefined {
    if (this.#hasHoles || this.#first === undefined) return undefined;
    const spanMs = this.#last!.timestampMs - this.#first.timestampMs;
    if (spanMs < MIN_RATE_MS) return undefined;
    const { count, t, p, tt, tp } = this.#points;
    return (count * tp - t * p) / (count * tt - t * t) * 1000;
  }
}

/**
 * Looks for the mains and its harmonics with Goertzel filters (G. Goertzel, An
 * Algorithm for the Evaluation of Finite Trigonometric Series, 1958), one for
 * each line and one to each side of it.
 */
class HumMeter {
  readonly #mainsHz: 50 | 60;
  readonly #blockFrames: number;
  readonly #window: Float64Array;
  /** Twice the cosine of each filter's step; line, left, right, next line … */
  readonly #factors: Float64Array;
  readonly #s1: Float64Array;
  readonly #s2: Float64Array;
  /** The least power of each filter over all blocks: hum is always there. */
  readonly #leastLines: Float64Array;
  /** The mean power beside each line. */
  readonly #besides: Float64Array;
  #blockCount = 0;
  #frame = 0;

  constructor(mainsHz: 50 | 60, sampleRate: number) {
    this.#mainsHz = mainsHz;
    const count = this.#blockFrames = Math.round(
      sampleRate * HUM_BLOCK_MS / 1000,
    );
    this.#window = Float64Array.from(
      { length: count },
      (_, i) => 0.5 - 0.5 * Math.cos(2 * Math.PI * i / count),
    );
    this.#factors = Float64Array.from(
      HARMONICS.flatMap((harmonic) =>
        [0, -NEIGHBOUR_HZ, NEIGHBOUR_HZ].map((offsetHz) =>
          2 * Math.cos(
            2 * Math.PI * (mainsHz * harmonic + offsetHz) / sampleRate,
          )
        )
      ),
    );
    this.#s1 = new Float64Array(this.#factors.length);
    this.#s2 = new Float64Array(this.#factors.length);
    this.#leastLines = new Float64Array(HARMONICS.length).fill(Infinity);
    this.#besides = new Float64Array(HARMONICS.length);
  }

  add(sample: number): void {
    const input = sample * this.#window[this.#frame]!;
    const s1 = this.#s1;
    const s2 = this.#s2;
    for (let i = 0; i < s1.length; i++) {
      const s = input + this.#factors[i]! * s1[i]! - s2[i]!;
      s2[i] = s1[i]!;
      s1[i] = s;
    }
    if (++this.#frame === this.#blockFrames) this.#endBlock();
  }

  get hum(): Hum | undefined {
    if (this.#blockCount === 0) return undefined;
    const ratio = 10 ** (MIN_HUM_DB / 10);
    let power = 0;
    for (const [i, line] of this.#leastLines.entries()) {
      if (line > ratio * this.#besides[i]! / this.#blockCount) power += line;
    }
    // A line of amplitude A gives A × N/4 under a Hann window.
    const rms = Math.sqrt(power / 2) * 4 / this.#blockFrames / FULL_SCALE;
    const dbfs = volumeToDbfs(rms);
    return dbfs < MIN_HUM_DBFS ? undefined : { mainsHz: this.#mainsHz, dbfs };
  }

  #endBlock(): void {
    for (let i = 0; i < this.#leastLines.length; i++) {
      this.#leastLines[i] = Math.min(
        this.#leastLines[i]!,
        this.#powerOf(3 * i),
      );
      this.#besides[i]! +=
        (this.#powerOf(3 * i + 1) + this.#powerOf(3 * i + 2)) / 2;
    }
    this.#s1.fill(0);
    this.#s2.fill(0);
    this.#frame = 0;
    this.#blockCount++;
  }

  #powerOf(i: number): number {
    const s1 = this.#s1[i]!;
    const s2 = this.#s2[i]!;
    return s1 * s1 + s2 * s2 - this.#factors[i]! * s1 * s2;
  }
}
