/**
 * Louder or quieter, by a fixed amount or by itself.
 *
 * @module
 */

import { type AudioFrame, frameCountOf } from "./frame.ts";
import { type StageOutput, type StageSource, through } from "./stage.ts";
import { checkNumber } from "./validation.ts";

/** Samples of PCM16 are shares of this. */
const FULL_SCALE = 32_768;

/** Peaks are held below this by the limiter: −1 dBFS. */
const LIMIT = FULL_SCALE * 10 ** (-1 / 20);

/** The automatic gain decides once in this time. */
const STEP_MS = 10;

/** A gain changes over this time, so that it does not click. */
const RAMP_MS = 1;

/** Voices stand out from the noise floor by this. */
const VOICE_OVER_FLOOR_DB = 10;

/** Quieter than this is no voice, whatever the noise. */
const MIN_VOICE_DBFS = -65;

/** How fast the floor follows down and up, and the level of voices up and down. */
const FLOOR_DOWN_MS = 50;
const FLOOR_UP_MS = 5000;
const VOICE_UP_MS = 100;
const VOICE_DOWN_MS = 3000;

/** How fast the gain follows, slow enough that nobody hears it pump. */
const GAIN_UP_DB_PER_S = 6;
const GAIN_DOWN_DB_PER_S = 20;

/**
 * Makes audio louder or quieter. What does not fit is clipped.
 *
 * @param source The blocks.
 * @param gainDb By how much, in dB, −60–60.
 * @returns As many blocks, with their marks and places.
 * @throws {RangeError} When the gain is out of range.
 */
export function applyGain<From extends StageSource<AudioFrame>>(
  source: From,
  gainDb: number,
): StageOutput<From, AudioFrame> {
  return through(source, () => {
    checkNumber("gainDb", gainDb, -60, 60);
    const factor = 10 ** (gainDb / 20);
    return {
      push: (frame) => [{ ...frame, samples: scaled(frame.samples, factor) }],
    };
  });
}

/** Settings of {@linkcode autoGain}. */
export interface AutoGainOptions {
  /**
   * The RMS level that voices are brought to, in dBFS, −40–−6.
   *
   * @default {-20}
   */
  targetDbfs?: number;
  /**
   * The most that is added, in dB, 0–60; as much is taken away at the most.
   *
   * @default {30}
   */
  maxGainDb?: number;
}

/**
 * Brings voices slowly to one level: 6 dB a second up, 20 dB a second down. What
 * does not stand out from the noise floor does not change the gain, so that a
 * pause does not make the noise loud; a limiter holds peaks below −1 dBFS.
 *
 * It decides at the beginning of each block and every 10 ms within it, so that no
 * audio waits for the next block. Blocks of whole multiples of 10 ms give the same,
 * others slightly other gains.
 *
 * @param source The blocks, all of one format.
 * @param options The level, and the bounds of the gain.
 * @returns As many blocks, with their marks and places.
 * @throws {RangeError} When a setting is out of range.
 */
export function autoGain<From extends StageSource<AudioFrame>>(
  source: From,
  options: AutoGainOptions = {},
): StageOutput<From, AudioFrame> {
  return through(source, () => {
    const { targetDbfs = -20, maxGainDb = 30 } = options;
    checkNumber("targetDbfs", targetDbfs, -40, -6);
    checkNumber("maxGainDb", maxGainDb, 0, 60);
    const control = new GainControl(targetDbfs, maxGainDb);
    return {
      push: (frame) => [{ ...frame, samples: control.apply(frame) }],
    };
  });
}

class GainControl {
  readonly #targetDbfs: number;
  readonly #maxGainDb: number;
  #floorDbfs: number | undefined;
  #voiceDbfs: number | undefined;
  #gainDb = 0;
  /** The factor that the last sample had. */
  #factor = 1;

  constructor(targetDbfs: number, maxGainDb: number) {
    this.#targetDbfs = targetDbfs;
    this.#maxGainDb = maxGainDb;
  }

  apply(frame: AudioFrame): Int16Array {
    const { sampleRate, channelCount } = frame.format;
    const output = new Int16Array(frame.samples.length);
    const stepFrames = Math.round(sampleRate * STEP_MS / 1000);
    const rampFrames = Math.round(sampleRate * RAMP_MS / 1000);
    const frameCount = frameCountOf(frame);
    for (let begin = 0; begin < frameCount; begin += stepFrames) {
      const end = Math.min(frameCount, begin + stepFrames);
      const samples = frame.samples.subarray(
        begin * channelCount,
        end * channelCount,
      );
      const factor = this.#decide(samples, (end - begin) * 1000 / sampleRate);
      const ramp = rampFrames * channelCount;
      for (let i = 0; i < samples.length; i++) {
        const share = Math.min(1, (i + 1) / ramp);
        const gain = this.#factor + (factor - this.#factor) * share;
        const value = Math.round(samples[i]! * gain);
        // The ramp comes too late for a peak at its very beginning.
        output[begin * channelCount + i] = value > LIMIT
          ? LIMIT
          : value < -LIMIT
          ? -LIMIT
          : value;
      }
      this.#factor = factor;
    }
    return output;
  }

  /** The factor for a few milliseconds. */
  #decide(samples: Int16Array, durationMs: number): number {
    let squares = 0;
    let peak = 0;
    for (const sample of samples) {
      squares += sample * sample;
      if (sample > peak) peak = sample;
      else if (-sample > peak) peak = -sample;
    }
    const rms = Math.sqrt(squares / samples.length) / FULL_SCALE;
    if (rms > 0) this.#learn(20 * Math.log10(rms), durationMs);
    if (this.#voiceDbfs !== undefined) {
      const wanted = Math.max(
        -this.#maxGainDb,
        Math.min(this.#maxGainDb, this.#targetDbfs - this.#voiceDbfs),
      );
      const up = GAIN_UP_DB_PER_S * durationMs / 1000;
      const down = GAIN_DOWN_DB_PER_S * durationMs / 1000;
      this.#gainDb = Math.max(
        this.#gainDb - down,
        Math.min(this.#gainDb + up, wanted),
      );
    }
    const factor = 10 ** (this.#gainDb / 20);
    return peak * factor > LIMIT ? LIMIT / peak : factor;
  }

  /** Learns the noise floor and the level of voices. */
  #learn(dbfs: number, durationMs: number): void {
    const floor = this.#floorDbfs ?? dbfs;
    this.#floorDbfs = follow(
      floor,
      dbfs,
      durationMs / (dbfs < floor ? FLOOR_DOWN_MS : FLOOR_UP_MS),
    );
    if (dbfs < this.#floorDbfs + VOICE_OVER_FLOOR_DB) return;
    if (dbfs < MIN_VOICE_DBFS) return;
    const voice = this.#voiceDbfs ?? dbfs;
    this.#voiceDbfs = follow(
      voice,
      dbfs,
      durationMs / (dbfs > voice ? VOICE_UP_MS : VOICE_DOWN_MS),
    );
  }
}

function follow(from: number, to: number, steps: number): number {
  return from + (to - from) * (1 - Math.exp(-steps));
}

function scaled(samples: Int16Array, factor: number): Int16Array {
  const output = new Int16Array(samples.length);
  for (let i = 0; i < output.length; i++) {
    const value = Math.round(samples[i]! * factor);
    output[i] = value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value;
  }
  return output;
}
