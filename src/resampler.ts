/**
 * Sample rate conversion with linear-phase filters that do not alias.
 *
 * Each output sample lies on the timeline of its own rate, at `j / toRate`
 * seconds, and is the weighted sum of the input samples around that moment. The
 * weights are a sinc under a Kaiser window (J. F. Kaiser, Nonrecursive digital
 * filter design using the I0-sinh window function, 1974).
 *
 * @module
 */

import { checkInteger } from "./validation.ts";

/** The filters keep aliases below this, which is under the steps of 16 bits. */
const STOP_BAND_DB = 96;

/** Where the pass band ends and the stop band begins, of half the lower rate. */
const PASS_BAND = 11 / 12;
const STOP_BAND = 13 / 12;

/** It never ends below this where the rates allow it: what speech has is below. */
const LEAST_PASS_HZ = 10_500;

/** Samples as they come in, or between two stages. */
type Samples = Int16Array | Float32Array;

/** A stage that turns samples of one rate into samples of another. */
interface Stage {
  /** Input samples on each side of an output sample that it is made of. */
  readonly reach: number;
  /**
   * Begins anew.
   *
   * @param inputPosition The place of the first input sample on its timeline.
   * @returns The place of the first output sample on its own.
   */
  reset(inputPosition: number): number;
  /**
   * Takes samples and gives those that can be made of them.
   *
   * @param input The samples.
   * @returns Samples that are valid until the next call.
   */
  push(input: Samples): Float32Array;
}

/**
 * Converts the samples of one channel, in blocks of any size. What comes out does
 * not depend on the sizes of the blocks.
 *
 * @example
 * ```ts
 * import { Resampler } from "./resampler.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const resampler = new Resampler(48_000, 24_000);
 * const first = resampler.push(new Int16Array(960));
 * const rest = resampler.flush();
 * assertEquals(first.length + rest.length, 480);
 * ```
 */
export class Resampler {
  readonly #fromRate: number;
  readonly #toRate: number;
  readonly #stages: readonly Stage[];
  #begin = 0;
  #end = 0;
  #nextOutput = 0;

  /**
   * Designs the filters.
   *
   * @param fromRate Samples per second of the input, 4000–384000.
   * @param toRate Samples per second of the output, 4000–384000.
   * @throws {RangeError} When a rate is out of range.
   */
  constructor(fromRate: number, toRate: number) {
    checkInteger("fromRate", fromRate, 4000, 384_000);
    checkInteger("toRate", toRate, 4000, 384_000);
    this.#fromRate = fromRate;
    this.#toRate = toRate;
    this.#stages = makeStages(fromRate, toRate);
    this.reset(0);
  }

  /** How far the output lags behind the input, in milliseconds. */
  get latencyMs(): number {
    let rate = this.#fromRate;
    let latencyMs = 0;
    for (const stage of this.#stages) {
      latencyMs += stage.reach * 1000 / rate;
      if (stage instanceof HalfBand) rate /= 2;
    }
    return latencyMs;
  }

  /** The place on its timeline of the output sample that is given next. */
  get position(): number {
    return this.#nextOutput;
  }

  /**
   * Forgets what came before.
   *
   * @param position The place of the next input sample on its timeline.
   */
  reset(position: number): void {
    this.#begin = this.#end = position;
    let place = position;
    for (const stage of this.#stages) place = stage.reset(place);
    this.#nextOutput = place;
  }

  /**
   * Converts samples.
   *
   * @param input PCM16 of one channel.
   * @returns The samples that can be made by now.
   */
  push(input: Int16Array): Int16Array<ArrayBuffer> {
    this.#end += input.length;
    return this.#give(this.#run(input));
  }

  /**
   * Gives what is still to come, as if silence followed, and begins anew behind
   * it.
   *
   * @returns The samples up to the end of the input.
   */
  flush(): Int16Array<ArrayBuffer> {
    const end = Math.ceil(this.#end * this.#toRate / this.#fromRate);
    const missing = end - this.#nextOutput;
    const parts: Int16Array[] = [];
    let count = 0;
    while (count < missing) {
      const part = this.#give(this.#run(new Float32Array(256)));
      parts.push(part);
      count += part.length;
    }
    const rest = new Int16Array(Math.max(0, missing));
    let filled = 0;
    for (const part of parts) {
      const used = part.subarray(0, rest.length - filled);
      rest.set(used, filled);
      filled += used.length;
    }
    this.reset(this.#end);
    return rest;
  }

  #run(input: Samples): Samples {
    let samples = input;
    for (const stage of this.#stages) samples = stage.push(samples);
    return samples;
  }

  #give(samples: Samples): Int16Array<ArrayBuffer> {
    const output = new Int16Array(samples.length);
    for (let i = 0; i < samples.length; i++) {
      const rounded = Math.round(samples[i]!);
      output[i] = rounded > 32_767
        ? 32_767
        : rounded < -32_768
        ? -32_768
        : rounded;
    }
    this.#nextOutput += output.length;
    return output;
  }
}

/** Halving is cheap, so it is done as often as it can be. */
function makeStages(fromRate: number, toRate: number): Stage[] {
  const stages: Stage[] = [];
  let rate = fromRate;
  const stopHz = toRate / 2 * STOP_BAND;
  const passHz = toRate / 2 * PASS_BAND;
  while (rate % 2 === 0 && rate / 2 >= toRate) {
    // What is cut off later need not be cut off here, unless it folds down.
    const isLast = rate / 2 === toRate;
    const foldHz = isLast ? stopHz : rate / 2 - stopHz;
    stages.push(new HalfBand((foldHz - (rate / 2 - foldHz)) / rate));
    rate /= 2;
  }
  if (rate === toRate) return stages;
  if (rate > toRate) {
    const widthHz = stopHz - passHz;
    stages.push(new Polyphase(rate, toRate, toRate / 2, widthHz));
  } else {
    const limitHz = rate / 2;
    const leastHz = limitHz > LEAST_PASS_HZ ? LEAST_PASS_HZ : 0;
    const ownPassHz = Math.max(limitHz * PASS_BAND, leastHz);
    const widthHz = 2 * (limitHz - ownPassHz);
    stages.push(new Polyphase(rate, toRate, limitHz, widthHz));
  }
  return stages;
}

/** {@linkcode HalfBand} looks so far beyond the end of its history. */
const SPARE_SAMPLES = 2;

/**
 * Samples that are still needed, with new ones behind them. They and the weights
 * have 32 bits, but stand in 64, in which everything is calculated: a filter reads
 * each of them many times, and would convert it every time.
 */
class History {
  #samples = new Float64Array(4096);
  #length = 0;

  get samples(): Float64Array {
    return this.#samples;
  }

  get length(): number {
    return this.#length;
  }

  reset(zeroCount: number): void {
    this.#length = 0;
    this.#reserve(zeroCount);
    this.#samples.fill(0, 0, zeroCount);
    this.#length = zeroCount;
  }

  append(input: Samples): void {
    this.#reserve(input.length);
    this.#samples.set(input, this.#length);
    this.#length += input.length;
  }

  drop(count: number): void {
    this.#samples.copyWithin(0, count, this.#length);
    this.#length -= count;
  }

  #reserve(count: number): void {
    const needed = this.#length + count + SPARE_SAMPLES;
    if (needed <= this.#samples.length) return;
    const larger = new Float64Array(2 * needed);
    larger.set(this.#samples.subarray(0, this.#length));
    this.#samples = larger;
  }
}

/**
 * Halves a rate. Every second weight of such a filter is zero, and the others
 * are symmetric: a quarter of the multiplications is left.
 */
class HalfBand implements Stage {
  readonly reach: number;
  /** The weights at distances 1, 3, 5, … from the middle, whose weight is 0.5. */
  readonly #weights: Float64Array;
  readonly #history = new History();
  #output = new Float32Array(2048);
  /** Where in the history the middle of the next output sample is. */
  #middle = 0;

  /** @param width The width of the transition, as a share of the input's rate. */
  constructor(width: number) {
    const pairCount = Math.ceil(kaiserLength(width) / 4);
    this.reach = 2 * pairCount - 1;
    const weights = Float64Array.from({ length: pairCount }, (_, k) => {
      const distance = 2 * k + 1;
      return sinc(distance / 2) * kaiser(distance / (this.reach + 1)) / 2;
    });
    // All weights together are 1, so that a level stays what it is.
    const sum = 2 * weights.reduce((sum, weight) => sum + weight, 0);
    this.#weights = weights.map((weight) => Math.fround(weight / sum / 2));
  }

  reset(inputPosition: number): number {
    const first = Math.ceil(inputPosition / 2);
    this.#history.reset(this.reach);
    this.#middle = this.reach + 2 * first - inputPosition;
    return first;
  }

  push(input: Samples): Float32Array {
    const history = this.#history;
    history.append(input);
    const { reach } = this;
    const count = Math.max(
      0,
      Math.ceil((history.length - reach - this.#middle) / 2),
    );
    if (this.#output.length <= count) {
      this.#output = new Float32Array(count + 1);
    }
    const output = this.#output;
    const weights = this.#weights;
    const { samples } = history;
    // Two output samples at a time share each weight, and their sums do not wait
    // for one another. The second of the last two may still lack its last input:
    // it is not counted, and made anew by the next call.
    for (let i = 0, middle = this.#middle; i < count; i += 2, middle += 4) {
      let even = samples[middle]! * 0.5;
      let odd = 0;
      let nextEven = samples[middle + 2]! * 0.5;
      let nextOdd = 0;
      let left = middle - 1;
      let right = middle + 1;
      let k = 0;
      for (; k + 1 < weights.length; k += 2) {
        const weight = weights[k]!;
        even += weight * (samples[left]! + samples[right]!);
        nextEven += weight * (samples[left + 2]! + samples[right + 2]!);
        const nextWeight = weights[k + 1]!;
        odd += nextWeight * (samples[left - 2]! + samples[right + 2]!);
        nextOdd += nextWeight * (samples[left]! + samples[right + 4]!);
        left -= 4;
        right += 4;
      }
      if (k < weights.length) {
        const weight = weights[k]!;
        even += weight * (samples[left]! + samples[right]!);
        nextEven += weight * (samples[left + 2]! + samples[right + 2]!);
      }
      output[i] = even + odd;
      output[i + 1] = nextEven + nextOdd;
    }
    this.#middle += 2 * count;
    const unused = Math.min(this.#middle - reach, history.length);
    history.drop(unused);
    this.#middle -= unused;
    return output.subarray(0, count);
  }
}

/** Converts by any ratio of whole numbers, with a set of weights per phase. */
class Polyphase implements Stage {
  readonly reach: number;
  /** The output has `#up` samples for `#down` of the input. */
  readonly #up: number;
  readonly #down: number;
  /** The weights of each phase, as long as the taps, a multiple of four. */
  readonly #weights: Float64Array;
  readonly #tapCount: number;
  readonly #history = new History();
  #output = new Float32Array(2048);
  /** Where in the history the first tap of the next output sample is. */
  #begin = 0;
  #phase = 0;

  constructor(
    fromRate: number,
    toRate: number,
    cutoffHz: number,
    widthHz: number,
  ) {
    const divisor = greatestCommonDivisor(fromRate, toRate);
    this.#up = toRate / divisor;
    this.#down = fromRate / divisor;
    const length = kaiserLength(widthHz / fromRate);
    const tapCount = this.#tapCount = 4 * Math.ceil((length + 1) / 4);
    this.reach = tapCount / 2;
    this.#weights = new Float64Array(this.#up * tapCount);
    for (let phase = 0; phase < this.#up; phase++) {
      // Where between two input samples the output sample lies.
      const fraction = phase / this.#up;
      const weights = Float64Array.from({ length: tapCount }, (_, tap) => {
        const distance = tap - (this.reach - 1) - fraction;
        return sinc(2 * cutoffHz / fromRate * distance) *
          kaiser(distance / this.reach);
      });
      const sum = weights.reduce((sum, weight) => sum + weight, 0);
      weights.forEach((weight, tap) => {
        this.#weights[phase * tapCount + tap] = Math.fround(weight / sum);
      });
    }
  }

  reset(inputPosition: number): number {
    const first = Math.ceil(inputPosition * this.#up / this.#down);
    const offset = first * this.#down - inputPosition * this.#up;
    this.#history.reset(this.reach - 1);
    this.#begin = Math.floor(offset / this.#up);
    this.#phase = offset % this.#up;
    return first;
  }

  push(input: Samples): Float32Array {
    const history = this.#history;
    history.append(input);
    const taps = this.#tapCount;
    const up = this.#up;
    const down = this.#down;
    const most = Math.ceil(history.length * up / down) + 1;
    if (this.#output.length < most) this.#output = new Float32Array(most);
    const output = this.#output;
    const weights = this.#weights;
    const { samples, length } = history;
    let begin = this.#begin;
    let phase = this.#phase;
    let count = 0;
    for (; begin + taps <= length; count++) {
      const row = phase * taps;
      let a = 0, b = 0, c = 0, d = 0;
      for (let tap = 0; tap < taps; tap += 4) {
        a += weights[row + tap]! * samples[begin + tap]!;
        b += weights[row + tap + 1]! * samples[begin + tap + 1]!;
        c += weights[row + tap + 2]! * samples[begin + tap + 2]!;
        d += weights[row + tap + 3]! * samples[begin + tap + 3]!;
      }
      output[count] = a + b + (c + d);
      phase += down;
      begin += Math.floor(phase / up);
      phase %= up;
    }
    const unused = Math.min(begin, length);
    history.drop(unused);
    this.#begin = begin - unused;
    this.#phase = phase;
    return output.subarray(0, count);
  }
}

/** Taps of a filter, from Kaiser's formula; the width is a share of the rate. */
function kaiserLength(width: number): number {
  return (STOP_BAND_DB - 7.95) / (2.285 * 2 * Math.PI * width);
}

/** Kaiser's window, at −1.0–1.0 of its half length. */
function kaiser(x: number): number {
  const beta = 0.1102 * (STOP_BAND_DB - 8.7);
  return Math.abs(x) >= 1
    ? 0
    : besselI0(beta * Math.sqrt(1 - x * x)) / besselI0(beta);
}

/** The modified Bessel function of order 0, by its series. */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
