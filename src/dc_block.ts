/**
 * Takes away what does not swing.
 *
 * @module
 */

import type { AudioFrame } from "./frame.ts";
import {
  type Stage,
  type StageOutput,
  type StageSource,
  through,
} from "./stage.ts";
import { checkNumber } from "./validation.ts";

/** Settings of {@linkcode blockDc}. */
export interface BlockDcOptions {
  /**
   * Where the filter is 3 dB down, in Hz, 1–200. Speech begins at 80.
   *
   * @default {20}
   */
  cutoffHz?: number;
}

/**
 * Removes the DC offset of cheap cards, which a level meter takes for sound, and
 * rumble below the cut-off. It is the usual filter of one pole and one zero,
 * `y[n] = x[n] − x[n−1] + R·y[n−1]` with `R = exp(−2π·cutoff/rate)` (J. O. Smith,
 * Introduction to Digital Filters, "DC Blocker").
 *
 * It begins anew behind a hole, so that a step there is no click.
 *
 * @param source The blocks, all of one format.
 * @param options Where it cuts off.
 * @returns As many blocks, with their marks and places.
 * @throws {RangeError} When the cut-off is out of range.
 */
export function blockDc<From extends StageSource<AudioFrame>>(
  source: From,
  options: BlockDcOptions = {},
): StageOutput<From, AudioFrame> {
  return through(source, () => new DcBlocker(options));
}

class DcBlocker implements Stage<AudioFrame, AudioFrame> {
  readonly #cutoffHz: number;
  /** The last of each channel. */
  #inputs: Float64Array | undefined;
  #outputs = new Float64Array();

  constructor({ cutoffHz = 20 }: BlockDcOptions) {
    checkNumber("cutoffHz", cutoffHz, 1, 200);
    this.#cutoffHz = cutoffHz;
  }

  push(frame: AudioFrame): AudioFrame[] {
    if (frame.samples.length === 0) return [frame];
    const { sampleRate, channelCount } = frame.format;
    const pole = Math.exp(-2 * Math.PI * this.#cutoffHz / sampleRate);
    if (this.#inputs === undefined || frame.discontinuity !== undefined) {
      this.#inputs = Float64Array.from(frame.samples.subarray(0, channelCount));
      this.#outputs = new Float64Array(channelCount);
    }
    const samples = new Int16Array(frame.samples.length);
    for (let channel = 0; channel < channelCount; channel++) {
      let input = this.#inputs[channel]!;
      let output = this.#outputs[channel]!;
      for (let i = channel; i < samples.length; i += channelCount) {
        const sample = frame.samples[i]!;
        output = sample - input + pole * output;
        input = sample;
        samples[i] = Math.max(-32_768, Math.min(32_767, Math.round(output)));
      }
      this.#inputs[channel] = input;
      this.#outputs[channel] = output;
    }
    return [{ ...frame, samples }];
  }
}
