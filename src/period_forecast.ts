/**
 * When the next period can be read.
 *
 * @module
 */

/**
 * A device may hold a period for longer than its reader knows, so the reader comes
 * earlier by this share of a period each time, until it comes too early once.
 */
const EARLIER_SHARE = 0.001;

/** Foretells when a device that runs will hold the next whole period. */
export class PeriodForecast {
  #dueMs: number | undefined;
  /**
   * Whether audio arrives evenly, so that the part of a period that is there says
   * when the rest will be. A sound server's arrives in lumps.
   */
  #isEven = true;
  /** Whether the present forecast relies on that. */
  #reliesOnEvenness = false;

  /** When the next period is due, if that can be told. */
  get dueMs(): number | undefined {
    return this.#dueMs;
  }

  /**
   * Takes note that whole periods are read; times are milliseconds.
   *
   * @param read The present moment, how long a period is, how much was there
   *   behind the one that was due, in whole periods, and what is left of the next.
   */
  onRead({ nowMs, periodMs, furtherMs, leftMs }: {
    readonly nowMs: number;
    readonly periodMs: number;
    readonly furtherMs: number;
    readonly leftMs: number;
  }): void {
    const evenMs = nowMs + periodMs - leftMs;
    const lateMs = nowMs + periodMs;
    let regularMs = this.#dueMs === undefined
      ? lateMs
      : this.#dueMs + furtherMs + periodMs * (1 - EARLIER_SHARE);
    // The device has stood still since, and begins anew.
    if (regularMs <= nowMs) regularMs = lateMs;
    this.#reliesOnEvenness = this.#isEven && evenMs < regularMs;
    this.#dueMs = this.#reliesOnEvenness ? evenMs : regularMs;
  }

  /**
   * Takes note that a part of a period was read.
   *
   * @param nowMs The present moment.
   * @param missingMs What is missing of it.
   */
  onPart(nowMs: number, missingMs: number): void {
    this.#dueMs = nowMs + missingMs;
    this.#reliesOnEvenness = false;
  }

  /** Takes note that the period was not there when it was due. */
  onLate(): void {
    if (this.#reliesOnEvenness) this.#isEven = false;
    this.forget();
  }

  /** Makes no forecast until the next read. */
  forget(): void {
    this.#dueMs = undefined;
    this.#reliesOnEvenness = false;
  }
}
