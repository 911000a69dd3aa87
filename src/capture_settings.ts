/**
 * The settings of a capture: what there are, their defaults and their ranges.
 *
 * @module
 */

import { wantedChannels } from "./channels.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { FrontEndOptions } from "./front_end.ts";
import type { OpenPcm } from "./pcm.ts";
import {
  createDetector,
  VAD_ENGINES,
  type VadEngine,
} from "./vad/create_detector.ts";
import { checkDetector, type VoiceActivityDetector } from "./vad/detector.ts";
import { checkInteger, checkNumber, checkOneOf } from "./validation.ts";

/** Settings of an {@linkcode AudioCaptureManager}; every field is optional. */
export interface AudioCaptureConfig extends FrontEndOptions {
  /**
   * Samples per second: 16000, 22050, 24000, 44100 or 48000 Hz. The Realtime
   * API takes only 24000.
   *
   * @default {24000}
   */
  sampleRate?: number;
  /**
   * Channels, 1 or 2. The Realtime API takes only 1.
   *
   * @default {1, or as many as `channel` names}
   */
  channelCount?: number;
  /**
   * The channel of the device, from 0, that becomes the only one, 0–31; or a map:
   * those that become the first and the second.
   *
   * @default {undefined, which is all of them, or their mean for one channel}
   */
  channel?: number | readonly number[];
  /**
   * Samples (of each channel) in a processing chunk: rate × seconds, 1–4800000.
   *
   * @default {4800, which is 200 ms at 24000 Hz}
   */
  chunkSize?: number;
  /**
   * Samples (of each channel) that the capture layer hands over at once at the
   * most, 16–480000. Larger: more latency, less CPU. The period is the largest
   * equal part of a chunk within it; the device's ring is always longer.
   *
   * @default {4096}
   */
  bufferSize?: number;
  /**
   * Index in the list of devices, from 0; without it, `device` decides.
   *
   * @default {undefined, which is the system's default device}
   */
  deviceIndex?: number;
  /**
   * ALSA's name of the device.
   *
   * @default {"default"}
   */
  device?: string;
  /**
   * Whether only audio in which speech is detected is sent.
   *
   * @default {false}
   */
  vadEnabled?: boolean;
  /**
   * What tells speech from the rest.
   *
   * @default {"neural", or "energy" when only `vadThreshold` is given}
   */
  vadEngine?: VadEngine;
  /** Path of Silero's ONNX file, for the engine `silero` alone. */
  vadModel?: string;
  /**
   * Above this audio is speech, 0.0–1.0; lower is more sensitive. For the engine
   * `energy`, which is meant without `vadEngine`, it is an RMS volume of full
   * scale, such as 0.02; for the others a probability; for `vadDetector` what its
   * scores are.
   *
   * @default {the engine's own: 0.6, 0.5 for `silero`, 9 dB above the noise for `energy`}
   */
  vadThreshold?: number;
  /**
   * Above this it goes on being speech, 0.0 to the threshold of the onset. An
   * engine's own is 0.75 of it for `neural`, 0.15 lower for `silero`, and 4 dB
   * (0.167) lower for `energy`; for an RMS volume it is the same.
   *
   * @default {the engine's own}
   */
  vadOffsetThreshold?: number;
  /**
   * How much speech it takes to be sure, in milliseconds, 0–5000. An engine's own
   * is 80 for `neural`, 64 for `silero`, 60 for `energy`, and 0 for an RMS volume.
   *
   * @default {the engine's own}
   */
  vadMinSpeechMs?: number;
  /**
   * Audio before an onset that is sent with it, in milliseconds, 0–10000.
   *
   * @default {300}
   */
  vadPreRollMs?: number;
  /**
   * How long it must be quiet before speech has ended, in milliseconds,
   * 0–60000.
   *
   * @default {500}
   */
  vadHangoverMs?: number;
  /**
   * The longest utterance, in milliseconds, 1000–86400000: it is ended at its
   * quietest moment before, and the next one begins there.
   *
   * @default {60000}
   */
  vadMaxUtteranceMs?: number;
  /** A detector of your own, in the place of `vadEngine` and `vadModel`. */
  vadDetector?: VoiceActivityDetector;
  /**
   * A partly filled chunk that has waited this long, in milliseconds, is sent
   * as it is, 1–600000.
   *
   * @default {200, or as long as it takes to fill a chunk when that is longer}
   */
  autoFlushMs?: number;
  /**
   * Whether silence takes the place of audio that was lost, in gaps of up to
   * 10 seconds, so that positions in what is sent stay aligned with the clock.
   *
   * @default {false}
   */
  fillGaps?: boolean;
  /**
   * Whether a device that was lost is opened again, for as long as it takes;
   * else the recording ends with its error.
   *
   * @default {true}
   */
  reopen?: boolean;
  /**
   * A device that gives nothing for this long is stalled, in milliseconds,
   * 200–3600000; it is opened again.
   *
   * @default {5000}
   */
  stallMs?: number;
  /**
   * Digital silence (all samples are equal) is an error after this, in
   * milliseconds, up to 86400000, and the device is opened again; 0 ignores it.
   *
   * @default {60000}
   */
  silenceMs?: number;
  /**
   * Opens the device: a fake one in tests.
   *
   * @default {the real libasound}
   */
  openPcm?: OpenPcm;
  /**
   * The clock, matching the device's.
   *
   * @default {systemClock}
   */
  clock?: Clock;
}

type OptionalSetting =
  | "channel"
  | "deviceIndex"
  | "vadEngine"
  | "vadModel"
  | "vadThreshold"
  | "vadOffsetThreshold"
  | "vadMinSpeechMs"
  | "vadDetector"
  | "openPcm"
  | "autoFlushMs";

/** All settings, with the defaults of those that have one. */
export type CaptureSettings =
  & Required<Omit<AudioCaptureConfig, OptionalSetting>>
  & Pick<AudioCaptureConfig, OptionalSetting>;

/** Rates that the original offers; others need a converter of your own. */
const SAMPLE_RATES = [16_000, 22_050, 24_000, 44_100, 48_000];

const DEFAULTS = {
  sampleRate: 24_000,
  channelCount: 1,
  channel: undefined,
  dcBlock: false,
  gainDb: 0,
  autoGain: false,
  chunkSize: 4800,
  bufferSize: 4096,
  deviceIndex: undefined,
  device: "default",
  vadEnabled: false,
  vadEngine: undefined,
  vadModel: undefined,
  vadThreshold: undefined,
  vadOffsetThreshold: undefined,
  vadMinSpeechMs: undefined,
  vadPreRollMs: 300,
  vadHangoverMs: 500,
  vadMaxUtteranceMs: 60_000,
  vadDetector: undefined,
  autoFlushMs: undefined,
  fillGaps: false,
  reopen: true,
  stallMs: 5000,
  silenceMs: 60_000,
  openPcm: undefined,
  clock: systemClock,
} as const satisfies CaptureSettings;

/** Milliseconds of audio in a chunk, unless a capture is told otherwise. */
export const DEFAULT_CHUNK_MS: number = DEFAULTS.chunkSize * 1000 /
  DEFAULTS.sampleRate;

/**
 * Fills in the defaults and refuses what cannot work.
 *
 * @param config What the user gave.
 * @returns All settings.
 * @throws {RangeError} When a setting is outside its range.
 * @throws {TypeError} When there is no such setting, or it is of a wrong type.
 */
export function settleCapture(config: AudioCaptureConfig): CaptureSettings {
  for (const field of Object.keys(config)) {
    if (field in DEFAULTS) continue;
    const camelCase = field.replace(
      /_(.)/g,
      (_, letter) => letter.toUpperCase(),
    );
    const advice = camelCase in DEFAULTS
      ? `use "${camelCase}"`
      : `use one of ${Object.keys(DEFAULTS).join(", ")}`;
    throw new TypeError(`Cannot use "${field}" as it is no setting: ${advice}`);
  }
  const given = Object.fromEntries(
    Object.entries(config).filter(([, value]) => value !== undefined),
  );
  const { channelCount } = wantedChannels(config.channel, config.channelCount);
  const settings: CaptureSettings = { ...DEFAULTS, ...given, channelCount };
  checkOneOf("sampleRate", settings.sampleRate, SAMPLE_RATES);
  checkInteger("channelCount", settings.channelCount, 1, 2);
  checkOneOf("dcBlock", settings.dcBlock, [true, false]);
  checkNumber("gainDb", settings.gainDb, -60, 60);
  checkOneOf("autoGain", settings.autoGain, [true, false]);
  checkInteger("chunkSize", settings.chunkSize, 1, 4_800_000);
  checkInteger("bufferSize", settings.bufferSize, 16, 480_000);
  if (settings.deviceIndex !== undefined) {
    checkInteger("deviceIndex", settings.deviceIndex, 0, 9999);
  }
  if (typeof settings.device !== "string" || settings.device === "") {
    throw new TypeError(
      `Cannot use device as it must be the name of a device: current value is ${
        JSON.stringify(settings.device)
      }`,
    );
  }
  checkOneOf("vadEnabled", settings.vadEnabled, [true, false]);
  if (settings.vadEngine !== undefined) {
    checkOneOf("vadEngine", settings.vadEngine, VAD_ENGINES);
  }
  if (settings.vadDetector !== undefined) {
    checkDetector("vadDetector", settings.vadDetector);
    for (const field of ["vadEngine", "vadModel"] as const) {
      if (settings[field] === undefined) continue;
      throw new TypeError(
        `Cannot use both vadDetector and ${field}, which is for the detectors of this package: give one of them`,
      );
    }
  }
  if (settings.vadThreshold !== undefined) {
    checkNumber("vadThreshold", settings.vadThreshold, 0, 1);
  }
  if (settings.vadOffsetThreshold !== undefined) {
    checkNumber(
      "vadOffsetThreshold",
      settings.vadOffsetThreshold,
      0,
      settings.vadThreshold ?? 1,
    );
  }
  if (settings.vadMinSpeechMs !== undefined) {
    checkNumber("vadMinSpeechMs", settings.vadMinSpeechMs, 0, 5000);
  }
  checkNumber("vadPreRollMs", settings.vadPreRollMs, 0, 10_000);
  checkNumber("vadHangoverMs", settings.vadHangoverMs, 0, 60_000);
  checkNumber(
    "vadMaxUtteranceMs",
    settings.vadMaxUtteranceMs,
    1000,
    86_400_000,
  );
  if (settings.autoFlushMs !== undefined) {
    checkNumber("autoFlushMs", settings.autoFlushMs, 1, 600_000);
  }
  checkOneOf("fillGaps", settings.fillGaps, [true, false]);
  checkOneOf("reopen", settings.reopen, [true, false]);
  checkInteger("stallMs", settings.stallMs, 200, 3_600_000);
  checkInteger("silenceMs", settings.silenceMs, 0, 86_400_000);
  return settings;
}

/**
 * Makes the detector, whose threshold is the highest that the offset's can be.
 *
 * @param settings All settings.
 * @returns The detector; none unless it is enabled.
 * @throws {RangeError} When the offset's threshold is higher.
 * @throws {TypeError} When `vadModel` is not what the engine needs.
 * @throws {Error} When `vadModel` cannot be read.
 */
export function detectorFor(
  settings: CaptureSettings,
): VoiceActivityDetector | undefined {
  const { vadEnabled, vadEngine, vadModel, vadThreshold } = settings;
  if (!vadEnabled) return undefined;
  const detector = settings.vadDetector ?? createDetector({
    engine: vadEngine,
    model: vadModel,
    threshold: vadThreshold,
  });
  checkNumber(
    "vadOffsetThreshold",
    settings.vadOffsetThreshold ?? 0,
    0,
    vadThreshold ?? detector.threshold,
  );
  return detector;
}
