/**
 * Noises for the bench alone: the network has not learnt from these.
 *
 * White and pink noise are what they are everywhere; all else is made in another
 * way, or of another thing, than what `train/noises.ts` makes.
 *
 * @module
 */

import { lowPass, type Noise, NOISES, resonance } from "../../train/noises.ts";
import type { Random } from "../../train/random.ts";
import type { Corpus } from "../../train/scenes.ts";

const RATE = 24_000;

/** A noise of the bench. */
export interface TestNoise {
  readonly name: string;
  /** Whether it counts as stationary or household noise in the goals. */
  readonly isHousehold: boolean;
  readonly make: Noise;
}

/**
 * Lists the noises.
 *
 * @param corpus The recordings of the role `test`, for babble and music.
 * @returns The noises.
 */
export function testNoises(corpus: Corpus): readonly TestNoise[] {
  const household = (name: string, make: Noise) => ({
    name,
    isHousehold: true,
    make,
  });
  const other = (name: string, make: Noise) => ({
    name,
    isHousehold: false,
    make,
  });
  return [
    household("white", NOISES["white"]!.make),
    household("pink", NOISES["pink"]!.make),
    household("hair dryer", hairDryer),
    household("kettle", kettle),
    household("dishwasher", dishwasher),
    household("shower", shower),
    household("train", train),
    household("coffee grinder", grinder),
    household("mains buzz", buzz),
    household("typing", typing),
    other("babble", corpus.babble),
    other("music", corpus.playMusic),
    other("alarm tones", alarm),
  ];
}

function noise(random: Random): number {
  return random.next() * 2 - 1;
}

function hairDryer(random: Random, count: number): Float32Array {
  const body = resonance(random.between(700, 1200), 0.8);
  const hiss = resonance(random.between(3500, 5500), 0.6);
  const hz = random.between(280, 420);
  const samples = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const input = noise(random);
    const whine = 0.04 * Math.sin(2 * Math.PI * hz * i / RATE) +
      0.02 * Math.sin(4 * Math.PI * hz * i / RATE + 1);
    samples[i] = body(input) + 0.8 * hiss(input) + whine;
  }
  return samples;
}

/** It begins with a whisper, rumbles, and boils. */
function kettle(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const seconds = random.between(20, 40);
  const low = lowPass(400);
  const high = resonance(2500, 0.5);
  for (let i = 0; i < count; i++) {
    const place = (i / RATE / seconds) % 1;
    const bubble = 1 + 0.6 * Math.sin(2 * Math.PI * 9 * i / RATE) * place;
    const input = noise(random);
    samples[i] = (place * 2.5 * low(input) + high(input) * (1 - 0.5 * place)) *
      bubble * (0.3 + place);
  }
  return samples;
}

/** Water thrown against plates, round and round, over a pump. */
function dishwasher(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const turn = random.between(0.7, 1.6);
  const splash = resonance(random.between(900, 1800), 0.5);
  const low = lowPass(300);
  for (let i = 0; i < count; i++) {
    const t = i / RATE;
    const swing = Math.max(0, Math.sin(2 * Math.PI * t / turn)) ** 2;
    const input = noise(random);
    samples[i] = 0.6 * low(input) + swing * splash(input) * 0.5 +
      0.08 * Math.sin(2 * Math.PI * 100 * t) +
      0.05 * Math.sin(2 * Math.PI * 298 * t);
  }
  return samples;
}

function shower(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const bright = resonance(random.between(4000, 7000), 0.4);
  let splash = 0;
  for (let i = 0; i < count; i++) {
    if (random.chance(0.0006)) splash = random.between(0.3, 1.5);
    splash *= 0.999;
    samples[i] = bright(noise(random)) * (1 + splash);
  }
  return samples;
}

/** Rails: a rumble, and double beats of the wheels. */
function train(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const beat = random.between(0.5, 0.9) * RATE;
  const rumble = lowPass(180);
  const clank = resonance(random.between(350, 700), 3);
  for (let i = 0; i < count; i++) {
    const place = i % beat;
    const hit = place < 900 || (place > 3600 && place < 4500) ? 1 : 0;
    const input = noise(random);
    samples[i] = 2 * rumble(input) + clank(input * hit) * 0.9;
  }
  return samples;
}

function grinder(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const rattle = resonance(random.between(1500, 3000), 1.5);
  let isOn = true;
  let rest = RATE * 2;
  let phase = 0;
  let speed = 0;
  for (let i = 0; i < count; i++) {
    if (rest-- < 0) {
      isOn = !isOn;
      rest = RATE * (isOn ? random.between(2, 6) : random.between(0.5, 2));
    }
    speed += ((isOn ? 1 : 0) - speed) * 0.0004;
    phase += speed * 210 / RATE;
    const saw = 2 * (phase % 1) - 1;
    samples[i] = speed *
      (0.3 * saw + rattle(noise(random) * (random.chance(0.05) ? 4 : 0.5)));
  }
  return samples;
}

/** A dimmer: a spike at every half-wave. */
function buzz(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const half = RATE / 100;
  const dull = lowPass(random.between(3000, 8000));
  for (let i = 0; i < count; i++) {
    const place = (i % half) / half;
    samples[i] = dull(place > 0.4 ? Math.exp(-(place - 0.4) * 25) : 0) - 0.03;
  }
  return samples;
}

function typing(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  for (let at = 0; at < count;) {
    const length = Math.floor(RATE * 0.03);
    const thud = resonance(random.between(150, 300), 1.5);
    const clack = resonance(random.between(2500, 5000), 1);
    for (let i = 0; i < length && at + i < count; i++) {
      const input = noise(random) * Math.exp(-i / (RATE * 0.004));
      samples[at + i] = thud(input) + clack(input);
    }
    at += Math.floor(RATE * random.magnitude(0.07, 0.35));
    if (random.chance(0.04)) at += RATE * 2;
  }
  return samples;
}

/** A smoke detector, a microwave oven, a doorbell. */
function alarm(random: Random, count: number): Float32Array {
  const samples = new Float32Array(count);
  const kinds = [
    { hz: [3100], on: 0.5, off: 0.5 },
    { hz: [2048], on: 0.25, off: 0.75 },
    { hz: [660, 550], on: 0.7, off: 1.5 },
    { hz: [880, 988, 1175, 988], on: 0.18, off: 0.02 },
  ];
  for (let at = 0; at < count;) {
    const { hz, on, off } = random.pick(kinds);
    for (let times = 0; times < 8; times++) {
      for (const one of hz) {
        for (let i = 0; i < on * RATE && at + i < count; i++) {
          const shape = Math.min(1, i / 100, (on * RATE - i) / 100);
          samples[at + i] = shape * Math.sin(2 * Math.PI * one * i / RATE);
        }
        at += Math.floor(on * RATE);
      }
      at += Math.floor(off * RATE);
    }
  }
  return samples;
}
