/**
 * The beginning of a stream.
 *
 * @module
 */

import { type AudioFrame, frameCountOf, sliceFrame } from "./frame.ts";

/**
 * Passes a stream on up to a position on its timeline, cutting the last block
 * exactly there, and then closes its source.
 *
 * @example Ten seconds
 * ```ts ignore
 * import { openMicrophone, takeFrames } from "@nevil/earshot";
 *
 * const mic = await openMicrophone();
 * for await (const frame of takeFrames(mic, 10 * 24000)) console.log(frame);
 * ```
 *
 * @param source The blocks.
 * @param endPosition The position behind the last frame; holes count as time.
 * @returns The blocks up to there.
 */
export async function* takeFrames(
  source: AsyncIterable<AudioFrame>,
  endPosition: number,
): AsyncGenerator<AudioFrame> {
  for await (const frame of source) {
    const leftFrames = endPosition - frame.position;
    const frameCount = frameCountOf(frame);
    if (leftFrames > 0) {
      yield sliceFrame(frame, 0, Math.min(frameCount, leftFrames));
    }
    if (leftFrames <= frameCount) return;
  }
}
