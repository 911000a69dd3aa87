/**
 * C strings, pointers and structs without `Deno.UnsafePointerView`, which
 * needs the unscoped `--allow-ffi`.
 *
 * @module
 */

import type { Alsa } from "./library.ts";

/**
 * Makes memory for one of ALSA's opaque structs.
 *
 * @param size What the struct's `*_sizeof` function says.
 * @returns That many zeros.
 */
export function cStruct(size: bigint): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Number(size));
}

/**
 * Makes a C string.
 *
 * @param text Any text; C sees it up to its first NUL.
 * @returns The text in UTF-8, ended by a NUL.
 */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}

/**
 * Reads a C string.
 *
 * @param alsa The open library.
 * @param address Where it lies; C's `NULL` is 0.
 * @returns The text, or `undefined` for `NULL`.
 */
export function readCString(alsa: Alsa, address: bigint): string | undefined {
  if (address === 0n) return undefined;
  const bytes = new Uint8Array(Number(alsa.strlen(address)));
  alsa.memcpy(bytes, address, BigInt(bytes.length));
  return new TextDecoder().decode(bytes);
}

/**
 * Asks libasound what an error code means.
 *
 * @param alsa The open library.
 * @param errno The code, negative as libasound returns it.
 * @returns The text of `snd_strerror`.
 */
export function errorText(alsa: Alsa, errno: number): string | undefined {
  return readCString(alsa, alsa.snd_strerror(errno));
}

/**
 * Reads a pointer out of memory that C owns.
 *
 * @param alsa The open library.
 * @param address Where the pointer lies; not 0.
 * @returns The address that it holds.
 */
export function readPointer(alsa: Alsa, address: bigint): bigint {
  const pointer = new BigUint64Array(1);
  alsa.memcpy(pointer, address, BigInt(pointer.byteLength));
  return pointer[0]!;
}
