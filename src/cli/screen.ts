/**
 * What moves on a terminal: level bars and a line that is redrawn in place.
 *
 * @module
 */

import { volumeToDbfs } from "../volume.ts";
import type { Output } from "./command.ts";

/** Cells of a level bar. */
const BAR_CELLS = 50;
const SHORT_BAR_CELLS = 20;

/** The level at the left end of a bar. */
const FLOOR_DBFS = -60;

/** How long a peak stands before it falls back to the level. */
const PEAK_HOLD_MS = 1500;

const ERASE_TO_END_OF_LINE = "\x1b[K";

/** A line at the bottom that is redrawn in place, on a terminal only. */
export class StatusLine {
  readonly #output: Output;
  readonly #enabled: boolean;
  #shown = false;

  /**
   * @param output Where it is drawn.
   * @param enabled `false` for a line that is never drawn.
   */
  constructor(output: Output, enabled = true) {
    this.#output = output;
    this.#enabled = enabled && output.isTerminal;
  }

  /** Whether it is drawn at all: else it need not be made up. */
  get isDrawn(): boolean {
    return this.#enabled;
  }

  /**
   * Draws the line anew, cut to the width of the terminal.
   *
   * @param text One line.
   * @param words Words that grow behind it, of which the newest are shown.
   */
  show(text: string, words = ""): void {
    if (!this.#enabled) return;
    const width = Math.max(1, this.#output.columns - 1);
    const room = Math.max(0, width - text.length - 1);
    const tail = words.length > room ? `…${words.slice(1 - room)}` : words;
    const line = room > 1 && words !== "" ? `${text} ${tail}` : text;
    this.#output.write(`\r${line.slice(0, width)}${ERASE_TO_END_OF_LINE}`);
    this.#shown = true;
  }

  /** Takes the line away, before something else is printed or at the end. */
  clear(): void {
    if (this.#shown) this.#output.write(`\r${ERASE_TO_END_OF_LINE}`);
    this.#shown = false;
  }
}

/** A level with a peak that stands for a while. */
export class LevelMeter {
  #volume = 0;
  #peak = 0;
  #peakAtMs = -Infinity;

  /**
   * Takes a new level.
   *
   * @param volume RMS, 0.0–1.0.
   * @param nowMs The time.
   */
  update(volume: number, nowMs: number): void {
    this.#volume = volume;
    if (volume >= this.#peak || nowMs - this.#peakAtMs > PEAK_HOLD_MS) {
      this.#peak = volume;
      this.#peakAtMs = nowMs;
    }
  }

  /** The bar: 50 cells from −60 to 0 dBFS, with the peak as a thin line. */
  get bar(): string {
    return this.#barOf(BAR_CELLS);
  }

  /** The same in 20 cells, to leave room for words. */
  get shortBar(): string {
    return this.#barOf(SHORT_BAR_CELLS);
  }

  #barOf(cellCount: number): string {
    const cells = cellsOf(this.#volume, cellCount);
    const peakCell = cellsOf(this.#peak, cellCount) - 1;
    let bar = "";
    for (let cell = 0; cell < cellCount; cell++) {
      bar += cell < cells ? "█" : cell === peakCell ? "│" : " ";
    }
    return `[${bar}]`;
  }

  /** The level and the peak in figures of one width. */
  get figures(): string {
    return `${dbfs(this.#volume)} dBFS  peak ${dbfs(this.#peak)}`;
  }
}

/**
 * Formats a duration.
 *
 * @param ms Milliseconds.
 * @returns Minutes and seconds, such as `1:02.3`.
 */
export function duration(ms: number): string {
  const tenths = Math.floor(ms / 100 + 1e-6);
  const minutes = Math.floor(tenths / 600);
  const seconds = (tenths % 600 / 10).toFixed(1).padStart(4, "0");
  return `${minutes}:${seconds}`;
}

function cellsOf(volume: number, cellCount: number): number {
  const share = 1 - volumeToDbfs(volume) / FLOOR_DBFS;
  return Math.max(0, Math.min(cellCount, Math.round(share * cellCount)));
}

function dbfs(volume: number): string {
  const text = volume === 0 ? "-inf" : volumeToDbfs(volume).toFixed(1);
  return text.padStart(5);
}
