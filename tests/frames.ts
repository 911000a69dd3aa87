/** Hand-made streams for the tests of stages. */

import type { AudioFormat, AudioFrame } from "../src/frame.ts";

export const MONO: AudioFormat = { sampleRate: 24_000, channelCount: 1 };

/** A block at a position, stamped as if captured at the stroke of time 0. */
export function frameOf(
  samples: ArrayLike<number>,
  position: number,
  marks: Partial<AudioFrame> = {},
): AudioFrame {
  const format = marks.format ?? MONO;
  return {
    format,
    samples: Int16Array.from(samples),
    position,
    timestampMs: position * 1000 / format.sampleRate,
    ...marks,
  };
}

/** Consecutive blocks of given sizes that count 0, 1, 2, … */
export function counting(sizes: readonly number[]): AudioFrame[] {
  let position = 0;
  return sizes.map((size) => {
    const samples = Array.from({ length: size }, (_, i) => position + i);
    const frame = frameOf(samples, position);
    position += size;
    return frame;
  });
}

/** A stream of blocks. */
export async function* streamOf(
  frames: Iterable<AudioFrame>,
): AsyncGenerator<AudioFrame> {
  yield* frames;
}

/** Collects what a stream yields until it ends. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of source) values.push(value);
  return values;
}
