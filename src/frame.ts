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

/** Why a device did not give samples that were there to be heard. */
export type LossCause =
  /** The device's ring ran over before it was read. */
  | "xrun"
  /** The machine or the device was suspended. */
  | "suspend"
  /** The device reported an error and was started again. */
  | "error"
  /** The device was gone, or failed, and was opened again. */
  | "device_lost"
  /** The device gave nothing, or only digital silence, and was opened again. */
  | "stall";

/** Why samples are missing from a stream. */
export type DiscontinuityCause =
  | LossCause
  /** The consumer was too slow and the bounded channel was full. */
  | "slow_consumer"
  /** The user paused; what was captured meanwhile was left out. */
  | "paused";

/** A hole in the stream, marked on the first frame behind it. */
export interface Discontinuity {
  /** The reason of the hole; of several in a row, the first. */
  readonly cause: DiscontinuityCause;
  /**
   * Frames that are missing. Exact for `slow_consumer` and `paused`; for the
   * others measured from the device's timestamps.
   */
  readonly lostFrames: number;
}

/** A block of consecutive PCM16 frames. */
export interface AudioFrame {
  /** How `samples` are to be read. */
  readonly format: AudioFormat;
  /**
   * Interleaved PCM16 exactly as the device gave it, `channelCount` samples a
   * frame. The block belongs to whoever receives it: it is never written to
   * again. Its buffer may hold others, too: copy the block (`slice()`) before you
   * transfer it.
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
   * Set on a block without samples: the device is gone or stalled, and nobody
   * knows for how long. What is under way, such as an utterance, ends here.
   */
  readonly interrupted?: boolean;
  /** Set on silence that stands for lost samples: why they were lost. */
  readonly filled?: DiscontinuityCause;
  /** Set by a speech gate on the first block of an utterance. */
  readonly speechStart?: boolean;
  /**
   * Set by a speech gate on the last block of an utterance, which may hold no
   * samples.
   */
  readonly speechEnd?: boolean;
}

/**
 * Counts the frames in a block.
 *
 * @param frame The block.
 * @returns Frames (samples for each channel).
 */
export function frameCountOf(frame: AudioFrame): number {
  return frame.samples.length / frame.format.channelCount;
}

/**
 * Cuts a part out of a block without copying its samples.
 *
 * The marks stay with the part they belong to: `discontinuity` and
 * `speechStart` with the first frame, `speechEnd` with the last one.
 *
 * @param frame The block.
 * @param begin The part's first frame.
 * @param end The frame behind the part's last one.
 * @returns The part; its place in time is its own.
 */
export function sliceFrame(
  frame: AudioFrame,
  begin: number,
  end: number,
): AudioFrame {
  const frameCount = frameCountOf(frame);
  if (begin === 0 && end === frameCount) return frame;
  const { sampleRate, channelCount } = frame.format;
  return {
    format: frame.format,
    samples: frame.samples.subarray(begin * channelCount, end * channelCount),
    position: frame.position + begin,
    timestampMs: frame.timestampMs + begin * 1000 / sampleRate,
    discontinuity: begin === 0 ? frame.discontinuity : undefined,
    filled: frame.filled,
    speechStart: begin === 0 ? frame.speechStart : undefined,
    speechEnd: end === frameCount ? frame.speechEnd : undefined,
  };
}
