/**
 * Time, as the rest of the package sees it, so that tests need not sleep.
 *
 * @module
 */

import { delay } from "@std/async/delay";

/** A monotonic clock that can be waited on. */
export interface Clock {
  /** Milliseconds since an arbitrary but fixed moment; never goes back. */
  now(): number;
  /**
   * Waits.
   *
   * @param ms How long, in milliseconds.
   * @param options `signal` ends the wait early.
   * @returns A promise that resolves after `ms`, or rejects with
   *   `signal.reason` once the signal is aborted.
   */
  sleep(ms: number, options?: { signal?: AbortSignal }): Promise<void>;
}

/** The real clock: `performance.now()` and timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, options) => delay(ms, options),
};
