/**
 * When the next period can be read.
 *
 * @module
 */

/**
 * A device may hold a period for longer than its reader knows, so the reader comes
 * earlier by this share of a period, and by more each time, until it comes too early
 * once. That makes up for a quarter of a period in a second, and asks a device whose
 * moment is known for a wait in 15 to 30 periods.
 */
const FIRST_EARLIER_SHARE = 0.0005;
const EARLIER_GROWTH = 1.1;
const MAX_EARLIER_SHARE = 0.05;

/**
 * What comes in lumps does not come to the millisecond, and a reader sleeps by whole
 * ones: who came at the very moment would come too early once in five times.
 */
const LUMP_MARGIN_MS = 1;

/** After so many lumps it is asked again whether they need be so large. */
const TRUSTED_LUMP_COUNT = 100;

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
  #earlierShare = FIRST_EARLIER_SHARE;
  /**
   * Several periods at a time are a lump, or a reader that always comes late: what
   * comes of asking for one period tells.
   */
  #probe: "none" | "running" | "failed" = "none";
  /** Reads for which lumps are known to be whole ones. */
  #trustedLumpCount = 0;

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
    const regularMs = this.#regularMs(nowMs, periodMs, furtherMs);
    this.#reliesOnEvenness = this.#isEven && evenMs < regularMs;
    this.#dueMs = this.#reliesOnEvenness ? evenMs : regularMs;
  }

  #regularMs(nowMs: number, periodMs: number, furtherMs: number): number {
    const soonMs = nowMs + periodMs;
    if (this.#probe === "failed" && furtherMs > 0) {
      this.#trustedLumpCount = TRUSTED_LUMP_COUNT;
    }
    this.#probe = "none";
    const areLumpsTrusted = this.#trustedLumpCount > 0;
    if (areLumpsTrusted) this.#trustedLumpCount--;
    if (this.#dueMs === undefined) {
      const firstMs = this.#isEven ? soonMs : soonMs + LUMP_MARGIN_MS;
      if (areLumpsTrusted) return firstMs + furtherMs;
      if (furtherMs > 0) this.#probe = "running";
      return firstMs;
    }
    const regularMs = this.#dueMs + furtherMs +
      periodMs * (1 - this.#earlierShare);
    this.#earlierShare = Math.min(
      this.#earlierShare * EARLIER_GROWTH,
      MAX_EARLIER_SHARE,
    );
    // The device has stood still since, and begins anew.
    if (regularMs <= nowMs) return soonMs;
    const lateMs = Math.max(0, nowMs - this.#dueMs);
    const backlogMs = Math.floor(lateMs / periodMs) * periodMs;
    if (furtherMs <= backlogMs || areLumpsTrusted || regularMs < soonMs) {
      return regularMs;
    }
    this.#probe = "running";
    return soonMs;
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
    else if (this.#probe === "running") this.#probe = "failed";
    this.forget();
  }

  /** Makes no forecast until the next read. */
  forget(): void {
    this.#dueMs = undefined;
    this.#reliesOnEvenness = false;
    this.#earlierShare = FIRST_EARLIER_SHARE;
  }
}
