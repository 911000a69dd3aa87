/**
 * When a recording was paused, to the sample.
 *
 * @module
 */

import { type AudioFrame, frameCountOf, sliceFrame } from "./frame.ts";

/** A part of a block. */
export interface PausePart {
  /** The part. */
  readonly part: AudioFrame;
  /** Whether it was captured during a pause. */
  readonly isPaused: boolean;
}

/**
 * Cuts blocks where the user paused and resumed: a block is captured over a
 * while, and arrives behind its end, so that neither its beginning nor its
 * arrival says whether somebody meant all of it to be heard.
 */
export class Pauses {
  /** Moments at which it changed, which no block has reached yet. */
  readonly #toggles: { readonly atMs: number; readonly isPaused: boolean }[] =
    [];
  /** Whether the next frame to come was captured during a pause. */
  #isPaused = false;

  /**
   * Takes note of a pause or its end.
   *
   * @param isPaused Which of them.
   * @param atMs When: milliseconds of `performance.now()`, as in blocks.
   */
  toggle(isPaused: boolean, atMs: number): void {
    this.#toggles.push({ atMs, isPaused });
  }

  /**
   * Cuts a block.
   *
   * @param frame The block.
   * @returns Its parts, and whether each was captured during a pause.
   */
  split(frame: AudioFrame): PausePart[] {
    const parts: PausePart[] = [];
    const frameCount = frameCountOf(frame);
    const framesPerMs = frame.format.sampleRate / 1000;
    let begin = 0;
    while (this.#toggles.length > 0) {
      const { atMs, isPaused } = this.#toggles[0]!;
      const end = Math.round((atMs - frame.timestampMs) * framesPerMs);
      if (end >= frameCount) break;
      if (end > begin) {
        parts.push({
          part: sliceFrame(frame, begin, end),
          isPaused: this.#isPaused,
        });
        begin = end;
      }
      this.#isPaused = isPaused;
      this.#toggles.shift();
    }
    parts.push({
      part: sliceFrame(frame, begin, frameCount),
      isPaused: this.#isPaused,
    });
    return parts;
  }
}
