/** Stands in for `@std/encoding/base64` where JSR is out of reach. */

export function encodeBase64(data: ArrayBuffer | Uint8Array | string): string {
  if (typeof data === "string") {
    return new TextEncoder().encode(data).toBase64();
  }
  if (data instanceof ArrayBuffer) return new Uint8Array(data).toBase64();
  return data.toBase64();
}

export function decodeBase64(b64: string): Uint8Array<ArrayBuffer> {
  // The built-in skips white space; std refuses it.
  if (/\s/.test(b64)) {
    throw new TypeError("Cannot decode input as base64: Invalid character");
  }
  return Uint8Array.fromBase64(b64);
}
