/**
 * A device whose sample rate is converted, or some of whose channels are picked,
 * so that all that is behind it need not know.
 *
 * @module
 */

import type {
  CardIdentity,
  PcmDevice,
  PcmParameters,
  PcmStatus,
} from "./pcm.ts";
import { Resampler } from "./resampler.ts";
import { SampleQueue } from "./sample_queue.ts";

/** What a {@linkcode ConvertingPcm} makes of a device. */
export interface Conversion {
  /** The rate to convert to, in Hz. */
  readonly sampleRate: number;
  /** The channels that are wanted, from 0, in this order; all without it. */
  readonly channels?: readonly number[];
}

/**
 * Gives the frames of a device at another rate, or some of its channels. Counts,
 * delays and times are those of the converted frames: the lag of the filter is a
 * part of the delay.
 *
 * What is in the filter when the device has an error is given before the error
 * is told, as if silence followed.
 */
export class ConvertingPcm implements PcmDevice {
  readonly parameters: PcmParameters;
  readonly #device: PcmDevice;
  /** Converted frames for each frame of the device. */
  readonly #ratio: number;
  /** The channels of the device that are given. */
  readonly #channels: readonly number[];
  /** One for each of them. */
  readonly #resamplers: readonly Resampler[];
  readonly #block: Int16Array;
  /** Converted frames that were not read yet. */
  readonly #queue = new SampleQueue();
  /** Frames of the device since it was started. */
  #deviceFrames = 0;
  /** The place of the next frame to be read; the device's first frame is at 0. */
  #readFrames = 0;
  /** What the device threw while there still was something to give. */
  #error: { readonly error: unknown } | undefined;

  /**
   * @param device A device in the state `prepared`; it belongs to this one.
   * @param conversion What it is converted to.
   */
  constructor(device: PcmDevice, conversion: Conversion) {
    const { parameters } = device;
    const { sampleRate, channels } = conversion;
    const { channelCount, periodFrames, bufferFrames } = parameters;
    this.#channels = channels ??
      Array.from({ length: channelCount }, (_, channel) => channel);
    this.#device = device;
    this.#ratio = sampleRate / parameters.sampleRate;
    this.parameters = {
      ...parameters,
      sampleRate,
      channelCount: this.#channels.length,
      ...(parameters.sampleRate !== sampleRate &&
        { deviceRate: parameters.sampleRate }),
      periodFrames: Math.max(1, Math.floor(periodFrames * this.#ratio)),
      bufferFrames: Math.max(1, Math.floor(bufferFrames * this.#ratio)),
    };
    this.#resamplers = this.#channels.map(() =>
      new Resampler(parameters.sampleRate, sampleRate)
    );
    this.#block = new Int16Array(periodFrames * channelCount);
    this.#begin();
  }

  get card(): CardIdentity | undefined {
    return this.#device.card;
  }

  start(): void {
    this.#device.start();
  }

  wait(timeoutMs: number): Promise<boolean> {
    return this.#device.wait(timeoutMs);
  }

  status(): PcmStatus {
    const status = this.#device.status();
    const queued = this.#queuedFrames;
    const available = queued + Math.floor(status.availableFrames * this.#ratio);
    // From the next frame to be read to the last one of the device so far.
    const behind = this.#deviceFrames * this.#ratio - this.#readFrames;
    return {
      ...status,
      availableFrames: available,
      delayFrames: status.delayFrames * this.#ratio + behind,
    };
  }

  read(samples: Int16Array): number {
    const { channelCount } = this.parameters;
    while (this.#queue.length < samples.length && this.#fill());
    const count = this.#queue.take(samples);
    if (count === 0 && this.#error !== undefined) {
      const { error } = this.#error;
      this.#error = undefined;
      throw error;
    }
    this.#readFrames += count / channelCount;
    return count / channelCount;
  }

  prepare(): void {
    this.#device.prepare();
    this.#begin();
  }

  resume(): boolean {
    return this.#device.resume();
  }

  drop(): void {
    this.#device.drop();
    this.#begin();
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  get #queuedFrames(): number {
    return this.#queue.length / this.parameters.channelCount;
  }

  /** Converts what the device has, and says whether it had anything. */
  #fill(): boolean {
    if (this.#error !== undefined) return false;
    let frameCount: number;
    try {
      frameCount = this.#device.read(this.#block);
    } catch (error) {
      this.#error = { error };
      this.#put(this.#resamplers.map((resampler) => resampler.flush()));
      return false;
    }
    if (frameCount === 0) return false;
    this.#deviceFrames += frameCount;
    const { channelCount } = this.#device.parameters;
    const samples = this.#block.subarray(0, frameCount * channelCount);
    this.#put(this.#resamplers.map((resampler, i) =>
      resampler.push(
        channelCount === 1
          ? samples
          : channelOf(samples, this.#channels[i]!, channelCount),
      )
    ));
    return true;
  }

  /** Queues converted samples, one array for each channel. */
  #put(channels: readonly Int16Array[]): void {
    const channelCount = channels.length;
    const frameCount = channels[0]!.length;
    const count = frameCount * channelCount;
    const room = this.#queue.room(count);
    for (const [channel, samples] of channels.entries()) {
      let place = channel;
      for (let i = 0; i < frameCount; i++, place += channelCount) {
        room[place] = samples[i]!;
      }
    }
    this.#queue.add(count);
  }

  /**
   * Begins anew, as if silence as long as the filter's lag came before the first
   * frame: then a period of the device makes a period of ours, and nobody waits
   * for the next one because of the lag.
   */
  #begin(): void {
    const lagFrames = Math.ceil(
      this.#resamplers[0]!.latencyMs * this.#device.parameters.sampleRate /
        1000,
    );
    const silence = new Int16Array(lagFrames);
    for (const resampler of this.#resamplers) {
      resampler.reset(-lagFrames);
      resampler.push(silence);
    }
    this.#queue.clear();
    this.#deviceFrames = 0;
    this.#readFrames = this.#resamplers[0]!.position;
    this.#error = undefined;
  }
}

function channelOf(
  samples: Int16Array,
  channel: number,
  channelCount: number,
): Int16Array {
  const own = new Int16Array(samples.length / channelCount);
  for (let i = 0, j = channel; i < own.length; i++, j += channelCount) {
    own[i] = samples[j]!;
  }
  return own;
}
