/**
 * The input audio buffer of a session: what was appended and not committed.
 *
 * @module
 */

import { concatenate } from "./realtime_audio.ts";

/** Samples that know their place in everything appended to a session. */
export class InputBuffer {
  #blocks: Int16Array[] = [];
  #start = 0;
  #end = 0;

  /** Samples appended to the session before the first one held. */
  get start(): number {
    return this.#start;
  }

  /** Samples appended to the session. */
  get end(): number {
    return this.#end;
  }

  /** Samples held. */
  get length(): number {
    return this.#end - this.#start;
  }

  /**
   * Adds samples at the end.
   *
   * @param samples They are kept, not copied.
   */
  append(samples: Int16Array): void {
    this.#blocks.push(samples);
    this.#end += samples.length;
  }

  /**
   * Takes samples out at the start.
   *
   * @param end The place behind the last one to take, at most the end.
   * @returns The samples.
   */
  take(end: number): Int16Array {
    const taken: Int16Array[] = [];
    while (this.#start < end) {
      const block = this.#blocks[0]!;
      const count = Math.min(block.length, end - this.#start);
      taken.push(block.subarray(0, count));
      if (count === block.length) this.#blocks.shift();
      else this.#blocks[0] = block.subarray(count);
      this.#start += count;
    }
    return concatenate(taken);
  }
}
