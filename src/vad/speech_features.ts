/**
 * What the neural detector looks at: each 10 ms of audio as a few dozen numbers
 * that do not depend on how loud the microphone is.
 *
 * @module
 */

import { PowerSpectrum } from "./power_spectrum.ts";

/** Samples per second that the features are made for. */
export const FEATURE_RATE = 24_000;

/** New samples for each set of features: 10 ms. */
export const HOP = FEATURE_RATE / 100;

/** Samples under the window: 21 ms, a power of 2. */
const WINDOW = 512;

const BAND_COUNT = 24;
const LOWEST_HZ = 80;
const HIGHEST_HZ = 10_000;

/**
 * The noise floor of a band is the least of its smoothed power over 2 s, kept as
 * the least of each 200 ms (R. Martin, Noise Power Spectral Density Estimation
 * Based on Optimal Smoothing and Minimum Statistics, 2001).
 */
const FLOOR_PARTS = 10;
const FLOOR_PART_HOPS = 20;
const FLOOR_SMOOTHING = 0.7;

/**
 * Power below this is silence, per bin: that of a dither of one bit of 16, far
 * below any microphone. It keeps digital silence from being minus infinity.
 */
const SILENCE = 512 * 3 / 8 / 12 / 32_768 ** 2;

/** The periodicity is looked for at 4 kHz, where a voice's harmonics are. */
const DECIMATION = 6;
const DECIMATOR_TAPS = 48;
const PITCH_WINDOW = 128;
const SHORTEST_LAG = 9;
const LONGEST_LAG = 66;
const PITCH_HOP = HOP / DECIMATION;

/** The level of what was loud recently falls by 3 dB per second. */
const PEAK_DECAY = Math.LN10 * 0.3 / 100;

/** Numbers in one set of features. */
export const FEATURE_COUNT = 2 * BAND_COUNT + 7;

/**
 * Turns audio into features, 10 ms at a time, without allocating.
 *
 * | numbers | what |
 * |---|---|
 * | 0–23 | log power of 24 bands above their noise floor |
 * | 24–47 | log power of the bands, less their mean: the colour of the sound |
 * | 48 | their mean above the mean noise floor |
 * | 49 | their mean below what was loud recently |
 * | 50, 51 | normalised autocorrelation at the best lag of a pitch, and that lag |
 * | 52 | flatness of the bands: 0 for noise of one power in all |
 * | 53 | share of the strongest bin of the spectrum: 1 for a pure tone |
 * | 54 | its place on a logarithmic scale |
 */
export class SpeechFeatures {
  /** The features of the last 10 ms; overwritten by each push. */
  readonly values: Float64Array = new Float64Array(FEATURE_COUNT);
  /** The mean noise floor of the bands, in dBFS. */
  get noiseFloorDbfs(): number {
    return this.#floorMean * 10 / Math.LN10 - WINDOW_GAIN_DB;
  }

  readonly #spectrum = new PowerSpectrum(WINDOW);
  readonly #samples = new Float64Array(WINDOW);
  readonly #windowed = new Float64Array(WINDOW);
  readonly #power = new Float64Array(WINDOW / 2 + 1);
  readonly #logs = new Float64Array(BAND_COUNT);
  readonly #smoothed = new Float64Array(BAND_COUNT);
  readonly #floors = new Float64Array(BAND_COUNT * FLOOR_PARTS);
  readonly #decimated = new Float64Array(PITCH_WINDOW + LONGEST_LAG);
  #hopCount = 0;
  #floorMean = 0;
  #recentPeak = 0;

  /** Begins without a past. */
  constructor() {
    this.reset();
  }

  /** Forgets everything heard, before another stream. */
  reset(): void {
    this.#samples.fill(0);
    this.#decimated.fill(0);
    this.#smoothed.fill(0);
    this.#floors.fill(Infinity);
    this.#hopCount = 0;
    this.#floorMean = Math.log(SILENCE);
    this.#recentPeak = -Infinity;
    this.values.fill(0);
  }

  /**
   * Takes the next 10 ms and computes {@linkcode SpeechFeatures.values}.
   *
   * @param samples 240 mono samples at 24 kHz, −1.0–1.0; another array is not
   *   kept.
   */
  push(samples: Float64Array): void {
    this.#samples.copyWithin(0, HOP);
    this.#samples.set(samples, WINDOW - HOP);
    const windowed = this.#windowed;
    for (let i = 0; i < WINDOW; i++) {
      windowed[i] = this.#samples[i]! * HANN[i]!;
    }
    this.#spectrum.compute(windowed, this.#power);
    this.#measureBands();
    this.#measurePitch();
    this.#hopCount++;
  }

  #measureBands(): void {
    const power = this.#power;
    const logs = this.#logs;
    const values = this.values;
    const part = Math.floor(this.#hopCount / FLOOR_PART_HOPS) % FLOOR_PARTS;
    const isNewPart = this.#hopCount % FLOOR_PART_HOPS === 0;
    let strongest = 0;
    let total = 0;
    for (let bin = FIRST_BIN; bin < END_BIN; bin++) {
      total += power[bin]!;
      if (power[bin]! > power[strongest]! || strongest === 0) strongest = bin;
    }
    let sum = 0;
    let linearSum = 0;
    let floorSum = 0;
    for (let band = 0; band < BAND_COUNT; band++) {
      let energy = SILENCE;
      const end = BAND_BEGIN[band + 1]!;
      const begin = BAND_BEGIN[band]!;
      for (let bin = begin; bin < end; bin++) energy += power[bin]!;
      energy /= end - begin;
      const smoothed = this.#hopCount === 0
        ? energy
        : FLOOR_SMOOTHING * this.#smoothed[band]! +
          (1 - FLOOR_SMOOTHING) * energy;
      this.#smoothed[band] = smoothed;
      const at = band * FLOOR_PARTS;
      const floors = this.#floors;
      if (isNewPart || smoothed < floors[at + part]!) {
        floors[at + part] = smoothed;
      }
      let floor = floors[at]!;
      for (let i = 1; i < FLOOR_PARTS; i++) {
        if (floors[at + i]! < floor) floor = floors[at + i]!;
      }
      const log = logs[band] = Math.log(energy);
      const logFloor = Math.log(floor);
      sum += log;
      linearSum += energy;
      floorSum += logFloor;
      values[band] = (log - logFloor) / 4;
    }
    const mean = sum / BAND_COUNT;
    for (let band = 0; band < BAND_COUNT; band++) {
      values[BAND_COUNT + band] = (logs[band]! - mean) / 4;
    }
    this.#floorMean = floorSum / BAND_COUNT;
    this.#recentPeak = Math.max(mean, this.#recentPeak - PEAK_DECAY);
    const rest = 2 * BAND_COUNT;
    values[rest] = (mean - this.#floorMean) / 4;
    values[rest + 1] = (mean - this.#recentPeak) / 4;
    values[rest + 4] = (Math.log(linearSum / BAND_COUNT) - mean) / 4;
    values[rest + 5] = total > 0 ? power[strongest]! / total : 0;
    values[rest + 6] = Math.log2(strongest / FIRST_BIN) / 8;
  }

  #measurePitch(): void {
    const decimated = this.#decimated;
    const samples = this.#samples;
    decimated.copyWithin(0, PITCH_HOP);
    const first = WINDOW - HOP - DECIMATOR_TAPS + DECIMATION;
    for (let i = 0; i < PITCH_HOP; i++) {
      const begin = first + i * DECIMATION;
      let sum = 0;
      for (let tap = 0; tap < DECIMATOR_TAPS; tap++) {
        sum += DECIMATOR[tap]! * samples[begin + tap]!;
      }
      decimated[PITCH_WINDOW + LONGEST_LAG - PITCH_HOP + i] = sum;
    }
    let energy = 0;
    for (let i = LONGEST_LAG; i < LONGEST_LAG + PITCH_WINDOW; i++) {
      energy += decimated[i]! * decimated[i]!;
    }
    // The energy of the window that is a lag back, moved along with the lag.
    let lagged = 0;
    const from = LONGEST_LAG - SHORTEST_LAG;
    for (let i = from; i < from + PITCH_WINDOW; i++) {
      lagged += decimated[i]! * decimated[i]!;
    }
    let best = 0;
    let bestLag = SHORTEST_LAG;
    const silence = PITCH_WINDOW / 12 / 32_768 ** 2;
    for (let lag = SHORTEST_LAG; lag <= LONGEST_LAG; lag++) {
      const back = LONGEST_LAG - lag;
      let a = 0;
      let b = 0;
      for (let i = 0; i < PITCH_WINDOW; i += 2) {
        a += decimated[LONGEST_LAG + i]! * decimated[back + i]!;
        b += decimated[LONGEST_LAG + i + 1]! * decimated[back + i + 1]!;
      }
      const likeness = (a + b) /
        Math.sqrt((energy + silence) * (lagged + silence));
      if (likeness > best) {
        best = likeness;
        bestLag = lag;
      }
      if (back > 0) {
        lagged += decimated[back - 1]! ** 2 -
          decimated[back + PITCH_WINDOW - 1]! ** 2;
      }
    }
    const rest = 2 * BAND_COUNT;
    this.values[rest + 2] = best;
    this.values[rest + 3] = Math.log2(bestLag / SHORTEST_LAG) / 3;
  }
}

const HANN = Float64Array.from(
  { length: WINDOW },
  (_, i) => 0.5 - 0.5 * Math.cos(2 * Math.PI * (i + 0.5) / WINDOW),
);

/** Power of white noise of 0 dBFS in a bin, in dB. */
const WINDOW_GAIN_DB = 10 * Math.log10(WINDOW * 3 / 8);

/**
 * The first bin of each band and the one behind the last: equally wide on the
 * mel scale (2595 log10(1 + f / 700); D. O'Shaughnessy, Speech Communication,
 * 1987), but one bin at least.
 */
const BAND_BEGIN = bandBegins();
const FIRST_BIN = BAND_BEGIN[0]!;
const END_BIN = BAND_BEGIN[BAND_COUNT]!;

function bandBegins(): Uint32Array {
  const toMel = (hz: number) => Math.log10(1 + hz / 700);
  const lowest = toMel(LOWEST_HZ);
  const step = (toMel(HIGHEST_HZ) - lowest) / BAND_COUNT;
  const begins = new Uint32Array(BAND_COUNT + 1);
  for (let band = 0; band <= BAND_COUNT; band++) {
    const hz = 700 * (10 ** (lowest + band * step) - 1);
    const bin = Math.round(hz * WINDOW / FEATURE_RATE);
    begins[band] = Math.max(bin, band === 0 ? 1 : begins[band - 1]! + 1);
  }
  return begins;
}

/** A low-pass of 1.8 kHz: a sinc under a Hann window. */
const DECIMATOR = Float64Array.from({ length: DECIMATOR_TAPS }, (_, i) => {
  const cutoff = 1800 / FEATURE_RATE;
  const t = i - (DECIMATOR_TAPS - 1) / 2;
  const window = 0.5 - 0.5 * Math.cos(2 * Math.PI * (i + 0.5) / DECIMATOR_TAPS);
  return Math.sin(2 * Math.PI * cutoff * t) / (Math.PI * t) * window;
});
