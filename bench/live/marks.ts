/**
 * Reads the marks in the signal, which `marks.h` describes: when each sample was
 * captured, and what is missing.
 *
 * @module
 */

/** As in `marks.h`. */
const BLOCK_MS = 10;
const SYNC_SIGNS = 0xb2;
const BIT_FRAMES = 32;
const CHECK = 0x5a;

/** Halfway between the levels of the pattern and of all else. */
const SYNC_LEAST = 14_000;

/** A latency is taken of so many samples of every block, evenly spread. */
const POINTS_PER_BLOCK = 10;

/** What was received, from the first mark on. */
export interface MarkCounts {
  /** Samples that are missing. */
  readonly lostSamples: number;
  /** Samples that nobody played: repeated, or silence in place of lost ones. */
  readonly addedSamples: number;
}

/** Where in the stream a message ends, and when it came. */
interface Arrival {
  readonly endFrames: number;
  readonly receivedMs: number;
}

/** Reads a stream of the signal. */
export class MarkReader {
  /** When points of the signal came in, in milliseconds of the receiver's clock. */
  readonly receivedMs: number[] = [];
  /**
   * How late each of them was, in milliseconds, for a signal that began at 0 of
   * the receiver's clock: less the true beginning it is the latency.
   */
  readonly lateMs: number[] = [];
  readonly #blockFrames: number;
  readonly #arrivals: Arrival[] = [];
  #frames = 0;
  /** The signs of the last loud samples: a whole pattern is 8 of them. */
  #loudSigns = 0;
  #loudFrames = 0;
  /** How many bits of a mark are still to come, and those that came. */
  #bitsLeft = 0;
  #bits = 0;
  #last: { readonly number: number; readonly startFrames: number } | undefined;
  #lostSamples = 0;
  #addedSamples = 0;

  /** @param sampleRate Hz. */
  constructor(sampleRate: number) {
    this.#blockFrames = sampleRate * BLOCK_MS / 1000;
  }

  /** What is missing, and what is too much. */
  get counts(): MarkCounts {
    return {
      lostSamples: this.#lostSamples,
      addedSamples: this.#addedSamples,
    };
  }

  /**
   * Reads a message.
   *
   * @param samples Its samples.
   * @param receivedMs When it came.
   */
  push(samples: Int16Array, receivedMs: number): void {
    const firstFrames = this.#frames;
    this.#frames += samples.length;
    this.#arrivals.push({ endFrames: this.#frames, receivedMs });
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i]!;
      if (this.#bitsLeft > 0) {
        this.#bits = this.#bits << 1 | (sample > 0 ? 1 : 0);
        if (--this.#bitsLeft === 0) this.#take(firstFrames + i);
      } else if (Math.abs(sample) > SYNC_LEAST) {
        this.#loudSigns = (this.#loudSigns << 1 | (sample > 0 ? 1 : 0)) & 0xff;
        if (++this.#loudFrames >= 8 && this.#loudSigns === SYNC_SIGNS) {
          this.#loudFrames = 0;
          this.#bitsLeft = BIT_FRAMES;
        }
      } else this.#loudFrames = 0;
    }
  }

  /** Takes the mark whose last sample is at a place of the stream. */
  #take(lastFrames: number): void {
    const number = this.#bits >>> 8;
    const check = (number ^ number >> 8 ^ number >> 16 ^ CHECK) & 0xff;
    // A mark that a hole goes through; the next one tells how long it is.
    if (check !== (this.#bits & 0xff)) return;
    const startFrames = lastFrames - BIT_FRAMES - 8 + 1;
    if (this.#last !== undefined) {
      const { number: lastNumber, startFrames: lastStart } = this.#last;
      const missing = (number - lastNumber) * this.#blockFrames -
        (startFrames - lastStart);
      if (missing > 0) this.#lostSamples += missing;
      else this.#addedSamples -= missing;
      if (missing === 0 && number === lastNumber + 1) {
        this.#time(lastNumber, lastStart);
      }
    }
    this.#last = { number, startFrames };
    while (this.#arrivals[0]!.endFrames <= startFrames) this.#arrivals.shift();
  }

  /** Takes the times of a block that is known to be whole. */
  #time(number: number, startFrames: number): void {
    let arrival = 0;
    for (let point = 0; point < POINTS_PER_BLOCK; point++) {
      const share = point / POINTS_PER_BLOCK;
      const frames = startFrames + share * this.#blockFrames;
      while (this.#arrivals[arrival]!.endFrames <= frames) arrival++;
      const { receivedMs } = this.#arrivals[arrival]!;
      this.receivedMs.push(receivedMs);
      this.lateMs.push(receivedMs - (number + share) * BLOCK_MS);
    }
  }
}
