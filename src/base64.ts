/**
 * PCM16 as base64, the way the Realtime API wants it.
 *
 * @module
 */

import {
  decodeBase64,
  encodeBase64 as encodeBytes,
} from "@std/encoding/base64";
import type { AudioFrame } from "./frame.ts";
import { type StageOutput, type StageSource, through } from "./stage.ts";

/**
 * Encodes samples as base64 of little-endian PCM16.
 *
 * @example There and back
 * ```ts
 * import { base64ToPcm16, pcm16ToBase64 } from "@nevil/earshot";
 * import { assertEquals } from "@std/assert";
 *
 * const samples = new Int16Array([0, 1, -1, 32767, -32768]);
 * assertEquals(base64ToPcm16(pcm16ToBase64(samples)), samples);
 * ```
 *
 * @param samples PCM16. The machine's byte order is used as it is: everything
 *   that Deno runs on is little-endian.
 * @returns Base64 with padding, 4 characters for every 3 bytes.
 */
export function pcm16ToBase64(samples: Int16Array): string {
  const { buffer, byteOffset, byteLength } = samples;
  return bytesToBase64(new Uint8Array(buffer, byteOffset, byteLength));
}

/**
 * Encodes bytes.
 *
 * @param bytes The bytes.
 * @returns Base64 with padding.
 */
export function bytesToBase64(bytes: Uint8Array): string {
  // The native call is many times faster: see bench/base64_bench.ts.
  return "toBase64" in bytes ? bytes.toBase64() : encodeBytes(bytes);
}

/**
 * Decodes base64 to where there is room for it.
 *
 * @param base64 Base64; padding may be missing.
 * @param room Where the bytes go. What it has no room for is left out.
 * @returns How many there are.
 * @throws {TypeError} When the text is not base64.
 */
export function decodeBase64Into(base64: string, room: Uint8Array): number {
  try {
    if ("setFromBase64" in Uint8Array.prototype) {
      return room.setFromBase64(base64).written;
    }
    const bytes = decodeBase64(base64).subarray(0, room.length);
    room.set(bytes);
    return bytes.length;
  } catch (error) {
    throw new TypeError(
      `Cannot decode audio as it must be base64: current value is ${base64.length} characters that are not`,
      { cause: error },
    );
  }
}

/**
 * Decodes base64 of little-endian PCM16.
 *
 * @param base64 Base64 with padding.
 * @returns The samples.
 * @throws {TypeError} When the text is not base64 or holds half a sample.
 */
export function base64ToPcm16(base64: string): Int16Array {
  const bytes = decodeBase64(base64);
  if (bytes.byteLength % 2 !== 0) {
    throw new TypeError(
      `Cannot decode PCM16 as it must hold an even number of bytes: current count is ${bytes.byteLength}`,
    );
  }
  // The decoder may hand out a part of a larger buffer at an odd offset.
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Int16Array(
    aligned.buffer,
    aligned.byteOffset,
    aligned.byteLength / 2,
  );
}

/**
 * Encodes every block; blocks without samples are left out.
 *
 * @example
 * ```ts ignore
 * import { encodeBase64, openMicrophone, rechunk } from "@nevil/earshot";
 *
 * await using mic = await openMicrophone();
 * for await (const audio of encodeBase64(rechunk(mic, 4800))) {
 *   console.log({ type: "input_audio_buffer.append", audio });
 * }
 * ```
 *
 * @param source The blocks.
 * @returns Base64 of each block's PCM16.
 */
export function encodeBase64<From extends StageSource<AudioFrame>>(
  source: From,
): StageOutput<From, string> {
  return through(source, () => ({
    push: ({ samples }) => samples.length > 0 ? [pcm16ToBase64(samples)] : [],
  }));
}
