/** Sounds made by arithmetic, the same in every run: PCM16, mono, 24 kHz. */

import { Random } from "../train/random.ts";

/** Noise that is the same in every run, of a level in dBFS. */
export function noise(
  seconds: number,
  dbfs: number,
  sampleRate = 24_000,
): Int16Array {
  let state = 1;
  const peak = 32_768 * 10 ** (dbfs / 20) * Math.sqrt(3);
  return Int16Array.from({ length: seconds * sampleRate }, () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0;
    return peak * state / 2 ** 31;
  });
}

/**
 * Syllables of chance: a fricative most of the time, and a vowel, which is glottal
 * pulses of a moving pitch through formants that glide from one vowel to the next
 * (of G. Peterson and H. Barney, Control Methods Used in a Study of the Vowels,
 * 1952). It is no recording, but it has what voices have.
 */
export function voice(seconds: number, peak: number): Int16Array {
  const rate = 24_000;
  const vowels = [
    [730, 1090, 2440],
    [270, 2290, 3010],
    [530, 1840, 2480],
    [570, 840, 2410],
    [300, 870, 2240],
    [660, 1720, 2410],
  ];
  const bandwidths = [70, 100, 150];
  const random = new Random(2);
  const samples = new Float64Array(seconds * rate);
  const memory = new Float64Array(6);
  const formants = [...vowels[0]!];
  let phase = 0;
  let lastWhite = 0;
  let begin = 0;
  while (begin < samples.length) {
    const vowelLength = Math.floor(rate * random.between(0.08, 0.2));
    const hissLength = random.chance(0.7)
      ? Math.floor(rate * random.between(0.05, 0.1))
      : 0;
    const vowel = random.pick(vowels);
    const pitch = random.between(95, 155);
    const slope = random.between(-40, 20);
    const loudness = random.between(0.5, 1);
    const end = Math.min(begin + hissLength + vowelLength, samples.length);
    for (let i = begin; i < end; i++) {
      const white = random.between(-1, 1);
      const high = white - lastWhite;
      lastWhite = white;
      const hissed = i - begin;
      if (hissed < hissLength) {
        samples[i] = 3 * high * Math.sin(Math.PI * hissed / hissLength);
        continue;
      }
      const place = (hissed - hissLength) / vowelLength;
      phase += (pitch + slope * place) * (1 + 0.02 * white) / rate;
      if (phase >= 1) phase -= 1;
      const pulse = phase < 0.4 ? 50 * phase ** 2 * (0.4 - phase) : 0;
      const source = pulse - 0.08 + 0.02 * white;
      let sum = 0;
      for (let k = 0; k < 3; k++) {
        formants[k]! += (vowel[k]! - formants[k]!) / (0.03 * rate);
        const r = Math.exp(-Math.PI * bandwidths[k]! / rate);
        const y = source - r * r * memory[2 * k + 1]! +
          2 * r * Math.cos(2 * Math.PI * formants[k]! / rate) * memory[2 * k]!;
        memory[2 * k + 1] = memory[2 * k]!;
        memory[2 * k] = y;
        sum += y / (k + 1);
      }
      const swell = Math.sin(Math.PI * Math.max(0.02, place)) ** 0.5;
      samples[i] = loudness * sum * swell;
    }
    begin = end + (random.chance(0.15) ? Math.floor(0.08 * rate) : 0);
  }
  const loudest = samples.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return Int16Array.from(samples, (value) => peak * 32_767 * value / loudest);
}

/** Puts sounds behind one another. */
export function joined(...parts: Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]));
}
