/**
 * Sleeping fifty times a second.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/** Wakes one sleeper, again and again. */
export interface Alarm {
  /**
   * Sleeps. There is one sleeper at a time.
   *
   * @param ms How long, in milliseconds.
   * @returns A promise that resolves to `true` then, or to `false` when it rings.
   */
  sleep(ms: number): Promise<boolean>;
  /** Ends the sleep that is under way. */
  ring(): void;
}

/**
 * An alarm of the system's own. It costs two thirds of a timer: that is an object in
 * a table, and wakes the event loop of Deno through a system call of its own once
 * more when it is set. It does not keep a program running that has nothing else to
 * do.
 */
export class SystemAlarm implements Alarm {
  /**
   * Somebody who is never woken. V8 keeps sleepers in a table among its old objects,
   * which are seldom collected, and makes another one whenever it becomes empty:
   * with somebody in it one sleep in three leaves a table behind, not each.
   */
  static #sleeper: Int32Array | undefined;

  /** Nobody writes to it: it is what sleepers are known by. */
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  /** Begins with nobody asleep. */
  constructor() {
    if (SystemAlarm.#sleeper !== undefined) return;
    SystemAlarm.#sleeper = new Int32Array(new SharedArrayBuffer(4));
    Atomics.waitAsync(SystemAlarm.#sleeper, 0, 0);
  }

  /** As {@linkcode Alarm.sleep}. */
  async sleep(ms: number): Promise<boolean> {
    return await Atomics.waitAsync(this.#cell, 0, 0, ms).value === "timed-out";
  }

  /** As {@linkcode Alarm.ring}. */
  ring(): void {
    Atomics.notify(this.#cell, 0);
  }
}

/** An alarm by a clock that has none. */
export class ClockAlarm implements Alarm {
  readonly #clock: Clock;
  #ringing = new AbortController();

  /** @param clock The clock. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** As {@linkcode Alarm.sleep}. */
  sleep(ms: number): Promise<boolean> {
    const { signal } = this.#ringing;
    return this.#clock.sleep(ms, { signal }).then(() => true, () => false);
  }

  /** As {@linkcode Alarm.ring}. */
  ring(): void {
    this.#ringing.abort();
    this.#ringing = new AbortController();
  }
}

/**
 * Gives an alarm that goes by a clock.
 *
 * @param clock The clock.
 * @returns Its own kind, or one that sleeps as the clock does.
 */
export function alarmOf(clock: Clock): Alarm {
  return clock.createAlarm?.() ?? new ClockAlarm(clock);
}
