/**
 * What is done to audio before anything listens to it.
 *
 * @module
 */

import { blockDc } from "./dc_block.ts";
import type { AudioFrame } from "./frame.ts";
import { applyGain, autoGain } from "./gain.ts";
import type { StageOutput, StageSource } from "./stage.ts";

/** Settings of {@linkcode frontEnd}. All are off, so that audio stays bit-exact. */
export interface FrontEndOptions {
  /**
   * Whether DC and rumble are removed: see `blockDc()`.
   *
   * @default {false}
   */
  dcBlock?: boolean;
  /**
   * Makes audio louder or quieter by so many dB, −60–60: see `applyGain()`.
   *
   * @default {0}
   */
  gainDb?: number;
  /**
   * Whether voices are brought slowly to one level: see `autoGain()`.
   *
   * @default {false}
   */
  autoGain?: boolean;
}

/**
 * Puts those stages behind one another that are asked for.
 *
 * @param source The blocks.
 * @param options What is asked for.
 * @returns The blocks as they leave the last stage; `source` without any.
 * @throws {RangeError} When a setting is out of range, at the first block.
 */
export function frontEnd<From extends StageSource<AudioFrame>>(
  source: From,
  options: FrontEndOptions,
): From | StageOutput<From, AudioFrame> {
  let frames: StageSource<AudioFrame> = source;
  if (options.dcBlock) frames = blockDc(frames);
  if (options.gainDb) frames = applyGain(frames, options.gainDb);
  if (options.autoGain) frames = autoGain(frames);
  return frames as From | StageOutput<From, AudioFrame>;
}
