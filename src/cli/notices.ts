/**
 * What a person should know, but not a thousand times: a program that runs for
 * months must not fill a disk because a cable is loose.
 *
 * @module
 */

import type { Clock } from "../clock.ts";

/** The same is said once in this time. */
const INTERVAL_MS = 60_000;

/** Different things to say that are remembered. */
const MAX_TEXTS = 64;

/** Says things, and the same thing at most once a minute. */
export class Notices {
  readonly #say: (text: string) => void;
  readonly #clock: Clock;
  readonly #said = new Map<string, { sinceMs: number; moreCount: number }>();

  /**
   * @param say Says something.
   * @param clock The clock of the interval.
   */
  constructor(say: (text: string) => void, clock: Clock) {
    this.#say = say;
    this.#clock = clock;
  }

  /**
   * Says something, unless it was said just now; then it is counted.
   *
   * @param text One line.
   * @param kind What must not be said too often, when its text varies.
   */
  say(text: string, kind = text): void {
    const nowMs = this.#clock.now();
    const said = this.#said.get(kind);
    if (said !== undefined && nowMs - said.sinceMs < INTERVAL_MS) {
      said.moreCount++;
      return;
    }
    const more = said === undefined || said.moreCount === 0
      ? ""
      : ` (and ${said.moreCount} times since it was said last)`;
    this.#said.delete(kind);
    this.#said.set(kind, { sinceMs: nowMs, moreCount: 0 });
    const [oldest] = this.#said.keys();
    if (this.#said.size > MAX_TEXTS) this.#said.delete(oldest!);
    this.#say(text + more);
  }
}
