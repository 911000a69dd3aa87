/**
 * Silence in the place of what was lost.
 *
 * @module
 */

import {
  type AudioFrame,
  type DiscontinuityCause,
  frameCountOf,
} from "./frame.ts";
import { type StageOutput, type StageSource, through } from "./stage.ts";
import { checkNumber } from "./validation.ts";

/** Settings of {@linkcode fillGaps}. */
export interface FillGapsOptions {
  /**
   * Longer gaps stay gaps, in milliseconds, 0–3600000: nobody wants to send an
   * hour of silence because a microphone was unplugged for an hour.
   *
   * @default {10000}
   */
  maxGapMs?: number;
}

/**
 * Fills the gaps that a device or a slow consumer left, so that whoever counts
 * samples counts time: a detector keeps its rhythm, and the `audio_start_ms` of
 * a server stays aligned with the clock. Pauses are not filled.
 *
 * Blocks of silence are marked `filled`; the block behind a filled gap has no
 * `discontinuity` any more.
 *
 * @example
 * ```ts ignore
 * import { fillGaps, openMicrophone } from "@nevil/earshot";
 *
 * await using mic = await openMicrophone();
 * for await (const frame of fillGaps(mic)) console.log(frame.position);
 * ```
 *
 * @param source The blocks.
 * @param options The longest gap to fill.
 * @returns The blocks, with silence between them.
 * @throws {RangeError} When a setting is outside its range.
 */
export function fillGaps<From extends StageSource<AudioFrame>>(
  source: From,
  options: FillGapsOptions = {},
): StageOutput<From, AudioFrame> {
  return through(source, () => {
    const { maxGapMs = 10_000 } = options;
    checkNumber("maxGapMs", maxGapMs, 0, 3_600_000);
    return {
      push: (frame) => {
        const { cause, lostFrames } = frame.discontinuity ?? NO_GAP;
        const lostMs = lostFrames * 1000 / frame.format.sampleRate;
        return cause === "paused" || lostFrames === 0 || lostMs > maxGapMs
          ? [frame]
          : filled(frame, cause, lostFrames);
      },
    };
  });
}

/** The silence before a block, and the block. */
function* filled(
  frame: AudioFrame,
  cause: DiscontinuityCause,
  lostFrames: number,
): Generator<AudioFrame> {
  const { sampleRate, channelCount } = frame.format;
  const begin = frame.position - lostFrames;
  const blockFrames = Math.max(1, frameCountOf(frame));
  for (let done = 0; done < lostFrames; done += blockFrames) {
    const frameCount = Math.min(blockFrames, lostFrames - done);
    yield {
      format: frame.format,
      samples: new Int16Array(frameCount * channelCount),
      position: begin + done,
      timestampMs: frame.timestampMs - (lostFrames - done) * 1000 / sampleRate,
      filled: cause,
    };
  }
  yield { ...frame, discontinuity: undefined };
}

const NO_GAP = { cause: "paused", lostFrames: 0 } as const;
