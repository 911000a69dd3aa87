/** Stands in for `@std/encoding/base64` where JSR is out of reach. */

import { Buffer } from "node:buffer";

export function encodeBase64(data: ArrayBuffer | Uint8Array | string): string {
  if (typeof data === "string") return Buffer.from(data).toString("base64");
  if (data instanceof ArrayBuffer) return Buffer.from(data).toString("base64");
  const { buffer, byteOffset, byteLength } = data;
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

export function decodeBase64(b64: string): Uint8Array<ArrayBuffer> {
  // Buffer skips what it does not know; std refuses it.
  const bare = b64.replace(/={1,2}$/, "");
  if (/[^A-Za-z0-9+/]/.test(bare)) {
    throw new TypeError("Cannot decode input as base64: Invalid character");
  }
  if (bare.length % 4 === 1) {
    throw new RangeError("Cannot decode input as base64: Invalid length");
  }
  return Uint8Array.from(Buffer.from(bare, "base64"));
}
