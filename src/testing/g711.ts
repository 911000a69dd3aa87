/**
 * G.711, the telephone's 8-bit logarithmic PCM, in both of its laws.
 *
 * @module
 */

/** `mu` in North America and Japan, `a` elsewhere. */
export type G711Law = "mu" | "a";

/** What μ-law adds to a magnitude before taking its logarithm. */
const MU_BIAS = 0x84;
/** The largest magnitude that does not overflow with the bias. */
const MU_CLIP = 32_635;
/** A-law inverts every other bit on the line. */
const A_TOGGLE = 0x55;

/**
 * Decodes G.711 (ITU-T G.711, tables 1 and 2).
 *
 * @param bytes One sample a byte.
 * @param law Which of the two laws.
 * @returns PCM16.
 */
export function decodeG711(bytes: Uint8Array, law: G711Law): Int16Array {
  return Int16Array.from(bytes, law === "mu" ? decodeMu : decodeA);
}

/**
 * Encodes G.711 (ITU-T G.711, tables 1 and 2).
 *
 * @param samples PCM16.
 * @param law Which of the two laws.
 * @returns One byte a sample.
 */
export function encodeG711(samples: Int16Array, law: G711Law): Uint8Array {
  return Uint8Array.from(samples, law === "mu" ? encodeMu : encodeA);
}

function decodeMu(byte: number): number {
  const bits = ~byte;
  const magnitude = ((((bits & 0x0f) << 3) + MU_BIAS) << (bits >> 4 & 7)) -
    MU_BIAS;
  return bits & 0x80 ? -magnitude : magnitude;
}

function encodeMu(sample: number): number {
  const magnitude = Math.min(Math.abs(sample), MU_CLIP) + MU_BIAS;
  const exponent = Math.floor(Math.log2(magnitude)) - 7;
  const mantissa = magnitude >> (exponent + 3) & 0x0f;
  return ~((sample < 0 ? 0x80 : 0) | exponent << 4 | mantissa) & 0xff;
}

function decodeA(byte: number): number {
  const bits = byte ^ A_TOGGLE;
  const exponent = bits >> 4 & 7;
  const mantissa = (bits & 0x0f) << 4;
  const magnitude = exponent === 0
    ? mantissa + 8
    : (mantissa + 0x108) << (exponent - 1);
  return bits & 0x80 ? magnitude : -magnitude;
}

function encodeA(sample: number): number {
  const magnitude = sample < 0 ? -sample - 1 : sample;
  const exponent = magnitude < 256 ? 0 : Math.floor(Math.log2(magnitude)) - 7;
  const mantissa = magnitude >> (exponent === 0 ? 4 : exponent + 3) & 0x0f;
  return ((sample < 0 ? 0 : 0x80) | exponent << 4 | mantissa) ^ A_TOGGLE;
}
