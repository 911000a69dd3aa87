/**
 * What flows through the pipeline: blocks of PCM16 with their place in time.
 *
 * ALSA's word "frame" means one sample for each channel at one instant. This
 * package keeps that meaning in every count (`frameCount`, `lostFrames`,
 * `position`); an {@linkcode AudioFrame} is a block of such frames.
 *
 * @module
 */

/** How samples are to be read. Samples are always 16-bit signed integers. */
export interface AudioFormat {
  /** Frames per second (Hz). */
  readonly sampleRate: number;
  /** Samples in each frame; they are interleaved. */
  readonly channelCount: number;
}

/** Why samples are missing from a stream. */
export type DiscontinuityCause =
  /** The device's ring ran over before it was read. */
  | "xrun"
  /** The machine or the device was suspended. */
  | "suspend"
  /** The consumer was too slow and the bounded channel was full. */
  | "slow_consumer";

/** A hole in the stream, marked on the first frame behind it. */
export interface Discontinuity {
  /** The reason of the hole; of several in a row, the first. */
  readonly cause: DiscontinuityCause;
  /**
   * Frames that are missing. Exact for `slow_consumer`; for `xrun` and
   * `suspend` measured from the device's timestamps.
   */
  readonly lostFrames: number;
}

/** A block of consecutive PCM16 frames. */
export interface AudioFrame {
  /**
   * Interleaved PCM16 exactly as the device gave it, `channelCount` samples a
   * frame. The block belongs to whoever receives it: it is never written to
   * again.
   */
  readonly samples: Int16Array;
  /**
   * Place of the first frame on the stream's timeline, counted in frames since
   * the start of the capture. Lost frames are counted too, so that
   * `position / sampleRate` stays true to the clock.
   */
  readonly position: number;
  /**
   * When the first frame was captured: milliseconds on the monotonic clock of
   * `performance.now()`. Add `performance.timeOrigin` for the time of day.
   */
  readonly timestampMs: number;
  /** Set on the first block behind a hole. */
  readonly discontinuity?: Discontinuity;
  /**
   * Set by a speech gate: `"start"` on the first block of an utterance, `"end"`
   * on the last one. A block marked `"end"` may hold no samples.
   */
  readonly speech?: "start" | "end";
}
