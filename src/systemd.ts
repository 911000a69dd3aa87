/**
 * systemd's notification protocol, `sd_notify(3)`, without a helper process.
 *
 * @module
 */

import { sendDatagram } from "../ffi/datagram.ts";
import { type Clock, systemClock } from "./clock.ts";
import { readVariable } from "./environment.ts";

/** A service's status line is for people: it need not change faster. */
const STATUS_INTERVAL_MS = 1000;

/** What a {@linkcode SystemdNotifier} is made with. */
export interface SystemdNotifierOptions {
  /** Sends a message, and says whether it was sent. */
  readonly send: (message: string) => boolean;
  /**
   * How often systemd must hear of us, in milliseconds.
   *
   * @default {undefined, which is never}
   */
  readonly watchdogMs?: number;
  /**
   * The clock of the intervals.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Tells systemd that a service is ready, what it does, and that it is alive. A
 * service of `Type=notify` with a `WatchdogSec=` is started again when it says
 * nothing for that long; call {@linkcode SystemdNotifier.alive} for audio, and
 * only for audio, and it cannot go deaf unnoticed.
 *
 * @example
 * ```ts ignore
 * import { openMicrophone, SystemdNotifier } from "@nevil/earshot";
 *
 * const systemd = SystemdNotifier.fromEnvironment();
 * await using mic = await openMicrophone();
 * systemd?.ready("Listening");
 * for await (const frame of mic) systemd?.alive();
 * ```
 */
export class SystemdNotifier {
  /** How often systemd must hear of us, in milliseconds. */
  readonly watchdogMs: number | undefined;
  readonly #send: (message: string) => boolean;
  readonly #clock: Clock;
  #aliveMs = -Infinity;
  #statusMs = -Infinity;
  /** The latest status, when it came too soon after the one before. */
  #pendingStatus: string | undefined;

  /**
   * Use {@linkcode SystemdNotifier.fromEnvironment}, except in tests.
   *
   * @param options How messages are sent, and how often.
   */
  constructor(options: SystemdNotifierOptions) {
    this.#send = options.send;
    this.#clock = options.clock ?? systemClock;
    this.watchdogMs = options.watchdogMs;
  }

  /**
   * Makes a notifier for the service that this process is.
   *
   * @param options The clock of the intervals.
   * @returns The notifier; nothing when no systemd listens (`NOTIFY_SOCKET` is
   *   not set), or when that variable must not be read.
   */
  static fromEnvironment(
    options: { readonly clock?: Clock } = {},
  ): SystemdNotifier | undefined {
    const path = readVariable("NOTIFY_SOCKET");
    if (!path) return undefined;
    const microseconds = Number(readVariable("WATCHDOG_USEC"));
    // The watchdog may be meant for another process of the service.
    const pid = readVariable("WATCHDOG_PID");
    const isOurs = pid === undefined || Number(pid) === Deno.pid;
    return new SystemdNotifier({
      send: (message) => sendDatagram(path, message),
      watchdogMs: microseconds > 0 && isOurs ? microseconds / 1000 : undefined,
      clock: options.clock,
    });
  }

  /**
   * Says that the service is ready.
   *
   * @param status What it does, in a line.
   */
  ready(status?: string): void {
    if (status === undefined) this.#send("READY=1");
    else {
      this.#pendingStatus = undefined;
      this.#statusMs = this.#clock.now();
      this.#send(`READY=1\nSTATUS=${lineOf(status)}`);
    }
    this.alive();
  }

  /**
   * Says what the service does, at most once a second: of what comes sooner, the
   * latest is said at the next call of any method that comes late enough.
   *
   * @param text A line.
   */
  status(text: string): void {
    this.#pendingStatus = lineOf(text);
    this.#sendStatus(this.#clock.now());
  }

  /**
   * Feeds the watchdog, if there is one, not more often than it needs, and says
   * the status that came too soon, if there is one.
   */
  alive(): void {
    if (this.watchdogMs === undefined && this.#pendingStatus === undefined) {
      return;
    }
    const nowMs = this.#clock.now();
    this.#sendStatus(nowMs);
    if (this.watchdogMs === undefined) return;
    // A third of the time, so that two late messages do no harm.
    if (nowMs - this.#aliveMs < this.watchdogMs / 3) return;
    this.#aliveMs = nowMs;
    this.#send("WATCHDOG=1");
  }

  /** Says that the service is ending, and the status that came too soon. */
  stopping(): void {
    const status = this.#pendingStatus;
    this.#pendingStatus = undefined;
    // No later call is sure to come, and systemd keeps the last status.
    this.#send(
      status === undefined ? "STOPPING=1" : `STOPPING=1\nSTATUS=${status}`,
    );
  }

  #sendStatus(nowMs: number): void {
    const status = this.#pendingStatus;
    if (status === undefined) return;
    if (nowMs - this.#statusMs < STATUS_INTERVAL_MS) return;
    this.#pendingStatus = undefined;
    this.#statusMs = nowMs;
    this.#send(`STATUS=${status}`);
  }
}

function lineOf(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
