/**
 * A minute that a detector takes for somebody who speaks, pauses and goes on: the
 * input of the benches.
 *
 * @module
 */

import type { AudioFrame } from "../mod.ts";
import { noise, voice } from "../tests/sounds.ts";

/** How the minute is to be read. */
export const FORMAT = { sampleRate: 24_000, channelCount: 1 } as const;

/** A sentence, and when the next one begins. */
const SENTENCE_S = 3.5;
const SENTENCE_EVERY_S = 6;

/**
 * Makes a minute of sentences in a quiet room, the same in every run.
 *
 * @returns PCM16, mono, 24 kHz.
 */
export function speechlikeMinute(): Int16Array<ArrayBuffer> {
  const minute = Int16Array.from(noise(60, -60, FORMAT.sampleRate));
  const spoken = voice(60, 0.4);
  for (let i = 0; i < minute.length; i++) {
    const isSpeaking = i / FORMAT.sampleRate % SENTENCE_EVERY_S < SENTENCE_S;
    if (isSpeaking) minute[i]! += spoken[i]!;
  }
  return minute;
}

/**
 * Cuts the minute into blocks.
 *
 * @param blockFrames Frames in a block.
 * @returns The blocks.
 */
export function speechlikeFrames(blockFrames: number): AudioFrame[] {
  const minute = speechlikeMinute();
  const count = Math.floor(minute.length / blockFrames);
  return Array.from({ length: count }, (_, i) => {
    const position = i * blockFrames;
    return {
      format: FORMAT,
      samples: minute.subarray(position, position + blockFrames),
      position,
      timestampMs: position * 1000 / FORMAT.sampleRate,
    };
  });
}

/**
 * Takes turns: no bench sees the same values again and again.
 *
 * @param values What is given.
 * @returns A function that gives one after the other, without end.
 */
export function inTurn<T>(values: readonly T[]): () => T {
  let next = 0;
  return () => values[next++ % values.length]!;
}
