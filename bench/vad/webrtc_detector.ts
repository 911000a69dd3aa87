/**
 * WebRTC's detector as one of ours, for comparison only: libfvad from npm.
 *
 * @module
 */

import type { AudioFormat, VoiceActivityDetector } from "../../mod.ts";
import { HopReader } from "../../src/vad/hop_reader.ts";

/** Not a literal, so that nobody needs it who does not measure. */
const FVAD = "npm:@echogarden/fvad-wasm@0.2.0";

const RATE = 16_000;
const HOP = 160;

/** What is used of libfvad. */
interface Fvad {
  readonly HEAP16: Int16Array;
  _malloc(byteCount: number): number;
  _fvad_new(): number;
  _fvad_reset(vad: number): void;
  _fvad_set_mode(vad: number, mode: number): number;
  _fvad_set_sample_rate(vad: number, rate: number): number;
  _fvad_process(vad: number, samples: number, count: number): number;
}

/** The detector, with its own hangover of some 10 ms blocks. */
export class WebRtcDetector implements VoiceActivityDetector {
  readonly blockMs = 10;
  readonly threshold = 0.5;
  readonly #fvad: Fvad;
  readonly #vad: number;
  readonly #samples: number;
  readonly #mode: number;
  #score = 0;
  readonly #reader = new HopReader(RATE, HOP, (hop) => {
    const place = this.#samples >> 1;
    for (let i = 0; i < HOP; i++) {
      this.#fvad.HEAP16[place + i] = Math.round(hop[i]! * 32_767);
    }
    this.#score = this.#fvad._fvad_process(this.#vad, this.#samples, HOP);
  });

  private constructor(fvad: Fvad, mode: number) {
    this.#fvad = fvad;
    this.#mode = mode;
    this.#vad = fvad._fvad_new();
    this.#samples = fvad._malloc(2 * HOP);
    this.reset();
  }

  /**
   * Loads it.
   *
   * @param mode How strict it is, 0–3.
   * @returns The detector.
   */
  static async load(mode: number): Promise<WebRtcDetector> {
    const { default: load } = await import(FVAD);
    return new WebRtcDetector(await load(), mode);
  }

  score(samples: Int16Array, format: AudioFormat): number {
    this.#reader.push(samples, format);
    return this.#score;
  }

  reset(): void {
    this.#reader.reset();
    this.#fvad._fvad_reset(this.#vad);
    this.#fvad._fvad_set_mode(this.#vad, this.#mode);
    this.#fvad._fvad_set_sample_rate(this.#vad, RATE);
    this.#score = 0;
  }
}
