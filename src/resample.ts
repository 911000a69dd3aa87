/**
 * Sample rate conversion as a stage.
 *
 * @module
 */

import { type AudioFormat, type AudioFrame, frameCountOf } from "./frame.ts";
import { Resampler } from "./resampler.ts";
import { type StageOutput, type StageSource, through } from "./stage.ts";

/**
 * Converts blocks to another sample rate. Where audio is missing the conversion
 * ends and begins anew, so that positions stay true to the clock and nothing is
 * smeared across a hole.
 *
 * From 13/24 of the lower rate up (13 kHz for 24 kHz) aliases are more than 90 dB
 * down; up to 11/24 of it the response is flat within 0.01 dB. The output lags
 * 1.5 ms behind the input (48 kHz to 24 kHz), at most 5 ms (8 kHz), which its
 * `timestampMs` does not: it is still the moment of capture.
 *
 * @example
 * ```ts ignore
 * import { encodeBase64, openMicrophone, resample } from "@nevil/earshot";
 *
 * await using mic = await openMicrophone({ sampleRate: 48_000 });
 * for await (const audio of encodeBase64(resample(mic, 24_000))) send(audio);
 * ```
 *
 * @param source The blocks, all of one format; use it before speech is gated.
 * @param sampleRate The rate to convert to, 4000–384000 Hz.
 * @returns Blocks at that rate. Those of the right rate pass as they are.
 * @throws {RangeError} When a rate is out of range.
 */
export function resample<From extends StageSource<AudioFrame>>(
  source: From,
  sampleRate: number,
): StageOutput<From, AudioFrame> {
  return through(source, () => {
    let converter: FrameConverter | undefined;
    return {
      push: (frame) => {
        if (frame.format.sampleRate === sampleRate) return [frame];
        converter ??= new FrameConverter(frame, sampleRate);
        return converter.push(frame);
      },
      flush: () => converter?.flush() ?? [],
    };
  });
}

/** The conversion of one stream. */
class FrameConverter {
  readonly #ratio: number;
  readonly #format: AudioFormat;
  readonly #resamplers: readonly Resampler[];
  /** The block that came last, and where the one behind it belongs. */
  #last: AudioFrame;
  #end: number;
  /** The place behind the last sample that was given. */
  #outputEnd: number | undefined;
  /** What stands before the next block that is given. */
  #pending: Pick<AudioFrame, "discontinuity" | "filled"> = {};

  constructor(first: AudioFrame, sampleRate: number) {
    const { sampleRate: from, channelCount } = first.format;
    this.#ratio = sampleRate / from;
    this.#format = { sampleRate, channelCount };
    this.#resamplers = Array.from(
      { length: channelCount },
      () => new Resampler(from, sampleRate),
    );
    this.#last = first;
    this.#end = first.position;
    this.#reset(first.position);
  }

  *push(frame: AudioFrame): Generator<AudioFrame> {
    const isHole = frame.position !== this.#end || frame.interrupted ||
      frame.discontinuity !== undefined;
    if (isHole) {
      yield* this.flush();
      this.#reset(frame.position);
      this.#pending = { discontinuity: frame.discontinuity };
    }
    this.#last = frame;
    this.#end = frame.position + frameCountOf(frame);
    if (frame.interrupted) {
      const position = this.#resamplers[0]!.position;
      const { discontinuity } = this.#pending;
      this.#pending = {};
      yield { ...frame, format: this.#format, position, discontinuity };
      return;
    }
    yield* this.#give((resampler, samples) => resampler.push(samples), frame);
  }

  /** What is still to come of the blocks so far. */
  *flush(): Generator<AudioFrame> {
    const { samples } = this.#last;
    const nothing = { ...this.#last, samples: samples.subarray(0, 0) };
    yield* this.#give((resampler) => resampler.flush(), nothing);
  }

  #reset(position: number): void {
    for (const resampler of this.#resamplers) resampler.reset(position);
  }

  *#give(
    convert: (resampler: Resampler, samples: Int16Array) => Int16Array,
    frame: AudioFrame,
  ): Generator<AudioFrame> {
    const position = this.#resamplers[0]!.position;
    const samples = this.#convert(convert, frame.samples);
    if (samples.length === 0) return;
    const { discontinuity } = this.#pending;
    this.#pending = {};
    const inputPosition = position / this.#ratio;
    yield {
      format: this.#format,
      samples,
      position,
      timestampMs: frame.timestampMs +
        (inputPosition - frame.position) * 1000 / frame.format.sampleRate,
      ...(discontinuity !== undefined && {
        discontinuity: {
          cause: discontinuity.cause,
          lostFrames: this.#outputEnd === undefined
            ? Math.round(discontinuity.lostFrames * this.#ratio)
            : position - this.#outputEnd,
        },
      }),
      ...(frame.filled !== undefined && { filled: frame.filled }),
    };
    this.#outputEnd = position + samples.length / this.#format.channelCount;
  }

  #convert(
    convert: (resampler: Resampler, samples: Int16Array) => Int16Array,
    samples: Int16Array,
  ): Int16Array {
    const { channelCount } = this.#format;
    if (channelCount === 1) return convert(this.#resamplers[0]!, samples);
    const channels = this.#resamplers.map((resampler, channel) => {
      const own = new Int16Array(samples.length / channelCount);
      for (let i = 0; i < own.length; i++) {
        own[i] = samples[i * channelCount + channel]!;
      }
      return convert(resampler, own);
    });
    const output = new Int16Array(channels[0]!.length * channelCount);
    channels.forEach((own, channel) => {
      for (let i = 0; i < own.length; i++) {
        output[i * channelCount + channel] = own[i]!;
      }
    });
    return output;
  }
}
