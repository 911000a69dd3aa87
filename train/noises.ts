/**
 * Noises made by arithmetic: as many kinds as we could think of, so that the
 * network learns what speech is and not what a few noises are.
 *
 * @module
 */

import type { Random } from "./random.ts";

const RATE = 24_000;

/** Makes `count` samples of a noise; their level does not matter. */
export type Noise = (random: Random, count: number) => Float32Array;

/** What a noise is filed under in tables and in the leave-one-out runs. */
export type NoiseGroup = "steady" | "household" | "tones" | "speech-like";

/** A kind of noise. */
export interface NoiseKind {
  readonly group: NoiseGroup;
  readonly make: Noise;
}

/** Every kind, by name. */
export const NOISES: Readonly<Record<string, NoiseKind>> = {
  white: { group: "steady", make: white },
  pink: { group: "steady", make: pink },
  brown: { group: "steady", make: brown },
  coloured: { group: "steady", make: coloured },
  "speech-shaped": { group: "steady", make: speechShaped },
  fan: { group: "steady", make: fan },
  hum: { group: "steady", make: hum },
  buzz: { group: "steady", make: buzz },
  fridge: { group: "household", make: fridge },
  vacuum: { group: "household", make: vacuum },
  engine: { group: "household", make: engine },
  rain: { group: "household", make: rain },
  wind: { group: "household", make: wind },
  water: { group: "household", make: water },
  traffic: { group: "household", make: traffic },
  keyboard: { group: "household", make: keyboard },
  clicks: { group: "household", make: clicks },
  clock: { group: "household", make: clock },
  dishes: { group: "household", make: dishes },
  knocks: { group: "household", make: knocks },
  machine: { group: "household", make: machine },
  swirl: { group: "household", make: swirl },
  drill: { group: "household", make: drill },
  applause: { group: "household", make: applause },
  crackle: { group: "household", make: crackle },
  rustle: { group: "household", make: rustle },
  tones: { group: "tones", make: tones },
  beeps: { group: "tones", make: beeps },
  ringing: { group: "tones", make: ringing },
  sirens: { group: "tones", make: sirens },
  birds: { group: "tones", make: birds },
  melody: { group: "tones", make: melody },
  chords: { group: "tones", make: chords },
  bells: { group: "tones", make: bells },
  "modulated-noise": { group: "speech-like", make: modulatedNoise },
  "modulated-tones": { group: "speech-like", make: modulatedTones },
  howls: { group: "speech-like", make: howls },
};

function generate(count: number, next: (i: number) => number): Float32Array {
  const samples = new Float32Array(count);
  for (let i = 0; i < count; i++) samples[i] = next(i);
  return samples;
}

function white(random: Random, count: number): Float32Array {
  return generate(count, () => random.next() * 2 - 1);
}

/** P. Kellet's filter of white noise, accurate to 0.05 dB. */
function pink(random: Random, count: number): Float32Array {
  let [a, b, c] = [0, 0, 0];
  return generate(count, () => {
    const input = random.next() * 2 - 1;
    a = 0.99765 * a + input * 0.099046;
    b = 0.963 * b + input * 0.2965164;
    c = 0.57 * c + input * 1.0526913;
    return a + b + c + input * 0.1848;
  });
}

function brown(random: Random, count: number): Float32Array {
  let level = 0;
  return generate(count, () => {
    level = 0.998 * level + (random.next() * 2 - 1) * 0.06;
    return level;
  });
}

/** White noise through two resonances or shelves of chance. */
function coloured(random: Random, count: number): Float32Array {
  const samples = white(random, count);
  const times = 1 + random.below(3);
  for (let i = 0; i < times; i++) {
    const band = resonance(
      random.magnitude(80, 9000),
      random.magnitude(0.3, 4),
    );
    const dry = random.between(0, 0.4);
    for (let k = 0; k < count; k++) {
      samples[k] = dry * samples[k]! + band(samples[k]!);
    }
  }
  return samples;
}

function speechShaped(random: Random, count: number): Float32Array {
  const samples = white(random, count);
  const low = lowPass(random.between(400, 900));
  const low2 = lowPass(random.between(2000, 4000));
  const high = highPass(random.between(80, 150));
  return samples.map((sample) => high(low2(low(sample))));
}

function fan(random: Random, count: number): Float32Array {
  const air = random.chance(0.5) ? pink(random, count) : brown(random, count);
  const hz = random.magnitude(15, 220);
  const share = random.between(0.05, 1);
  const drift = walk(random, 0.004);
  let phase = 0;
  const partials = partialsOf(random, 8, random.between(0.7, 2));
  return air.map((sample) => {
    phase += 2 * Math.PI * hz * (1 + drift()) / RATE;
    return sample * (1 + 0.2 * Math.sin(phase)) + share * partials(phase) * 0.3;
  });
}

function hum(random: Random, count: number): Float32Array {
  const hz = random.pick([50, 60, 100, 120]) * random.between(0.998, 1.002);
  const partials = partialsOf(
    random,
    4 + random.below(30),
    random.between(0.2, 1.6),
  );
  const hiss = random.magnitude(0.001, 0.1);
  return generate(
    count,
    (i) =>
      partials(2 * Math.PI * hz * i / RATE) + hiss * (random.next() * 2 - 1),
  );
}

/** Pulses of a shape of chance, as steady as the mains, through what they shake. */
function buzz(random: Random, count: number): Float32Array {
  const hz = random.chance(0.6)
    ? random.pick([50, 60, 100, 120])
    : random.magnitude(40, 500);
  const shape = new Float32Array(1024);
  const strokes = 1 + random.below(3);
  for (let i = 0; i < strokes; i++) {
    const begin = random.next();
    const rise = random.magnitude(0.001, 0.2);
    const fall = random.magnitude(0.005, 0.5);
    const loudness = random.between(-1, 1);
    for (let k = 0; k < shape.length; k++) {
      const place = (k / shape.length + begin) % 1;
      shape[k]! += loudness *
        (place < rise ? place / rise : Math.exp((rise - place) / fall));
    }
  }
  const bands = Array.from(
    { length: random.below(4) },
    () => resonance(random.magnitude(200, 8000), random.magnitude(0.5, 8)),
  );
  const dull = lowPass(random.magnitude(1000, 11_000));
  const dry = random.next();
  const drift = walk(random, random.pick([0, 0, 0.002, 0.02]));
  const hiss = random.magnitude(0.0003, 0.1);
  const high = highPass(30);
  let phase = 0;
  return generate(count, () => {
    phase = (phase + hz * (1 + drift()) / RATE) % 1;
    const pulse = dull(shape[Math.floor(phase * shape.length)]!);
    let sample = bands.length === 0 ? pulse : dry * pulse;
    for (const band of bands) sample += band(pulse);
    return high(sample) + hiss * (random.next() * 2 - 1);
  });
}

/** A compressor: hum, rattle, and it switches itself on and off. */
function fridge(random: Random, count: number): Float32Array {
  const motor = hum(random, count);
  const rattle = brown(random, count);
  const period = random.between(4, 30) * RATE;
  const offset = random.next() * period;
  let level = 0;
  return motor.map((sample, i) => {
    const isOn = ((i + offset) / period) % 1 < 0.7;
    level += ((isOn ? 1 : 0.03) - level) * 0.0003;
    return level * (sample + 0.5 * rattle[i]!);
  });
}

function vacuum(random: Random, count: number): Float32Array {
  const air = coloured(random, count);
  const whine = engineOf(random, random.magnitude(150, 700), 0.02);
  const share = random.between(0.1, 0.8);
  return air.map((sample) => sample + share * whine());
}

function engine(random: Random, count: number): Float32Array {
  const run = engineOf(
    random,
    random.magnitude(20, 180),
    random.between(0.02, 0.3),
  );
  const air = brown(random, count);
  return air.map((sample) => run() + 0.4 * sample);
}

function rain(random: Random, count: number): Float32Array {
  const high = highPass(random.between(500, 2500));
  const samples = white(random, count).map((sample) => 0.3 * high(sample));
  const drops = random.magnitude(20, 600) * count / RATE;
  for (let i = 0; i < drops; i++) {
    ring(
      samples,
      random.below(count),
      random.magnitude(800, 8000),
      random.magnitude(0.001, 0.01),
      random.magnitude(0.1, 2),
      random,
    );
  }
  return samples;
}

function wind(random: Random, count: number): Float32Array {
  const gust = walk(random, 1, 0.4);
  const low = lowPass(random.magnitude(80, 700));
  const low2 = lowPass(random.magnitude(200, 1500));
  return white(random, count).map((sample) =>
    low2(low(sample)) * Math.exp(2 * gust())
  );
}

/** A tap: hiss with many short rising resonances, as of bubbles. */
function water(random: Random, count: number): Float32Array {
  const samples = coloured(random, count);
  const bubbles = random.magnitude(10, 200) * count / RATE;
  for (let i = 0; i < bubbles; i++) {
    chirp(
      samples,
      random.below(count),
      random.magnitude(0.005, 0.05),
      random.magnitude(400, 3000),
      random.between(1, 1.6),
      random.magnitude(0.1, 1.5),
    );
  }
  return samples;
}

function traffic(random: Random, count: number): Float32Array {
  const samples = brown(random, count).map((sample) => sample * 0.2);
  const cars = 1 + count / RATE / random.between(3, 10);
  for (let i = 0; i < cars; i++) {
    const middle = random.below(count);
    const width = random.between(0.5, 3) * RATE;
    const noise = coloured(random, Math.floor(4 * width));
    for (let k = 0; k < noise.length; k++) {
      const at = Math.floor(middle + k - 2 * width);
      if (at < 0 || at >= count) continue;
      samples[at]! += noise[k]! * Math.exp(-(((k - 2 * width) / width) ** 2));
    }
  }
  return samples;
}

function keyboard(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  let at = 0;
  const speed = random.between(0.06, 0.3);
  const body = random.magnitude(300, 2500);
  while (at < count) {
    at += Math.floor(RATE * speed * random.magnitude(0.4, 3));
    if (random.chance(0.08)) at += Math.floor(RATE * random.between(0.5, 3));
    burst(
      samples,
      at,
      random.magnitude(0.002, 0.02),
      random.magnitude(0.3, 1),
      random,
    );
    ring(
      samples,
      at,
      body * random.between(0.8, 1.25),
      random.magnitude(0.004, 0.03),
      random.between(0.3, 1),
      random,
    );
    burst(
      samples,
      at + Math.floor(RATE * random.between(0.04, 0.12)),
      0.005,
      random.between(0.1, 0.6),
      random,
    );
  }
  return samples;
}

function clicks(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const total = random.magnitude(0.5, 20) * count / RATE;
  for (let i = 0; i < total; i++) {
    const at = random.below(count);
    if (random.chance(0.5)) samples[at] = random.between(-1, 1);
    else {burst(
        samples,
        at,
        random.magnitude(0.0003, 0.01),
        random.between(0.2, 1),
        random,
      );}
  }
  return samples;
}

function clock(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const period = RATE * random.pick([0.2, 0.25, 0.5, 1]);
  const hz = random.magnitude(900, 6000);
  const length = random.magnitude(0.002, 0.03);
  for (let at = random.below(period), i = 0; at < count; at += period, i++) {
    ring(samples, Math.floor(at), hz * (i % 2 ? 1 : 0.8), length, 1, random);
  }
  return samples;
}

function dishes(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const total = random.magnitude(0.5, 8) * count / RATE;
  for (let i = 0; i < total; i++) {
    const at = random.below(count);
    const loudness = random.magnitude(0.05, 1);
    const base = random.magnitude(900, 4000);
    for (let mode = 0; mode < 5; mode++) {
      ring(
        samples,
        at,
        base * (1 + mode * random.between(0.3, 0.9)),
        random.magnitude(0.02, 0.4),
        loudness / (1 + mode),
        random,
      );
    }
    burst(samples, at, 0.004, loudness, random);
  }
  return samples;
}

function knocks(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  let at = random.below(RATE);
  const gap = random.between(0.15, 0.9);
  while (at < count) {
    const hz = random.magnitude(70, 500);
    ring(samples, at, hz, random.magnitude(0.02, 0.12), 1, random);
    ring(
      samples,
      at,
      hz * random.between(1.5, 3),
      random.magnitude(0.01, 0.06),
      0.5,
      random,
    );
    burst(
      samples,
      at,
      random.magnitude(0.003, 0.04),
      random.between(0.05, 0.4),
      random,
    );
    at += Math.floor(RATE * gap * random.between(0.9, 1.15));
    if (random.chance(0.15)) at += random.below(3 * RATE);
  }
  return samples;
}

function drill(random: Random, count: number): Float32Array {
  const motor = engineOf(random, random.magnitude(60, 500), 0.05);
  const noise = coloured(random, count);
  const gate = bursts(random, 0.4, 4, 0.3, 3);
  return noise.map((sample) => gate() * (motor() + 0.5 * sample));
}

/** A motor that is switched on and off, and takes its time to get there. */
function machine(random: Random, count: number): Float32Array {
  const noise = coloured(random, count);
  const hz = random.magnitude(40, 900);
  const partials = partialsOf(
    random,
    4 + random.below(30),
    random.between(0.3, 1.4),
  );
  const share = random.magnitude(0.1, 3);
  const inertia = random.magnitude(0.00005, 0.002);
  const longest = random.magnitude(1, 20);
  let [speed, target, rest, phase] = [0, 0, 0, 0];
  return noise.map((sample) => {
    if (rest-- <= 0) {
      target = target === 0 || random.chance(0.3) ? random.between(0.5, 1) : 0;
      rest = RATE * random.between(0.3, longest);
    }
    speed += (target - speed) * inertia;
    phase += 2 * Math.PI * hz * speed / RATE;
    return speed * (sample + share * 0.2 * partials(phase));
  });
}

/** A drum that turns: noise that comes and goes in a slow rhythm. */
function swirl(random: Random, count: number): Float32Array {
  const first = coloured(random, count);
  const second = coloured(random, count);
  const hz = random.magnitude(0.2, 6);
  const sharpness = random.magnitude(0.5, 8);
  const base = random.between(0, 0.6);
  return first.map((sample, i) => {
    const swing = (0.5 + 0.5 * Math.sin(2 * Math.PI * hz * i / RATE)) **
      sharpness;
    return sample * (base + (1 - base) * swing) + 0.5 * base * second[i]!;
  });
}

function applause(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const total = random.magnitude(10, 300) * count / RATE;
  for (let i = 0; i < total; i++) {
    const at = random.below(count);
    const loudness = random.magnitude(0.1, 1);
    burst(samples, at, random.magnitude(0.003, 0.02), loudness, random);
    ring(samples, at, random.magnitude(600, 2500), 0.005, loudness, random);
  }
  return samples;
}

function crackle(random: Random, count: number): Float32Array {
  const rate = random.magnitude(0.0005, 0.03);
  const low = lowPass(random.magnitude(2000, 11_000));
  return generate(
    count,
    () =>
      low(random.chance(rate) ? random.normal() : 0) + 0.002 * random.normal(),
  );
}

/** Paper, cloth, a hand on the microphone. */
function rustle(random: Random, count: number): Float32Array {
  const noise = coloured(random, count);
  const gate = bursts(random, 0.02, 0.6, 0.03, 1.5);
  const grain = walk(random, 0.9, 60);
  return noise.map((sample) => sample * gate() * Math.exp(1.5 * grain()));
}

/** Steady sines, one or several, that change now and then. */
function tones(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  let at = 0;
  while (at < count) {
    const length = Math.floor(RATE * random.magnitude(0.3, 20));
    const voices = 1 + random.below(3);
    for (let v = 0; v < voices; v++) {
      tone(
        samples,
        at,
        length,
        random.magnitude(80, 8000),
        random.between(0.2, 1),
        random.chance(0.3) ? random.between(0, 0.05) : 0,
      );
    }
    at += length;
  }
  return samples;
}

function beeps(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const hz = [random.magnitude(300, 4500), random.magnitude(300, 4500)];
  const low = [697, 770, 852, 941];
  const high = [1209, 1336, 1477, 1633];
  const isDtmf = random.chance(0.35);
  const length = RATE * random.magnitude(0.04, 0.6);
  const pause = RATE * random.magnitude(0.04, 1.5);
  let at = random.below(RATE);
  while (at < count) {
    if (isDtmf) {
      tone(samples, at, length, random.pick(low), 0.7, 0);
      tone(samples, at, length, random.pick(high), 0.7, 0);
    } else {tone(
        samples,
        at,
        length,
        random.pick(hz),
        1,
        0,
        random.pick([0, 0, 0.3]),
      );}
    at += Math.floor(length + pause * random.pick([1, 1, 1, 3]));
  }
  return samples;
}

function ringing(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const hz = random.magnitude(350, 2200);
  const ratio = random.between(1.05, 1.35);
  const warble = random.between(10, 30);
  const on = random.between(0.4, 2);
  const off = random.between(0.3, 4);
  let phase = 0;
  const partials = partialsOf(random, 1 + random.below(5), 1.2);
  const offset = random.between(0, on + off);
  return samples.map((_, i) => {
    const t = i / RATE + offset;
    if (t % (on + off) > on) return 0;
    const isHigh = (t * warble) % 1 < 0.5;
    phase += 2 * Math.PI * hz * (isHigh ? ratio : 1) / RATE;
    return partials(phase);
  });
}

function sirens(random: Random, count: number): Float32Array {
  const low = random.magnitude(300, 900);
  const high = low * random.between(1.3, 2.5);
  const period = random.magnitude(0.2, 6);
  const shape = random.below(3);
  const partials = partialsOf(random, 1 + random.below(6), 1.2);
  let phase = 0;
  return generate(count, (i) => {
    const t = (i / RATE / period) % 1;
    const place = [t, t < 0.5 ? 0 : 1, 0.5 - 0.5 * Math.cos(2 * Math.PI * t)][
      shape
    ]!;
    phase += 2 * Math.PI * (low + (high - low) * place) / RATE;
    return partials(phase);
  });
}

function birds(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  let at = 0;
  while (at < count) {
    const hz = random.magnitude(1200, 7000);
    const length = random.magnitude(0.02, 0.3);
    const ratio = random.between(0.6, 1.6);
    const times = 1 + random.below(8);
    const loudness = random.magnitude(0.1, 1);
    for (let i = 0; i < times; i++) {
      chirp(samples, at, length, hz, ratio, loudness);
      at += Math.floor(RATE * length * random.between(1, 2));
    }
    at += Math.floor(RATE * random.magnitude(0.1, 3));
  }
  return samples;
}

/** One instrument that plays notes of a scale. */
function melody(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const base = random.magnitude(80, 700);
  const scale = random.pick([[0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10], [
    0,
    2,
    4,
    7,
    9,
  ]]);
  const beat = random.magnitude(0.1, 0.7);
  const fall = random.between(0.6, 2.4);
  const count2 = 1 + random.below(12);
  const vibrato = random.chance(0.4) ? random.between(0, 0.015) : 0;
  const pluck = random.chance(0.5);
  let at = 0;
  let step = 7;
  while (at < count) {
    step = Math.max(0, Math.min(20, step + random.below(7) - 3));
    const semitones = scale[step % scale.length]! +
      12 * Math.floor(step / scale.length);
    const length = RATE * beat * random.pick([0.5, 1, 1, 2, 4]);
    if (!random.chance(0.12)) {
      note(
        samples,
        at,
        length,
        base * 2 ** (semitones / 12),
        count2,
        fall,
        vibrato,
        pluck,
        random,
      );
    }
    at += Math.floor(length);
  }
  return samples;
}

/** Several of them, and drums. */
function chords(random: Random, count: number): Float32Array {
  const samples = melody(random, count);
  const parts = 1 + random.below(3);
  for (let i = 0; i < parts; i++) {
    const part = melody(random, count);
    for (let k = 0; k < count; k++) samples[k]! += 0.7 * part[k]!;
  }
  if (random.chance(0.6)) {
    const beat = RATE * random.between(0.25, 0.7);
    for (let at = 0, i = 0; at < count; at += beat / 2, i++) {
      const where = Math.floor(at);
      if (i % 4 === 0) chirp(samples, where, 0.15, 120, 0.4, 2);
      else if (i % 4 === 2) burst(samples, where, 0.06, 1, random);
      else if (random.chance(0.6)) burst(samples, where, 0.01, 0.4, random);
    }
  }
  return samples;
}

function bells(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  let at = random.below(RATE);
  while (at < count) {
    const hz = random.magnitude(250, 2500);
    for (const ratio of [0.5, 1, 1.19, 1.56, 2, 2.74, 3.76]) {
      ring(
        samples,
        at,
        hz * ratio,
        random.magnitude(0.1, 1.2),
        random.between(0.2, 1),
        random,
      );
    }
    at += Math.floor(RATE * random.magnitude(0.3, 4));
  }
  return samples;
}

/** Noise with the rhythm of syllables and the colours of vowels, but no voice. */
function modulatedNoise(random: Random, count: number): Float32Array {
  const noise = random.chance(0.5)
    ? speechShaped(random, count)
    : coloured(random, count);
  const gate = bursts(random, 0.05, 0.5, 0.03, 0.5);
  const depth = random.between(0.7, 1);
  return noise.map((sample) => sample * (1 - depth + depth * gate()));
}

/** Steady harmonics with that rhythm: a voice that says nothing. */
function modulatedTones(random: Random, count: number): Float32Array {
  const hz = random.magnitude(80, 500);
  const partials = partialsOf(
    random,
    3 + random.below(20),
    random.between(0.5, 1.5),
  );
  const gate = bursts(random, 0.05, 1.5, 0.05, 1);
  return generate(count, (i) => gate() * partials(2 * Math.PI * hz * i / RATE));
}

/** Animals, doors, brakes: harmonics that glide. */
function howls(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  let at = random.below(RATE);
  while (at < count) {
    const length = Math.floor(RATE * random.magnitude(0.08, 2.5));
    const begin = random.magnitude(120, 1500);
    const end = begin * random.between(0.5, 1.8);
    const partials = partialsOf(
      random,
      1 + random.below(15),
      random.between(0.3, 1.5),
    );
    const rough = random.chance(0.4) ? random.between(0.1, 1) : 0;
    let phase = 0;
    const limit = Math.min(length, count - at);
    for (let i = 0; i < limit; i++) {
      const place = i / length;
      phase += 2 * Math.PI * (begin + (end - begin) * place) / RATE;
      samples[at + i]! += Math.sin(Math.PI * place) *
        (partials(phase) + rough * (random.next() * 2 - 1));
    }
    at += length + Math.floor(RATE * random.magnitude(0.2, 4));
  }
  return samples;
}

/** A sum of harmonics of chance that falls with their number. */
function partialsOf(
  random: Random,
  partialCount: number,
  fall: number,
): (phase: number) => number {
  const cycle = new Float32Array(2048);
  for (let n = 1; n <= partialCount; n++) {
    const amplitude = random.between(0.2, 1) / n ** fall;
    const offset = random.between(0, 2 * Math.PI);
    for (let i = 0; i < cycle.length; i++) {
      cycle[i]! += amplitude *
        Math.sin(2 * Math.PI * n * i / cycle.length + offset);
    }
  }
  const scale = cycle.length / (2 * Math.PI);
  return (phase) => cycle[Math.floor(phase * scale) % cycle.length]!;
}

function engineOf(random: Random, hz: number, wander: number): () => number {
  const partials = partialsOf(
    random,
    6 + random.below(20),
    random.between(0.4, 1.4),
  );
  const drift = walk(random, wander, 0.5);
  let phase = 0;
  return () => {
    phase += 2 * Math.PI * hz * Math.exp(drift()) / RATE;
    return partials(phase);
  };
}

/** A slow random walk around 0 with about this spread. */
function walk(random: Random, spread: number, hz = 1): () => number {
  const step = 2 * Math.PI * hz / RATE * 64;
  let level = 0;
  let i = 0;
  let slow = 0;
  return () => {
    if (i++ % 64 === 0) {
      level += step * (-level) + Math.sqrt(2 * step) * random.normal();
    }
    slow += (level - slow) * 0.01;
    return spread * slow;
  };
}

/** On and off, with soft edges. */
function bursts(
  random: Random,
  shortest: number,
  longest: number,
  shortestPause: number,
  longestPause: number,
): () => number {
  let rest = 0;
  let isOn = false;
  let target = 0;
  let level = 0;
  return () => {
    if (rest-- <= 0) {
      isOn = !isOn;
      target = isOn ? random.between(0.3, 1) : 0;
      rest = RATE *
        (isOn
          ? random.magnitude(shortest, longest)
          : random.magnitude(shortestPause, longestPause));
    }
    level += (target - level) * 0.004;
    return level;
  };
}

function burst(
  samples: Float32Array,
  at: number,
  seconds: number,
  loudness: number,
  random: Random,
): void {
  const length = Math.ceil(seconds * 5 * RATE);
  const low = lowPass(random.magnitude(800, 11_000));
  for (let i = 0; i < length && at + i < samples.length; i++) {
    samples[at + i]! += loudness * Math.exp(-i / (seconds * RATE)) *
      low(random.next() * 2 - 1);
  }
}

function ring(
  samples: Float32Array,
  at: number,
  hz: number,
  seconds: number,
  loudness: number,
  random: Random,
): void {
  const length = Math.ceil(seconds * 5 * RATE);
  const phase = random.between(0, 6);
  const step = 2 * Math.PI * Math.min(hz, 11_000) / RATE;
  const fall = Math.exp(-1 / (seconds * RATE));
  let level = loudness;
  for (let i = 0; i < length && at + i < samples.length; i++) {
    samples[at + i]! += level * Math.sin(phase + step * i);
    level *= fall;
  }
}

function chirp(
  samples: Float32Array,
  at: number,
  seconds: number,
  hz: number,
  ratio: number,
  loudness: number,
): void {
  const length = Math.ceil(seconds * RATE);
  let phase = 0;
  for (let i = 0; i < length && at + i < samples.length; i++) {
    const place = i / length;
    phase += 2 * Math.PI * Math.min(11_000, hz * ratio ** place) / RATE;
    samples[at + i]! += loudness * Math.sin(Math.PI * place) * Math.sin(phase);
  }
}

function tone(
  samples: Float32Array,
  at: number,
  length: number,
  hz: number,
  loudness: number,
  tremolo: number,
  third = 0,
): void {
  const step = 2 * Math.PI * hz / RATE;
  const edge = 0.005 * RATE;
  for (let i = 0; i < length && at + i < samples.length; i++) {
    const shape = Math.min(1, i / edge, (length - i) / edge);
    samples[at + i]! += loudness * shape *
      (1 + tremolo * Math.sin(i * 0.002)) *
      (Math.sin(step * i) + third * Math.sin(3 * step * i));
  }
}

function note(
  samples: Float32Array,
  at: number,
  length: number,
  hz: number,
  partialCount: number,
  fall: number,
  vibrato: number,
  pluck: boolean,
  random: Random,
): void {
  const wave = partialsOf(
    random,
    Math.min(partialCount, Math.floor(11_000 / hz)),
    fall,
  );
  const loudness = random.between(0.4, 1);
  const decay = pluck ? random.magnitude(0.1, 1) * RATE : Infinity;
  let phase = 0;
  for (let i = 0; i < length && at + i < samples.length; i++) {
    phase += 2 * Math.PI * hz *
      (1 + vibrato * Math.sin(2 * Math.PI * 5.5 * i / RATE)) / RATE;
    const shape = Math.min(1, i / 300, (length - i) / 300) *
      Math.exp(-i / decay);
    samples[at + i]! += loudness * shape * wave(phase);
  }
}

/** A low-pass of the first order. */
export function lowPass(hz: number): (sample: number) => number {
  const share = 1 - Math.exp(-2 * Math.PI * hz / RATE);
  let level = 0;
  return (sample) => level += share * (sample - level);
}

/** A high-pass of the first order. */
export function highPass(hz: number): (sample: number) => number {
  const low = lowPass(hz);
  return (sample) => sample - low(sample);
}

/** A band-pass (R. Bristow-Johnson, Cookbook formulae for audio EQ, 1994). */
export function resonance(hz: number, q: number): (sample: number) => number {
  const w = 2 * Math.PI * hz / RATE;
  const alpha = Math.sin(w) / (2 * q);
  const a0 = 1 + alpha;
  const a1 = -2 * Math.cos(w) / a0;
  const a2 = (1 - alpha) / a0;
  const b0 = alpha / a0;
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  return (sample) => {
    const y = b0 * (sample - x2) - a1 * y1 - a2 * y2;
    x2 = x1;
    x1 = sample;
    y2 = y1;
    y1 = y;
    return y;
  };
}
