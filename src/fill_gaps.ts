/**
 * Silence in the place of what was lost.
 *
 * @module
 */

import { type AudioFrame, frameCountOf } from "./frame.ts";
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
export async function* fillGaps(
  source: AsyncIterable<AudioFrame>,
  options: FillGapsOptions = {},
): AsyncGenerator<AudioFrame> {
  const { maxGapMs = 10_000 } = options;
  checkNumber("maxGapMs", maxGapMs, 0, 3_600_000);
  for await (const frame of source) {
    const { sampleRate } = frame.format;
    const { cause, lostFrames } = frame.discontinuity ?? NO_GAP;
    if (
      cause === "paused" || lostFrames === 0 ||
      lostFrames > maxGapMs * sampleRate / 1000
    ) {
      yield frame;
      continue;
    }
    const begin = frame.position - lostFrames;
    const blockFrames = Math.max(1, frameCountOf(frame));
    for (let done = 0; done < lostFrames; done += blockFrames) {
      const frameCount = Math.min(blockFrames, lostFrames - done);
      yield {
        format: frame.format,
        samples: new Int16Array(frameCount * frame.format.channelCount),
        position: begin + done,
        timestampMs: frame.timestampMs -
          (lostFrames - done) * 1000 / sampleRate,
        filled: cause,
      };
    }
    yield { ...frame, discontinuity: undefined };
  }
}

const NO_GAP = { cause: "paused", lostFrames: 0 } as const;
