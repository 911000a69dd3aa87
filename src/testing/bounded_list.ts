/**
 * A memory that cannot grow without end.
 *
 * @module
 */

/** The latest elements whose sizes together stay under a limit. */
export class BoundedList<T> {
  readonly #limitBytes: number;
  readonly #elements: T[] = [];
  readonly #sizes: number[] = [];
  #totalBytes = 0;

  /** @param limitBytes The largest sum of sizes. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** What is remembered, oldest first. */
  get elements(): readonly T[] {
    return this.#elements;
  }

  /**
   * Adds an element, and forgets the oldest ones if need be.
   *
   * @param element The element.
   * @param bytes Its size.
   */
  push(element: T, bytes: number): void {
    this.#elements.push(element);
    this.#sizes.push(bytes);
    this.#totalBytes += bytes;
    while (this.#totalBytes > this.#limitBytes) {
      this.#elements.shift();
      this.#totalBytes -= this.#sizes.shift()!;
    }
  }
}
