/**
 * A WAV file in the place of a microphone.
 *
 * @module
 */

import { type ChannelChoice, toMono } from "../channels.ts";
import type { AudioFrame } from "../frame.ts";
import { resample } from "../resample.ts";
import { framesOf, readWav, type WavContent } from "../wav.ts";
import { OPTIONS } from "./option_table.ts";
import { UsageError } from "./usage_error.ts";

/** What the Realtime API takes. */
const API_RATE = 24_000;

/**
 * Reads a WAV file of any rate and channel count as 24 kHz mono.
 *
 * @param path Where it is.
 * @returns Its samples.
 * @throws {UsageError} When it is no WAV file of 16-bit PCM.
 * @throws {Error} When it cannot be read.
 */
export async function readMicrophoneWav(path: string): Promise<Int16Array> {
  const content = await readMonoWav(path);
  return content.format.sampleRate === API_RATE
    ? content.samples
    : wholeOf(resample(framesOf(content), API_RATE));
}

/**
 * Reads a WAV file of any channel count as mono, at its own rate.
 *
 * @param path Where it is.
 * @param channel The channel to hear, from 0, or the mean of all.
 * @returns Its rate and samples.
 * @throws {UsageError} When it is no WAV file of 16-bit PCM, or has no such
 *   channel.
 * @throws {Error} When it cannot be read.
 */
export async function readMonoWav(
  path: string,
  channel: ChannelChoice = "mix",
): Promise<WavContent> {
  const content = await read(path);
  const { format } = content;
  const { channelCount } = format;
  if (channel !== "mix" && channel >= channelCount) {
    throw new UsageError(
      `Cannot use --channel ${
        channel + 1
      } of "${path}" as it must be one of its ${
        channelCount === 1 ? "one channel" : `${channelCount} channels`
      }`,
    );
  }
  return channelCount === 1 ? content : {
    format: { ...format, channelCount: 1 },
    samples: wholeOf(toMono(framesOf(content), channel)),
  };
}

function wholeOf(frames: Iterable<AudioFrame>): Int16Array {
  const parts = Array.from(frames, (frame) => frame.samples);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = new Int16Array(length);
  let filled = 0;
  for (const part of parts) {
    whole.set(part, filled);
    filled += part.length;
  }
  return whole;
}

async function read(path: string): Promise<WavContent> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (cause) {
    throw new Error(
      `Cannot read "${path}": ${
        (cause as Error).message
      }. Give the path of a WAV file`,
      { cause },
    );
  }
  let content: WavContent;
  try {
    content = readWav(bytes);
  } catch (cause) {
    throw new UsageError(`Cannot use "${path}": ${(cause as Error).message}`, {
      cause,
    });
  }
  const { sampleRate } = content.format;
  const [least, most] = OPTIONS.rate.range;
  if (sampleRate < least || sampleRate > most) {
    throw new UsageError(
      `Cannot use "${path}" as its sample rate must be from ${least} to ${most} Hz: current value is ${sampleRate}. Convert it, such as with "sox in.wav -r ${API_RATE} out.wav"`,
    );
  }
  return content;
}
