/**
 * What a microphone hears while it is quiet and while somebody speaks, and which
 * settings suit that.
 *
 * @module
 */

import type { AudioFormat, AudioFrame } from "../frame.ts";
import { type Hum, SoundReport } from "../sound_report.ts";
import type { VoiceActivityDetector } from "../vad/detector.ts";
import { volumeToDbfs } from "../volume.ts";

const FULL_SCALE = 32_768;

/** A fixed gain has no limiter behind it, so it aims 4 dB below the automatic. */
const TARGET_DBFS = -24;

/** The loudest sample, after the gain: the next word may be louder. */
const HIGHEST_PEAK_DBFS = -3;

/** A smaller gain is not worth leaving the bit-exact path. */
const LEAST_GAIN_DB = 3;
const MOST_GAIN_DB = 30;

/** A DC offset of this share of full scale (−40 dBFS) disturbs RMS thresholds. */
const DC_SHARE = 0.01;

/** An RMS threshold stays this far from the noise and from the voice. */
const NOISE_MARGIN_DB = 6;
const VOICE_MARGIN_DB = 6;

/** A probability is kept this far above what the quiet room scores. */
const SCORE_MARGIN = 0.1;
const HIGHEST_THRESHOLD = 0.9;

/** What was heard. */
export interface RoomFigures {
  /** RMS level of the quiet, without DC, in dBFS. */
  readonly noiseDbfs: number;
  /** The level that 95 % of the quiet stay below, in dBFS. */
  readonly loudNoiseDbfs: number;
  /** RMS level of what was speech, in dBFS; `undefined` without any. */
  readonly speechDbfs: number | undefined;
  /** How much was speech, in milliseconds. */
  readonly speechMs: number;
  /** The loudest sample, in dBFS. */
  readonly peakDbfs: number;
  /** Share of the samples that are clipped, 0.0–1.0. */
  readonly clippedShare: number;
  /** Mean of the samples, −1.0–1.0 of full scale. */
  readonly dcOffset: number;
  /** A steady hum of the mains in the quiet; usually there is none. */
  readonly hum: Hum | undefined;
  /** Whether all samples were equal: no microphone is that quiet. */
  readonly isDigitalSilence: boolean;
  /** The score that 95 % of the quiet stay below, 0.0–1.0. */
  readonly quietScore: number;
}

/** Listens to a room and to a voice in it. */
export class RoomMeter {
  readonly #format: AudioFormat;
  readonly #detector: VoiceActivityDetector;
  readonly #quiet: SoundReport;
  readonly #whole: SoundReport;
  readonly #quietScores: number[] = [];
  #speechSamples = 0;
  #speechPower = 0;

  /**
   * @param format The format of all that is to come; one channel.
   * @param detector What tells the voice from the room.
   */
  constructor(format: AudioFormat, detector: VoiceActivityDetector) {
    this.#format = format;
    this.#detector = detector;
    this.#quiet = new SoundReport(format);
    this.#whole = new SoundReport(format);
  }

  /**
   * Takes a block of the detector's length.
   *
   * @param block The block.
   * @param isQuiet Whether nobody was to speak.
   */
  async add(block: AudioFrame, isQuiet: boolean): Promise<void> {
    const { samples, format } = block;
    const score = await this.#detector.score(samples, format);
    this.#whole.add(block);
    if (isQuiet) {
      this.#quiet.add(block);
      this.#quietScores.push(score);
    } else if (score > this.#detector.threshold) {
      this.#speechSamples += samples.length;
      this.#speechPower += powerOf(samples);
    }
  }

  /** What was heard so far. */
  get figures(): RoomFigures {
    const quiet = this.#quiet.figures;
    const whole = this.#whole.figures;
    const scores = this.#quietScores.toSorted((a, b) => a - b);
    const speechRms = Math.sqrt(this.#speechPower / this.#speechSamples);
    return {
      noiseDbfs: quiet.rmsDbfs,
      loudNoiseDbfs: quiet.loudDbfs,
      speechDbfs: this.#speechSamples === 0
        ? undefined
        : volumeToDbfs(speechRms / FULL_SCALE),
      speechMs: this.#speechSamples * 1000 / this.#format.sampleRate,
      peakDbfs: whole.peakDbfs,
      clippedShare: whole.clippedShare,
      dcOffset: whole.dcOffset,
      hum: quiet.hum,
      isDigitalSilence: whole.isDigitalSilence,
      quietScore: scores[Math.floor(scores.length * 0.95)] ?? 0,
    };
  }
}

/** Sum of the squares without the mean. */
function powerOf(samples: Int16Array): number {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < samples.length; i++) {
    sum += samples[i]!;
    squares += samples[i]! * samples[i]!;
  }
  return squares - sum * sum / Math.max(1, samples.length);
}

/** Settings that suit a microphone. */
export interface RoomAdvice {
  /** See `--gain-db`; 0 where the level is well as it is. */
  readonly gainDb: number;
  /** See `--dc-block`. */
  readonly dcBlock: boolean;
  /** The probability above which it is speech, for the engine `neural`. */
  readonly neuralThreshold: number;
  /** The RMS volume above which it is speech, behind the gain. */
  readonly rmsThreshold: number;
}

/**
 * Chooses settings.
 *
 * - The gain brings the voice to −24 dBFS, but no peak above −3 dBFS; it is never
 *   negative, which would undo no clipping.
 * - The RMS threshold is halfway (in dB) from the loud moments of the quiet to
 *   the voice, 6 dB from both where there is room for that.
 * - The probability is that of the detector, unless the quiet room comes near it.
 *
 * @param figures What was heard; somebody has spoken.
 * @param threshold The detector's own.
 * @returns The settings.
 */
export function adviceFor(
  figures: RoomFigures & { readonly speechDbfs: number },
  threshold: number,
): RoomAdvice {
  const { speechDbfs, loudNoiseDbfs, peakDbfs, dcOffset, quietScore } = figures;
  const wantedDb = Math.min(
    TARGET_DBFS - speechDbfs,
    HIGHEST_PEAK_DBFS - peakDbfs,
    MOST_GAIN_DB,
  );
  const gainDb = wantedDb < LEAST_GAIN_DB ? 0 : Math.floor(wantedDb);
  const halfwayDbfs = (loudNoiseDbfs + speechDbfs) / 2;
  const rmsDbfs = gainDb + Math.min(
    speechDbfs - VOICE_MARGIN_DB,
    Math.max(loudNoiseDbfs + NOISE_MARGIN_DB, halfwayDbfs),
  );
  return {
    gainDb,
    dcBlock: Math.abs(dcOffset) > DC_SHARE,
    neuralThreshold: rounded(
      Math.min(
        HIGHEST_THRESHOLD,
        Math.max(threshold, quietScore + SCORE_MARGIN),
      ),
    ),
    rmsThreshold: rounded(Math.max(1e-5, Math.min(1, 10 ** (rmsDbfs / 20)))),
  };
}

/** To two digits that mean something. */
function rounded(value: number): number {
  return Number(value.toPrecision(2));
}
