/**
 * The place of every block in time: positions that count what was lost, and
 * timestamps that follow the device's.
 *
 * @module
 */

import type { AudioFrame, Discontinuity, LossCause } from "./frame.ts";
import { frameCountOf } from "./frame.ts";

/** A timestamp farther than this from where it is due is no jitter. */
const MAX_JITTER_MS = 100;

/** How fast timestamps follow the device's: half of a change in 14 blocks. */
const JITTER_GAIN = 0.05;

/** No two blocks have one timestamp. */
const MIN_STEP_MS = 0.001;

/** Where a block belongs. */
export type Placement = Pick<
  AudioFrame,
  "position" | "timestampMs" | "discontinuity"
>;

/** Keeps one timeline over xruns, suspends and devices that come and go. */
export class Timeline {
  readonly #sampleRate: number;
  #nextPosition = 0;
  /** When the frame at `#nextPosition` is due, by the device's clock. */
  #nextTimestampMs: number;
  #lastTimestampMs = -Infinity;
  #gap: LossCause | undefined;
  #pending: Discontinuity | undefined;
  readonly #lostFrames: Record<LossCause, number> = {
    xrun: 0,
    suspend: 0,
    error: 0,
    device_lost: 0,
    stall: 0,
  };

  /**
   * Begins at position 0.
   *
   * @param sampleRate Frames per second.
   * @param nowMs The present moment.
   */
  constructor(sampleRate: number, nowMs: number) {
    this.#sampleRate = sampleRate;
    this.#nextTimestampMs = nowMs;
  }

  /** Frames that never arrived, by cause. */
  get lostFrames(): Readonly<Record<LossCause, number>> {
    return { ...this.#lostFrames };
  }

  /** Where the timeline has arrived, and when. */
  get end(): { readonly position: number; readonly timestampMs: number } {
    return {
      position: this.#nextPosition,
      timestampMs: this.#nextTimestampMs,
    };
  }

  /**
   * Says that audio is missing from here to the next block.
   *
   * @param cause Why; of several causes in a row the first counts, but that the
   *   device had to be opened again says more than how its loss began.
   */
  openGap(cause: LossCause): void {
    const isReopened = cause === "device_lost" || cause === "stall";
    if (isReopened || this.#gap === undefined) this.#gap = cause;
  }

  /**
   * Measures the open gap, if there is one, before the first block behind it.
   *
   * @param measuredMs When that block was captured, by the device's word.
   * @returns The gap.
   */
  closeGap(
    measuredMs: number,
  ): { cause: LossCause; lostFrames: number; position: number } | undefined {
    const cause = this.#gap;
    if (cause === undefined) return undefined;
    const gapMs = measuredMs - this.#nextTimestampMs;
    const lostFrames = Math.max(
      0,
      Math.round(gapMs * this.#sampleRate / 1000),
    );
    this.#gap = undefined;
    this.#lostFrames[cause] += lostFrames;
    this.#nextPosition += lostFrames;
    this.#nextTimestampMs = measuredMs;
    this.#addDiscontinuity({ cause, lostFrames });
    return { cause, lostFrames, position: this.#nextPosition };
  }

  /**
   * Finds the place of a block.
   *
   * @param frameCount Its frames.
   * @param measuredMs When its first frame was captured, by the device's word.
   * @returns Its place, and the gap before it.
   */
  place(frameCount: number, measuredMs: number): Placement {
    const timestampMs = this.#smoothed(measuredMs);
    const placement = {
      position: this.#nextPosition,
      timestampMs,
      discontinuity: this.#pending,
    };
    this.#pending = undefined;
    this.#lastTimestampMs = timestampMs;
    this.#nextPosition += frameCount;
    this.#nextTimestampMs = timestampMs + this.#msOf(frameCount);
    return placement;
  }

  /**
   * Says that the block that was placed last is not handed on: the next one
   * carries its mark.
   *
   * @param frame The block.
   */
  skip(frame: AudioFrame): void {
    this.#pending = frame.discontinuity;
    this.#addDiscontinuity({
      cause: "slow_consumer",
      lostFrames: frameCountOf(frame),
    });
  }

  #addDiscontinuity({ cause, lostFrames }: Discontinuity): void {
    this.#pending = {
      cause: this.#pending?.cause ?? cause,
      lostFrames: (this.#pending?.lostFrames ?? 0) + lostFrames,
    };
  }

  /**
   * Frames come evenly, but the device's word of when jitters: by microseconds
   * on a card, by milliseconds on a sound server. A first-order loop follows it;
   * a jump behind a gap is followed at once, and time always goes forward, also
   * when a sound server corrects itself by more than a block.
   */
  #smoothed(measuredMs: number): number {
    const errorMs = measuredMs - this.#nextTimestampMs;
    const timestampMs = Math.abs(errorMs) > MAX_JITTER_MS
      ? measuredMs
      : this.#nextTimestampMs + errorMs * JITTER_GAIN;
    return Math.max(timestampMs, this.#lastTimestampMs + MIN_STEP_MS);
  }

  #msOf(frameCount: number): number {
    return frameCount * 1000 / this.#sampleRate;
  }
}
