/**
 * Samples between a device that gives them as it likes and a reader who asks for as
 * many as it likes.
 *
 * @module
 */

/** PCM16 that was not asked for yet, in its order. It becomes as long as it must. */
export class SampleQueue {
  #samples = new Int16Array(0);
  #length = 0;

  /** How many samples wait. */
  get length(): number {
    return this.#length;
  }

  /**
   * Gives the room behind what waits. What is written to it waits, too, once
   * {@linkcode SampleQueue.add} was told.
   *
   * @param count How many samples it must have room for.
   * @returns The room; it may be larger, and is good until the next call.
   */
  room(count: number): Int16Array {
    const needed = this.#length + count;
    if (needed > this.#samples.length) {
      const larger = new Int16Array(2 * needed);
      larger.set(this.#samples.subarray(0, this.#length));
      this.#samples = larger;
    }
    return this.#samples.subarray(this.#length);
  }

  /**
   * Says that the room was written to.
   *
   * @param count How many samples, from its beginning.
   */
  add(count: number): void {
    this.#length += count;
  }

  /**
   * Takes the oldest out.
   *
   * @param samples Where they go.
   * @returns How many there were: fewer than it has room for when no more wait.
   */
  take(samples: Int16Array): number {
    const count = Math.min(samples.length, this.#length);
    samples.set(this.#samples.subarray(0, count));
    this.#samples.copyWithin(0, count, this.#length);
    this.#length -= count;
    return count;
  }

  /** Throws away what waits. */
  clear(): void {
    this.#length = 0;
  }
}
