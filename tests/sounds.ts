/** Sounds made by arithmetic, the same in every run: PCM16, mono, 24 kHz. */

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
 * A synthesised vowel sequence: glottal pulses of a falling pitch through moving
 * formants, in syllables. It is no recording, but it has what voices have.
 */
export function voice(seconds: number, peak: number): Int16Array {
  const rate = 24_000;
  const samples = new Float64Array(seconds * rate);
  const formants = [[700, 1200, 2600], [300, 2200, 3000], [500, 900, 2400]];
  const states = new Float64Array(6);
  let phase = 0;
  for (let i = 0; i < samples.length; i++) {
    const t = i / rate;
    const syllable = Math.floor(t * 5);
    const place = t * 5 - syllable;
    phase += (130 - 25 * (t % 1) + 6 * Math.sin(13 * t)) / rate;
    if (phase >= 1) phase -= 1;
    let value = phase < 0.1 ? Math.sin(Math.PI * phase / 0.1) : -0.06;
    const target = formants[syllable % 3]!;
    let sum = 0;
    for (let k = 0; k < 3; k++) {
      const w = 2 * Math.PI * target[k]! / rate;
      const r = 1 - 0.008 * (k + 1);
      const y = value + 2 * r * Math.cos(w) * states[2 * k]! -
        r * r * states[2 * k + 1]!;
      states[2 * k + 1] = states[2 * k]!;
      states[2 * k] = y;
      sum += y / (k + 1);
    }
    value = sum;
    samples[i] = value * Math.sin(Math.PI * Math.min(1, place * 1.25)) ** 0.5;
  }
  const loudest = samples.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return Int16Array.from(samples, (value) => peak * 32_767 * value / loudest);
}

/** Puts sounds behind one another. */
export function joined(...parts: Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]));
}
