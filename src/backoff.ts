/**
 * How long to wait before trying again.
 *
 * @module
 */

/** Settings of a {@linkcode Backoff}. */
export interface BackoffOptions {
  /** The delay before the second attempt, in milliseconds. */
  readonly initialMs: number;
  /** No delay is longer, in milliseconds. */
  readonly maxMs: number;
  /**
   * The part of a delay that is left to chance, 0–1, so that many clients which
   * failed at the same moment do not come back at the same moment.
   */
  readonly jitter: number;
  /** A random number, 0 ≤ n < 1. */
  readonly random: () => number;
}

/** Delays that double, from none to a bound. */
export class Backoff {
  readonly #options: BackoffOptions;
  #attemptCount = 0;

  /** @param options How the delays grow. */
  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** How often it was asked for a delay since the last reset. */
  get attemptCount(): number {
    return this.#attemptCount;
  }

  /**
   * Says how long to wait before the next attempt.
   *
   * @returns Milliseconds; 0 the first time.
   */
  next(): number {
    const { initialMs, maxMs, jitter, random } = this.#options;
    const exponent = this.#attemptCount++ - 1;
    if (exponent < 0) return 0;
    // Beyond 2^30 every sensible delay is at its bound, and Infinity is none.
    const delayMs = Math.min(maxMs, initialMs * 2 ** Math.min(exponent, 30));
    return delayMs * (1 - jitter * random());
  }

  /** Begins anew, after a success that lasted. */
  reset(): void {
    this.#attemptCount = 0;
  }
}
