/**
 * Blocks of one size made from blocks of any size.
 *
 * @module
 */

import { type AudioFrame, frameCountOf, sliceFrame } from "./frame.ts";
import { type StageOutput, type StageSource, through } from "./stage.ts";
import { checkInteger } from "./validation.ts";

/**
 * Collects blocks and gives them back in blocks of `chunkFrames`.
 *
 * A chunk never spans a hole in the stream nor the border of an utterance: what
 * was collected before one is given back as a shorter chunk. So is what was
 * collected before an interruption, which is passed on. Samples are copied
 * only when a chunk is put together from several blocks.
 *
 * Use {@linkcode rechunk} for a stream; use this class where chunks must also be
 * flushed from outside.
 */
export class Rechunker {
  readonly #chunkFrames: number;
  /** The beginning of the chunk that is being put together. */
  #first: AudioFrame | undefined;
  #buffer = new Int16Array(0);
  #bufferedFrames = 0;

  /**
   * Begins with nothing collected.
   *
   * @param chunkFrames Frames in a chunk, 1–10000000.
   * @throws {RangeError} When `chunkFrames` is outside its range.
   */
  constructor(chunkFrames: number) {
    checkInteger("chunkFrames", chunkFrames, 1, 10_000_000);
    this.#chunkFrames = chunkFrames;
  }

  /** Frames that wait for their chunk to be full. */
  get bufferedFrames(): number {
    return this.#bufferedFrames;
  }

  /**
   * Takes a block.
   *
   * @param frame The block.
   * @returns The chunks that are complete with it.
   */
  push(frame: AudioFrame): AudioFrame[] {
    const frameCount = frameCountOf(frame);
    // Nearly all blocks of nearly all streams.
    if (frameCount === this.#chunkFrames && this.#bufferedFrames === 0) {
      return [frame];
    }
    const chunks: AudioFrame[] = [];
    if (frame.discontinuity || frame.speechStart || frame.interrupted) {
      chunks.push(...this.flush());
    }
    if (frame.interrupted) {
      chunks.push(frame);
      return chunks;
    }
    let taken = 0;
    while (taken < frameCount) {
      const end = Math.min(
        taken + this.#chunkFrames - this.#bufferedFrames,
        frameCount,
      );
      const part = sliceFrame(frame, taken, end);
      taken = end;
      if (this.#bufferedFrames === 0 && this.#isChunk(part)) {
        chunks.push(part);
      } else {
        this.#append(part);
        if (this.#bufferedFrames === this.#chunkFrames) {
          chunks.push(...this.flush());
        }
      }
    }
    if (!frame.speechEnd || frameCount > 0 && this.#bufferedFrames === 0) {
      return chunks;
    }
    if (this.#first === undefined) {
      chunks.push(frame);
    } else {
      this.#first = { ...this.#first, speechEnd: true };
      chunks.push(...this.flush());
    }
    return chunks;
  }

  /**
   * Gives back what was collected, as one shorter chunk.
   *
   * @returns The chunk, or nothing when nothing was collected.
   */
  flush(): AudioFrame[] {
    const first = this.#first;
    if (first === undefined) return [];
    const length = this.#bufferedFrames * first.format.channelCount;
    const samples = this.#buffer.subarray(0, length);
    this.#first = undefined;
    this.#bufferedFrames = 0;
    return [{ ...first, samples }];
  }

  #isChunk(part: AudioFrame): boolean {
    return part.speechEnd === true ||
      frameCountOf(part) === this.#chunkFrames;
  }

  #append(part: AudioFrame): void {
    const { channelCount } = part.format;
    if (this.#first === undefined) {
      this.#first = part;
      // The last buffer belongs to whoever received the last chunk.
      this.#buffer = new Int16Array(this.#chunkFrames * channelCount);
    } else if (part.speechEnd) {
      this.#first = { ...this.#first, speechEnd: true };
    }
    this.#buffer.set(part.samples, this.#bufferedFrames * channelCount);
    this.#bufferedFrames += frameCountOf(part);
  }
}

/**
 * Makes blocks of one size.
 *
 * The last chunk, and one before a hole, the border of an utterance or a failure of
 * the source, may be shorter.
 *
 * @example From device periods to 200 ms
 * ```ts ignore
 * import { encodeBase64, openMicrophone, rechunk } from "@nevil/earshot";
 *
 * await using mic = await openMicrophone();
 * for await (const chunk of encodeBase64(rechunk(mic, 4800))) console.log(chunk);
 * ```
 *
 * @param source The blocks.
 * @param chunkFrames Frames (samples for each channel) in a chunk, 1–10000000.
 * @returns The chunks.
 * @throws {RangeError} When `chunkFrames` is outside its range.
 */
export function rechunk<From extends StageSource<AudioFrame>>(
  source: From,
  chunkFrames: number,
): StageOutput<From, AudioFrame> {
  return through(source, () => new Rechunker(chunkFrames));
}
