/**
 * Sound on the wire of the Realtime API: base64 of PCM16 or of G.711.
 *
 * @module
 */

import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import type { RealtimeAudioFormat } from "../realtime/events.ts";
import { decodeG711, encodeG711 } from "./g711.ts";
import { RequestError } from "./realtime_checks.ts";

/** The largest audio that one event may hold, in bytes. */
const MAX_AUDIO_BYTES = 15 * 1024 * 1024;

/**
 * Tells how many samples a second has.
 *
 * @param format The encoding.
 * @returns Hz.
 */
export function sampleRateOf(format: RealtimeAudioFormat): number {
  return format.type === "audio/pcm" ? 24_000 : 8_000;
}

/**
 * Decodes what a client sent.
 *
 * @param audio Base64.
 * @param format The encoding within.
 * @param param Where it was found, for the error.
 * @returns PCM16.
 * @throws {RequestError} When it is no audio of that encoding.
 */
export function decodeAudio(
  audio: string,
  format: RealtimeAudioFormat,
  param: string,
): Int16Array {
  // Two runs of the alphabet instead of one pattern of groups of four: the
  // latter would need a stack as deep as the text is long.
  if (audio.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(audio)) {
    throw badAudio(param, "expected base64 with padding");
  }
  const bytes = decodeBase64(audio);
  if (bytes.length > MAX_AUDIO_BYTES) {
    throw badAudio(param, "expected at most 15 MiB of audio in one event");
  }
  if (format.type !== "audio/pcm") {
    return decodeG711(bytes, format.type === "audio/pcmu" ? "mu" : "a");
  }
  if (bytes.length % 2 !== 0) {
    throw badAudio(param, "expected an even number of bytes for PCM16");
  }
  return new Int16Array(bytes.slice().buffer);
}

/**
 * Encodes what a client shall hear.
 *
 * @param samples PCM16 at the rate of the encoding.
 * @param format The encoding.
 * @returns Base64.
 */
export function encodeAudio(
  samples: Int16Array,
  format: RealtimeAudioFormat,
): string {
  return encodeBase64(
    format.type === "audio/pcm"
      ? new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
      : encodeG711(samples, format.type === "audio/pcmu" ? "mu" : "a"),
  );
}

/**
 * Joins blocks of samples.
 *
 * @param blocks The blocks, in order.
 * @returns All their samples.
 */
export function concatenate(blocks: readonly Int16Array[]): Int16Array {
  const joined = new Int16Array(
    blocks.reduce((count, block) => count + block.length, 0),
  );
  let end = 0;
  for (const block of blocks) {
    joined.set(block, end);
    end += block.length;
  }
  return joined;
}

function badAudio(param: string, expected: string): RequestError {
  return new RequestError(
    "invalid_value",
    `Invalid '${param}': ${expected}`,
    param,
  );
}
