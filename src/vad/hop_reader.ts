/**
 * PCM16 of any rate and channel count, as a detector's network wants it.
 *
 * @module
 */

import { mixChannels } from "../channels.ts";
import type { AudioFormat } from "../frame.ts";
import { Resampler } from "../resampler.ts";

/** Cuts audio into hops of one length: mono, at one rate, −1.0–1.0. */
export class HopReader {
  readonly #rate: number;
  readonly #hop: Float64Array;
  readonly #onHop: (hop: Float64Array) => void;
  #filled = 0;
  #resampler: Resampler | undefined;
  #resamplerRate = 0;

  /**
   * Makes a reader.
   *
   * @param rate Samples per second of the hops.
   * @param hopLength Samples in a hop.
   * @param onHop Called with every full hop, which must not be kept.
   */
  constructor(
    rate: number,
    hopLength: number,
    onHop: (hop: Float64Array) => void,
  ) {
    this.#rate = rate;
    this.#hop = new Float64Array(hopLength);
    this.#onHop = onHop;
  }

  /**
   * Takes a block.
   *
   * @param samples Interleaved PCM16.
   * @param format How they are to be read; channels are averaged.
   */
  push(samples: Int16Array, format: AudioFormat): void {
    const { sampleRate, channelCount } = format;
    const mono = channelCount === 1 ? samples : averaged(samples, channelCount);
    this.#append(
      sampleRate === this.#rate ? mono : this.#resampled(mono, sampleRate),
    );
  }

  /** Forgets what was not yet a hop, and everything before. */
  reset(): void {
    this.#filled = 0;
    this.#resampler?.reset(0);
  }

  #resampled(samples: Int16Array, sampleRate: number): Int16Array {
    if (this.#resampler === undefined || this.#resamplerRate !== sampleRate) {
      this.#resampler = new Resampler(sampleRate, this.#rate);
      this.#resamplerRate = sampleRate;
    }
    return this.#resampler.push(samples);
  }

  #append(samples: Int16Array): void {
    const hop = this.#hop;
    let filled = this.#filled;
    for (let i = 0; i < samples.length; i++) {
      hop[filled++] = samples[i]! / 32_768;
      if (filled === hop.length) {
        filled = 0;
        this.#onHop(hop);
      }
    }
    this.#filled = filled;
  }
}

function averaged(samples: Int16Array, channelCount: number): Int16Array {
  const mono = new Int16Array(samples.length / channelCount);
  mixChannels(samples, mono, channelCount);
  return mono;
}
