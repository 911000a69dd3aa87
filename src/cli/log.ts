/**
 * What the program says on stderr: for a person, or as lines for a log.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Output } from "./command.ts";
import { Notices } from "./notices.ts";
import type { Options } from "./options.ts";
import { StatusLine } from "./screen.ts";

/** How much a line matters, the most first. */
const LEVELS = ["error", "warn", "info", "debug"] as const;

/** How much a line matters. */
export type LogLevel = typeof LEVELS[number];

/** What {@linkcode Log} says at `info` within a minute; more is counted. */
const MAX_INFO_LINES = 120;
const MINUTE_MS = 60_000;

/** Where a {@linkcode Log} writes. */
export interface LogWorld {
  /** Where lines go. */
  readonly stderr: Output;
  /** The clock of the limits. */
  readonly clock: Clock;
}

/**
 * Says things, above a level, in one of three forms: a plain line, `pretty`
 * (time, level, text) or `json` (an object on a line).
 *
 * Warnings and errors are said once a minute each, information at most 120
 * times a minute, so that a program that runs for months does not fill a disk;
 * what was left out is counted. Only `debug`, which is asked for, has no limit.
 */
export class Log {
  /** The line at the bottom; it gives way to what is said. */
  readonly status: StatusLine;
  readonly #world: LogWorld;
  readonly #form: string | undefined;
  readonly #indent: string;
  readonly #levelIndex: number;
  readonly #notices: Record<"error" | "warn", Notices>;
  #infoSinceMs = -Infinity;
  #infoCount = 0;

  /**
   * @param options What the user gave.
   * @param world Where it is said.
   * @param layout What stands before a plain line, and the line that gives way,
   *   unless it is one at the bottom of stderr.
   */
  constructor(
    options: Options,
    world: LogWorld,
    layout: { readonly indent?: string; readonly status?: StatusLine } = {},
  ) {
    this.#world = world;
    this.#indent = layout.indent ?? "";
    this.#form = options.text("log");
    this.#levelIndex = LEVELS.indexOf(levelOf(options));
    this.status = layout.status ?? new StatusLine(
      world.stderr,
      this.#form === undefined && this.shows("info"),
    );
    const notices = (level: LogLevel) =>
      new Notices((text) => this.#write(level, text), world.clock);
    this.#notices = { error: notices("error"), warn: notices("warn") };
  }

  /**
   * Says whether lines of a level are said at all.
   *
   * @param level The level.
   */
  shows(level: LogLevel): boolean {
    return LEVELS.indexOf(level) <= this.#levelIndex;
  }

  /**
   * Says what ends the program.
   *
   * @param text One line.
   */
  fatal(text: string): void {
    this.#write("error", text);
  }

  /**
   * Says that something failed, or was lost, once a minute.
   *
   * @param text One line.
   * @param kind What must not be said too often, when its text varies.
   */
  error(text: string, kind?: string): void {
    this.#notices.error.say(text, kind);
  }

  /**
   * Says that something is not as it should be, once a minute.
   *
   * @param text One line.
   * @param kind What must not be said too often, when its text varies.
   */
  warn(text: string, kind?: string): void {
    this.#notices.warn.say(text, kind);
  }

  /**
   * Says what happens.
   *
   * @param text One line.
   * @param fields More about it, for programs: only `json` shows it.
   */
  info(text: string, fields?: object): void {
    const nowMs = this.#world.clock.now();
    if (nowMs - this.#infoSinceMs >= MINUTE_MS) {
      const leftOutCount = this.#infoCount - MAX_INFO_LINES;
      this.#infoSinceMs = nowMs;
      this.#infoCount = 0;
      if (leftOutCount > 0) {
        this.#write("info", `${leftOutCount} lines were left out`);
      }
    }
    if (++this.#infoCount > MAX_INFO_LINES) return;
    this.#write("info", text, fields);
  }

  /**
   * Says what only matters to who looks for a fault; without a limit.
   *
   * @param text One line.
   */
  debug(text: string): void {
    this.#write("debug", text);
  }

  #write(level: LogLevel, text: string, fields?: object): void {
    if (!this.shows(level)) return;
    this.status.clear();
    this.#world.stderr.write(`${this.#lineOf(level, text, fields)}\n`);
  }

  #lineOf(level: LogLevel, text: string, fields?: object): string {
    if (this.#form === undefined) return this.#indent + text;
    const { clock } = this.#world;
    const time = new Date(performance.timeOrigin + clock.now()).toISOString();
    const message = text.replaceAll(/\s+/g, " ").trim();
    return this.#form === "json"
      ? JSON.stringify({ time, level, message, ...fields })
      : `${time} ${level.padEnd(5)} ${message}`;
  }
}

function levelOf(options: Options): LogLevel {
  if (options.has("quiet")) return "error";
  if (options.has("verbose")) return "debug";
  return LEVELS.find((level) => level === options.text("log-level")) ?? "info";
}
