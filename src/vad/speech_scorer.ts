/**
 * From samples to the probability of speech: features, and the network that reads
 * them.
 *
 * @module
 */

import type { AudioFormat } from "../frame.ts";
import { HopReader } from "./hop_reader.ts";
import { FEATURE_RATE, HOP, SpeechFeatures } from "./speech_features.ts";
import { SpeechNetwork, type SpeechWeights } from "./speech_network.ts";

/** Judges a signal, 10 ms at a time. */
export class SpeechScorer {
  readonly #features = new SpeechFeatures();
  readonly #network: SpeechNetwork;
  readonly #reader = new HopReader(FEATURE_RATE, HOP, (hop) => {
    this.#features.push(hop);
    this.#probability = this.#network.step(this.#features.values);
  });
  #probability = 0;

  /** @param weights Of another training than the one that is shipped. */
  constructor(weights?: SpeechWeights) {
    this.#network = new SpeechNetwork(weights);
  }

  /** The mean noise floor of its frequency bands, in dBFS. */
  get noiseFloorDbfs(): number {
    return this.#features.noiseFloorDbfs;
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
    this.#features.reset();
    this.#network.reset();
    this.#probability = 0;
  }
}
