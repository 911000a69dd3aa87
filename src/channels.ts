/**
 * Some channels of several.
 *
 * @module
 */

import { type AudioFrame, frameCountOf } from "./frame.ts";
import { type StageOutput, type StageSource, through } from "./stage.ts";
import { checkInteger } from "./validation.ts";

/**
 * Checks which channels of a device are wanted.
 *
 * @param channel One, or several in their order, from 0, 0–31; all without it.
 * @param channelCount How many there are to be; as many as are named without it.
 * @returns The list and its length.
 * @throws {RangeError} When one is out of range, or they are not as many.
 */
export function wantedChannels(
  channel: number | readonly number[] | undefined,
  channelCount: number | undefined,
): { channels: readonly number[] | undefined; channelCount: number } {
  if (channel === undefined) {
    return { channels: undefined, channelCount: channelCount ?? 1 };
  }
  const channels = [channel].flat();
  const { length } = channels;
  for (const one of channels) checkInteger("channel", one, 0, 31);
  checkInteger("channelCount", channelCount ?? length, length, length);
  return { channels, channelCount: length };
}

/** Which channel becomes the only one: a number from 0, or all of them mixed. */
export type ChannelChoice = number | "mix";

/**
 * Makes blocks of several channels mono.
 *
 * A mix is the mean of all channels, so that it cannot clip; sound that is in
 * one channel only becomes quieter by it (6 dB of two channels, 12 dB of four),
 * and microphones that stand apart cancel some frequencies of one voice. For an
 * array of microphones one channel is often the better choice.
 *
 * @example
 * ```ts ignore
 * import { openMicrophone, toMono } from "@nevil/earshot";
 *
 * await using mic = await openMicrophone({ channelCount: 4 });
 * for await (const frame of toMono(mic, 2)) console.log(frame.samples.length);
 * ```
 *
 * @param source The blocks.
 * @param choice The channel, from 0, or `"mix"`.
 * @returns Blocks of one channel; those that have one already pass as they are.
 * @throws {RangeError} When there is no such channel.
 */
export function toMono<From extends StageSource<AudioFrame>>(
  source: From,
  choice: ChannelChoice = "mix",
): StageOutput<From, AudioFrame> {
  return through(source, () => ({ push: (frame) => [monoOf(frame, choice)] }));
}

function monoOf(frame: AudioFrame, choice: ChannelChoice): AudioFrame {
  const { sampleRate, channelCount } = frame.format;
  if (choice !== "mix") checkInteger("choice", choice, 0, channelCount - 1);
  if (channelCount === 1) return frame;
  const samples = new Int16Array(frameCountOf(frame));
  if (choice === "mix") mixChannels(frame.samples, samples, channelCount);
  else pick(frame.samples, samples, channelCount, choice);
  return { ...frame, format: { sampleRate, channelCount: 1 }, samples };
}

/**
 * Averages the channels.
 *
 * @param from Interleaved PCM16.
 * @param to Receives one sample for each frame.
 * @param channelCount Channels of `from`.
 */
export function mixChannels(
  from: Int16Array,
  to: Int16Array,
  channelCount: number,
): void {
  for (let i = 0, j = 0; i < to.length; i++) {
    let sum = 0;
    for (let channel = 0; channel < channelCount; channel++) sum += from[j++]!;
    to[i] = Math.round(sum / channelCount);
  }
}

function pick(
  from: Int16Array,
  to: Int16Array,
  channelCount: number,
  channel: number,
): void {
  for (let i = 0, j = channel; i < to.length; i++, j += channelCount) {
    to[i] = from[j]!;
  }
}
