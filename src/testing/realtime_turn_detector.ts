/**
 * Server VAD as far as a test needs it: loudness against a threshold, measured
 * in the time of the audio and not of any clock.
 *
 * @module
 */

import type { SemanticVad, ServerVad } from "../realtime/events.ts";

/** The beginning or the end of a turn. */
export interface TurnEdge {
  /** Which of the two. */
  readonly kind: "start" | "stop";
  /**
   * Its place among all samples appended to the session: before the speech and
   * its padding, which may be too early for what is left, or behind the silence
   * that followed.
   */
  readonly position: number;
}

/** Loudness is measured over this long, in milliseconds. */
const WINDOW_MS = 20;

/**
 * The RMS level, as a part of full scale, that the threshold 1 stands for. The
 * default threshold 0.5 is then -40 dBFS. It is ours: the service listens for
 * speech, not for loudness.
 */
const FULL_THRESHOLD_RMS = 0.02;

/**
 * Silence that ends a turn under `semantic_vad`, in milliseconds: a tenth of
 * the longest that the service waits, so that tests stay short.
 */
const SEMANTIC_SILENCE_MS = { low: 800, medium: 400, auto: 400, high: 200 };

/** What `semantic_vad` does not let the client choose. */
const SEMANTIC_THRESHOLD = 0.5;
const SEMANTIC_PADDING_MS = 300;

/** Finds turns in a stream of samples. */
export class TurnDetector {
  readonly #paddingLength: number;
  readonly #windowLength: number;
  readonly #threshold: number;
  readonly #silenceLength: number;
  #position: number;
  #windowFill = 0;
  #windowEnergy = 0;
  #silence = 0;
  #isSpeech = false;

  /**
   * @param settings How to listen.
   * @param sampleRate Hz.
   * @param position Samples appended to the session so far.
   */
  constructor(
    settings: ServerVad | SemanticVad,
    sampleRate: number,
    position: number,
  ) {
    const isServerVad = settings.type === "server_vad";
    const threshold = isServerVad ? settings.threshold! : SEMANTIC_THRESHOLD;
    const paddingMs = isServerVad
      ? settings.prefix_padding_ms!
      : SEMANTIC_PADDING_MS;
    const silenceMs = isServerVad
      ? settings.silence_duration_ms!
      : SEMANTIC_SILENCE_MS[settings.eagerness!];
    this.#paddingLength = sampleRate * paddingMs / 1000;
    this.#windowLength = sampleRate * WINDOW_MS / 1000;
    this.#threshold = FULL_THRESHOLD_RMS * threshold;
    this.#silenceLength = sampleRate * silenceMs / 1000;
    this.#position = position;
  }

  /** Whether a turn has begun and not ended. */
  get isSpeech(): boolean {
    return this.#isSpeech;
  }

  /** Where the next turn would begin at the earliest. */
  get earliestStart(): number {
    return this.#position - this.#windowFill - this.#paddingLength;
  }

  /** Ends a turn that somebody else has cut off. */
  cut(): void {
    this.#isSpeech = false;
  }

  /**
   * Listens on.
   *
   * @param samples The samples that follow those before.
   * @returns What was found, one after the other.
   */
  *push(samples: Int16Array): Generator<TurnEdge> {
    for (const sample of samples) {
      this.#windowEnergy += (sample / 32_768) ** 2;
      this.#position++;
      if (++this.#windowFill < this.#windowLength) continue;
      const rms = Math.sqrt(this.#windowEnergy / this.#windowLength);
      const edge = this.#hear(rms > this.#threshold);
      this.#windowFill = 0;
      this.#windowEnergy = 0;
      if (edge !== undefined) yield edge;
    }
  }

  #hear(isLoud: boolean): TurnEdge | undefined {
    this.#silence = isLoud ? 0 : this.#silence + this.#windowLength;
    if (isLoud && !this.#isSpeech) {
      this.#isSpeech = true;
      return { kind: "start", position: this.earliestStart };
    }
    if (this.#isSpeech && !isLoud && this.#silence >= this.#silenceLength) {
      this.#isSpeech = false;
      return { kind: "stop", position: this.#position };
    }
  }
}
