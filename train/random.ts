/**
 * Chance that can be repeated.
 *
 * @module
 */

/** A generator of random numbers: mulberry32 (T. Ettinger, 2017). */
export class Random {
  #state: number;

  /** @param seed The same seed gives the same numbers. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** The next number, 0 ≤ x < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A number within a range. */
  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** A number within a range, equally likely at each of its magnitudes. */
  magnitude(low: number, high: number): number {
    return low * (high / low) ** this.next();
  }

  /** A whole number, 0 ≤ n < count. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** Whether something of this likelihood happens. */
  chance(share: number): boolean {
    return this.next() < share;
  }

  /** One of several. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** A number of the normal distribution of variance 1 (nearly: a sum of 4). */
  normal(): number {
    return (this.next() + this.next() + this.next() + this.next() - 2) *
      Math.sqrt(3);
  }
}
