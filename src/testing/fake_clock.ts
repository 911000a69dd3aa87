/**
 * A clock that moves only when a test says so.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { Clock } from "../clock.ts";

interface Sleeper {
  readonly wakeAtMs: number;
  readonly wake: () => void;
}

/**
 * A {@linkcode Clock} that moves only when a test says so.
 *
 * @example A second passes at once
 * ```ts
 * import { FakeClock } from "@nevil/earshot/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new FakeClock();
 * let awake = false;
 * clock.sleep(1000).then(() => awake = true);
 * await clock.advance(999);
 * assertEquals(awake, false);
 * await clock.advance(1);
 * assertEquals(awake, true);
 * ```
 */
export class FakeClock implements Clock {
  #nowMs = 0;
  /** In the order of waking; of the same time, the first to sleep is first. */
  readonly #sleepers: Sleeper[] = [];

  /** Milliseconds since the clock was made, as far as it was advanced. */
  now(): number {
    return this.#nowMs;
  }

  /** How many are asleep; 0 at the end of a test shows that no timer is left. */
  get sleeperCount(): number {
    return this.#sleepers.length;
  }

  /**
   * Sleeps until the clock was advanced far enough.
   *
   * @param ms How long, in milliseconds.
   * @param options `signal` ends the wait early.
   * @returns A promise that rejects with `signal.reason` on an abort.
   */
  sleep(ms: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const sleeper: Sleeper = {
        wakeAtMs: this.#nowMs + Math.max(0, ms),
        wake: () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        },
      };
      const abort = () => {
        this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      const after = this.#sleepers.findIndex((other) =>
        other.wakeAtMs > sleeper.wakeAtMs
      );
      this.#sleepers.splice(
        after < 0 ? this.#sleepers.length : after,
        0,
        sleeper,
      );
    });
  }

  /**
   * Moves the clock, stopping at every sleeper on the way and letting all that
   * follows from its waking happen before going on.
   *
   * @param ms How far, in milliseconds.
   * @returns A promise that resolves when the clock has arrived.
   */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const next = this.#sleepers[0];
      if (next === undefined || next.wakeAtMs > targetMs) break;
      this.#sleepers.shift();
      this.#nowMs = next.wakeAtMs;
      next.wake();
      await settle();
    }
    this.#nowMs = targetMs;
  }
}

/**
 * Lets every promise that can resolve without time passing do so: a macrotask
 * runs only when no microtask is left.
 */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
