/**
 * Silero's detector.
 *
 * @module
 */

import type { AudioFormat } from "../frame.ts";
import { checkNumber } from "../validation.ts";
import type { VoiceActivityDetector } from "./detector.ts";
import { HopReader } from "./hop_reader.ts";
import { SILERO_HOP, SILERO_RATE, SileroNetwork } from "./silero_network.ts";

/** Between an onset and an offset, as in Silero's own examples. */
const HYSTERESIS = 0.15;

/**
 * Tells voices from noise with Silero's network, whose file is not a part of this
 * package: give `silero_vad_16k_op15.onnx` of version 5 or 6 (MIT licence). It is
 * computed in TypeScript, without ONNX Runtime; rates other than 16 kHz are
 * converted for it.
 *
 * @example
 * ```ts ignore
 * import { gateSpeech, openMicrophone, SileroDetector } from "@nevil/earshot";
 *
 * const model = await Deno.readFile("silero_vad_16k_op15.onnx");
 * await using mic = await openMicrophone();
 * for await (const frame of gateSpeech(mic, new SileroDetector(model))) {
 *   if (frame.speechStart) console.log("somebody speaks");
 * }
 * ```
 */
export class SileroDetector implements VoiceActivityDetector {
  /** 32 ms. */
  readonly blockMs = 32;
  /** Probability above which an onset is speech. */
  readonly threshold: number;
  /** Probability above which speech goes on: 0.15 lower. */
  readonly offsetThreshold: number;
  /** Two blocks. */
  readonly minSpeechMs = 64;
  /** Measured: shifted so much, decisions and truth agree best. */
  readonly lagMs = 60;

  readonly #network: SileroNetwork;
  readonly #reader = new HopReader(SILERO_RATE, SILERO_HOP, (hop) => {
    this.#probability = this.#network.step(hop);
  });
  #probability = 0;

  /**
   * Makes a detector.
   *
   * @param model The bytes of the ONNX file.
   * @param threshold Probability above which an onset is speech, 0.0–1.0.
   * @throws {RangeError} When the threshold is outside its range.
   * @throws {TypeError} When the bytes are no ONNX file, or not this model.
   */
  constructor(model: Uint8Array, threshold = 0.5) {
    checkNumber("threshold", threshold, 0, 1);
    this.#network = new SileroNetwork(model);
    this.threshold = threshold;
    this.offsetThreshold = Math.max(0, threshold - HYSTERESIS);
  }

  /**
   * Judges one block, together with what it heard before.
   *
   * @param samples Interleaved PCM16.
   * @param format How they are to be read; channels are averaged.
   * @returns The probability that somebody speaks, 0.0–1.0.
   */
  score(samples: Int16Array, format: AudioFormat): number {
    this.#reader.push(samples, format);
    return this.#probability;
  }

  /** Forgets everything heard. */
  reset(): void {
    this.#reader.reset();
    this.#network.reset();
    this.#probability = 0;
  }
}
