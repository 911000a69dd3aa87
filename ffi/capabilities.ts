/**
 * What an open PCM can be configured to.
 *
 * @module
 */

import type { Alsa } from "./library.ts";
import { cStruct } from "./memory.ts";

/** The rates that devices have, in Hz. */
const USUAL_SAMPLE_RATES = [
  8000,
  11_025,
  16_000,
  22_050,
  24_000,
  32_000,
  44_100,
  48_000,
  88_200,
  96_000,
  176_400,
  192_000,
];

/**
 * Chooses the rate to capture at: the wanted one; else a multiple of it, which
 * is converted best; else the next one above, which holds all that is wanted;
 * else the highest one below.
 *
 * @param wanted The rate that is wanted in the end, in Hz.
 * @param isAvailable Says whether the device has a rate.
 * @returns The rate; `undefined` when the device has none of the usual ones.
 */
export function chooseRate(
  wanted: number,
  isAvailable: (rate: number) => boolean,
): number | undefined {
  const above = USUAL_SAMPLE_RATES.filter((rate) => rate > wanted);
  const below = USUAL_SAMPLE_RATES.filter((rate) => rate < wanted).reverse();
  const multiples = above.filter((rate) => rate % wanted === 0);
  return [wanted, ...multiples, ...above, ...below].find(isAvailable);
}

/** More channels than any microphone array has. */
const MAX_CHANNEL_COUNT = 32;

/** The sample formats that devices have, by their `snd_pcm_format_t`. */
const USUAL_FORMATS = [
  ["U8", 1],
  ["S16_LE", 2],
  ["S24_LE", 6],
  ["S24_3LE", 32],
  ["S32_LE", 10],
  ["FLOAT_LE", 14],
] as const;

/** What a PCM can be configured to; each list may be empty, none is complete. */
export interface PcmCapabilities {
  /** The usual ones of its rates, in Hz. */
  readonly sampleRates: readonly number[];
  /** Its channel counts up to 32. */
  readonly channelCounts: readonly number[];
  /** ALSA's names of the usual ones of its sample formats, such as `S16_LE`. */
  readonly sampleFormats: readonly string[];
}

/**
 * Asks an open PCM what it can be configured to.
 *
 * @param alsa The open library.
 * @param pcm The handle; not 0.
 * @returns What the PCM said, nothing when it did not answer.
 */
export function readCapabilities(alsa: Alsa, pcm: bigint): PcmCapabilities {
  const params = cStruct(alsa.snd_pcm_hw_params_sizeof());
  if (alsa.snd_pcm_hw_params_any(pcm, params) < 0) {
    return { sampleRates: [], channelCounts: [], sampleFormats: [] };
  }
  const channelCounts = Array.from(
    { length: MAX_CHANNEL_COUNT },
    (_, index) => index + 1,
  );
  return {
    sampleRates: USUAL_SAMPLE_RATES.filter((rate) =>
      alsa.snd_pcm_hw_params_test_rate(pcm, params, rate, 0) === 0
    ),
    channelCounts: channelCounts.filter((count) =>
      alsa.snd_pcm_hw_params_test_channels(pcm, params, count) === 0
    ),
    sampleFormats: USUAL_FORMATS.filter(([_, format]) =>
      alsa.snd_pcm_hw_params_test_format(pcm, params, format) === 0
    ).map(([name]) => name),
  };
}
