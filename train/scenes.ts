/**
 * Minutes of somebody speaking in a noisy room, with the truth about every 10 ms.
 *
 * @module
 */

import { highPass, lowPass, type Noise, NOISES, resonance } from "./noises.ts";
import { Random } from "./random.ts";
import { type Role, SOURCES, VOICES } from "./sources.ts";

const RATE = 24_000;
/** Samples in what one label is about. */
export const LABEL_HOP = 240;

/**
 * Speech is what is within this of an utterance's loud parts (the level that 5 %
 * of its 10 ms exceed), and so far above the recording's own noise.
 */
const SPEECH_RANGE_DB = 35;
const NOISE_MARGIN_DB = 6;
/** Where speech and the recording's noise are nearer, nobody can tell the truth. */
const LEAST_RANGE_DB = 27;
/** Shorter pauses belong to the speech: the closure of a "p" lasts 50–150 ms. */
const SHORTEST_PAUSE_HOPS = 15;
/** A shorter noise between two pauses is none of it. */
const SHORTEST_SPEECH_HOPS = 4;

/** Centres of the outer bands of a murmur. */
const MURMUR_LOWEST_HZ = 120;
const MURMUR_HIGHEST_HZ = 7500;

/** An utterance, 24 kHz, with the truth about it. */
export interface Utterance {
  readonly samples: Float32Array;
  readonly labels: Uint8Array;
  /** RMS of what is speech. */
  readonly rms: number;
  readonly peak: number;
}

/** All recordings of one role, in memory. */
export class Corpus {
  readonly speakers: ReadonlyMap<string, readonly Utterance[]>;
  readonly music: readonly Float32Array[];
  readonly sounds: readonly Float32Array[];
  /** Those who train babble with more voices than there are. */
  readonly #isVaried: boolean;

  /**
   * @param folder Where `train/corpus.ts` put it.
   * @param role Whose recordings.
   */
  constructor(folder: string, role: Role) {
    const speakers = new Map<string, Utterance[]>();
    const music: Float32Array[] = [];
    const sounds: Float32Array[] = [];
    for (const source of SOURCES) {
      if (source.role !== role) continue;
      const recordings = readAll(`${folder}/pcm/${source.name}`);
      if (source.kind === "music") music.push(...recordings);
      else if (source.kind === "sounds") sounds.push(...recordings);
      else speakers.set(source.name, utterancesOf(recordings));
      // Some are all too noisy to tell the truth about.
      if (speakers.get(source.name)?.length === 0) speakers.delete(source.name);
    }
    for (const { name, role: its } of VOICES) {
      if (its !== role) continue;
      speakers.set(name, utterancesOf(readAll(`${folder}/pcm/${name}`)));
    }
    this.#isVaried = role === "train";
    this.speakers = speakers;
    this.music = music;
    this.sounds = sounds;
  }

  /** Music of any length: tracks behind one another. */
  readonly playMusic: Noise = (random, count) => {
    const speed = this.#isVaried && random.chance(0.5)
      ? random.magnitude(0.75, 1.33)
      : 1;
    return inRow(
      count,
      () => playedAt(random.pick(this.music), speed),
      () => 0,
      random,
    );
  };

  /** Recorded sounds with pauses. */
  readonly playSounds: Noise = (random, count) => {
    const few = Array.from(
      { length: 1 + random.below(5) },
      () => random.pick(this.sounds),
    );
    return inRow(
      count,
      () => random.pick(few),
      () => random.chance(0.3) ? 0 : random.magnitude(0.05, 3),
      random,
    );
  };

  /** One recorded sound over and over: steady noises of machines. */
  readonly loopSound: Noise = (random, count) => {
    const sound = random.pick(this.sounds);
    return inRow(count, () => sound, () => 0, random);
  };

  /** Several voices at once, none of which is meant. */
  readonly babble: Noise = (random, count) => {
    const samples = new Float32Array(count);
    const voices = 4 + random.below(9);
    const names = [...this.speakers.keys()];
    for (let i = 0; i < voices; i++) {
      const utterances = this.speakers.get(random.pick(names))!;
      const loudness = random.between(0.5, 1);
      const speed = this.#isVaried ? random.magnitude(0.85, 1.2) : 1;
      const voice = inRow(
        count,
        () => {
          const { samples, rms } = atSpeed(random.pick(utterances), speed);
          return samples.map((sample) => sample / rms);
        },
        () => random.between(0, 0.4),
        random,
      );
      for (let k = 0; k < count; k++) samples[k]! += loudness * voice[k]!;
    }
    return samples;
  };

  /**
   * The same through a wall: noise with the spectrum and the rhythm of voices, and
   * without their pitch (as in the ICRA noises: W. Dreschler and others, 2001).
   */
  readonly murmur: Noise = (random, count) => {
    const voices = this.babble(random, count);
    const samples = new Float32Array(count);
    const bandCount = 12 + random.below(10);
    const step = (MURMUR_HIGHEST_HZ / MURMUR_LOWEST_HZ) **
      (1 / (bandCount - 1));
    const q = 1 / (Math.sqrt(step) - 1 / Math.sqrt(step));
    for (let band = 0; band < bandCount; band++) {
      const hz = MURMUR_LOWEST_HZ * step ** band;
      const voiceBand = steepBand(hz, q);
      const noiseBand = steepBand(hz, q);
      const envelope = lowPass(30);
      for (let i = 0; i < count; i++) {
        const level = envelope(Math.abs(voiceBand(voices[i]!)));
        samples[i]! += level * noiseBand(random.next() * 2 - 1) / Math.sqrt(hz);
      }
    }
    return samples;
  };
}

function readAll(folder: string): Float32Array[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort()
    .map((name) => {
      const bytes = Deno.readFileSync(`${folder}/${name}`);
      const pcm = new Int16Array(bytes.buffer, 0, bytes.length >> 1);
      const samples = new Float32Array(pcm.length);
      for (let i = 0; i < pcm.length; i++) samples[i] = pcm[i]! / 32_768;
      return samples;
    })
    .filter((samples) => samples.length > RATE / 20);
}

function utterancesOf(recordings: readonly Float32Array[]): Utterance[] {
  return recordings.map(utteranceOf).filter(({ rms }) => rms > 0);
}

/** Finds the speech in a clean recording. */
function utteranceOf(samples: Float32Array): Utterance {
  const high = highPass(70);
  const hops = Math.floor(samples.length / LABEL_HOP);
  const levels = new Float32Array(hops);
  for (let hop = 0; hop < hops; hop++) {
    let sum = 1e-12;
    for (let i = hop * LABEL_HOP; i < (hop + 1) * LABEL_HOP; i++) {
      sum += high(samples[i]!) ** 2;
    }
    levels[hop] = 10 * Math.log10(sum / LABEL_HOP);
  }
  const loud = levels.slice().sort()[Math.floor(hops * 0.95)]!;
  const floor = floorOf(levels);
  const least = Math.max(loud - SPEECH_RANGE_DB, floor + NOISE_MARGIN_DB);
  const labels = Uint8Array.from(levels, (level) => level > least ? 1 : 0);
  fill(labels, 1, 0, SHORTEST_PAUSE_HOPS);
  fill(labels, 0, 1, SHORTEST_SPEECH_HOPS);
  let sum = 0;
  let peak = 0;
  let count = 0;
  for (let i = 0; i < hops * LABEL_HOP; i++) {
    peak = Math.max(peak, Math.abs(samples[i]!));
    if (labels[Math.floor(i / LABEL_HOP)] === 0) continue;
    sum += samples[i]! ** 2;
    count++;
  }
  const isClean = loud - floor > LEAST_RANGE_DB;
  return {
    samples: samples.subarray(0, hops * LABEL_HOP),
    labels,
    rms: count === 0 || !isClean ? 0 : Math.sqrt(sum / count),
    peak,
  };
}

/** The least level over 50 ms: the noise of the recording itself. */
function floorOf(levels: Float32Array): number {
  let floor = Infinity;
  for (let end = 5; end <= levels.length; end++) {
    let sum = 0;
    for (let hop = end - 5; hop < end; hop++) sum += levels[hop]!;
    floor = Math.min(floor, sum / 5);
  }
  return floor;
}

/** Turns short runs of `from` between two of `to` into `to`. */
function fill(labels: Uint8Array, to: number, from: number, shortest: number) {
  let begin = 0;
  for (let i = 1; i <= labels.length; i++) {
    if (i < labels.length && labels[i] === labels[begin]) continue;
    const isInside = begin > 0 && i < labels.length;
    if (
      labels[begin] === from && i - begin < shortest && (isInside || to === 0)
    ) {
      labels.fill(to, begin, i);
    }
    begin = i;
  }
}

function inRow(
  count: number,
  next: () => Float32Array,
  pauseSeconds: () => number,
  random: Random,
): Float32Array {
  const samples = new Float32Array(count);
  let at = 0;
  let isFirst = true;
  while (at < count) {
    let piece = next();
    if (isFirst) piece = piece.subarray(random.below(piece.length));
    isFirst = false;
    samples.set(piece.subarray(0, count - at), at);
    at += piece.length + Math.floor(pauseSeconds() * RATE);
  }
  return samples;
}

/** What a scene is to be. */
export interface ScenePlan {
  readonly seconds: number;
  /** Who speaks; nobody without it. */
  readonly speaker?: readonly Utterance[];
  /** Of the voice, 1 without it: a faster one is higher, as of a smaller head. */
  readonly speed?: number;
  /** Seconds of pauses between utterances, shortest and longest. */
  readonly pauses?: readonly [number, number];
  /** The noise; none without it. */
  readonly noise?: Noise;
  /** Of the speech over the noise while there is speech. */
  readonly snrDb: number;
  /** Level of the loudest sample of the speech, or of the noise without one. */
  readonly peakDbfs: number;
  /** Noise of the microphone itself, in dBFS; none without it. */
  readonly hissDbfs?: number;
  /** Whether the microphone, the room and the moment differ, or all is clean. */
  readonly isRough?: boolean;
}

/** A scene. */
export interface Scene {
  readonly samples: Int16Array;
  /** One label for each 10 ms. */
  readonly labels: Uint8Array;
}

/**
 * Makes a scene.
 *
 * @param plan What it is to be.
 * @param random Chance.
 * @returns The scene.
 */
export function makeScene(plan: ScenePlan, random: Random): Scene {
  const hops = Math.round(plan.seconds * 100);
  const count = hops * LABEL_HOP;
  const labels = new Uint8Array(hops);
  let speech = new Float32Array(count);
  if (plan.speaker !== undefined) {
    const { speaker, speed = 1, pauses = [0.3, 4] } = plan;
    place(speaker, speed, pauses, speech, labels, random);
  }
  let noise = plan.noise?.(random, count) ?? new Float32Array(count);
  if (plan.isRough) {
    if (random.chance(0.4)) speech = reverberated(speech, random);
    if (random.chance(0.3)) noise = reverberated(noise, random);
    if (random.chance(0.25)) noise = comesAndGoes(noise, random);
    const colour = channel(random);
    const noiseColour = random.chance(0.5) ? channel(random) : undefined;
    for (const stage of colour) filter(speech, stage);
    // Half of the noises come through the same microphone, changed no more.
    for (const stage of noiseColour ?? []) filter(noise, stage);
  }
  const speechRms = rmsWhere(speech, labels);
  const noiseRms = rmsWhere(noise);
  const noiseGain = noiseRms === 0
    ? 0
    : speechRms === 0
    ? 1 / noiseRms
    : speechRms / noiseRms * 10 ** (-plan.snrDb / 20);
  const loudest = speechRms === 0 ? peakOf(noise) * noiseGain : peakOf(speech);
  const gain = loudest === 0 ? 1 : 10 ** (plan.peakDbfs / 20) / loudest;
  const hiss = plan.hissDbfs === undefined
    ? 0
    : 10 ** (plan.hissDbfs / 20) * Math.sqrt(3);
  const samples = new Int16Array(count);
  for (let i = 0; i < count; i++) {
    const sample = gain * (speech[i]! + noiseGain * noise[i]!) +
      hiss * (random.next() * 2 - 1);
    samples[i] = Math.max(
      -32_768,
      Math.min(32_767, Math.round(sample * 32_768)),
    );
  }
  return { samples, labels };
}

function place(
  speaker: readonly Utterance[],
  speed: number,
  [shortest, longest]: readonly [number, number],
  speech: Float32Array,
  labels: Uint8Array,
  random: Random,
): void {
  let hop = Math.floor(100 * random.between(0, longest));
  while (true) {
    const utterance = atSpeed(random.pick(speaker), speed);
    if (hop + utterance.labels.length >= labels.length) return;
    // Utterances of one scene are about equally loud.
    const gain = 0.1 / utterance.rms * 10 ** (random.between(-3, 3) / 20);
    const at = hop * LABEL_HOP;
    for (let i = 0; i < utterance.samples.length; i++) {
      speech[at + i] = gain * utterance.samples[i]!;
    }
    labels.set(utterance.labels, hop);
    hop += utterance.labels.length +
      Math.floor(100 * random.magnitude(shortest, longest));
  }
}

/** Plays an utterance faster or slower: another voice. */
function atSpeed(utterance: Utterance, speed: number): Utterance {
  if (speed === 1) return utterance;
  const hops = Math.floor(utterance.labels.length / speed) - 1;
  const labels = Uint8Array.from(
    { length: Math.max(0, hops) },
    (_, hop) => utterance.labels[Math.round(hop * speed)]!,
  );
  const samples = playedAt(utterance.samples, speed)
    .subarray(0, labels.length * LABEL_HOP);
  return { ...utterance, samples, labels };
}

/** Faster is higher, too. */
function playedAt(samples: Float32Array, speed: number): Float32Array {
  if (speed === 1) return samples;
  const played = new Float32Array(Math.floor(samples.length / speed));
  for (let i = 0; i < played.length; i++) {
    played[i] = between(samples, i * speed);
  }
  return played;
}

/** A cubic through four samples (E. Catmull and R. Rom, 1974). */
function between(samples: Float32Array, place: number): number {
  const at = Math.floor(place);
  const t = place - at;
  const a = samples[at - 1] ?? 0;
  const b = samples[at] ?? 0;
  const c = samples[at + 1] ?? 0;
  const d = samples[at + 2] ?? 0;
  return b + 0.5 * t * (c - a +
        t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

type Filter = (sample: number) => number;

/** A band-pass whose slopes keep it apart from its neighbours. */
function steepBand(hz: number, q: number): Filter {
  const first = resonance(hz, q / 2);
  const second = resonance(hz, q / 2);
  const third = resonance(hz, q / 2);
  return (sample) => third(second(first(sample)));
}

/** A microphone, or a line, of chance. */
function channel(random: Random): Filter[] {
  const stages: Filter[] = [];
  if (random.chance(0.4)) stages.push(highPass(random.magnitude(30, 400)));
  if (random.chance(0.25)) {
    const hz = random.pick([3400, 4000, 7000, 8000]);
    for (let i = 0; i < 4; i++) stages.push(lowPass(hz * 1.8));
  }
  if (random.chance(0.4)) {
    const band = resonance(random.magnitude(200, 6000), random.between(0.5, 2));
    const gain = random.between(-0.7, 2);
    stages.push((sample) => sample + gain * band(sample));
  }
  if (random.chance(0.2)) {
    const tilt = highPass(random.magnitude(500, 3000));
    const gain = random.between(-0.7, 2);
    stages.push((sample) => sample + gain * tilt(sample));
  }
  return stages;
}

function filter(samples: Float32Array, stage: Filter): void {
  for (let i = 0; i < samples.length; i++) samples[i] = stage(samples[i]!);
}

/**
 * A room: the sound, a few early echoes, and a tail of four recursive combs and
 * two all-passes (M. Schroeder, Natural Sounding Artificial Reverberation, 1962).
 */
function reverberated(
  dry: Float32Array,
  random: Random,
): Float32Array<ArrayBuffer> {
  const wet = new Float32Array(dry.length);
  const seconds = random.magnitude(0.1, 0.8);
  const damp = random.between(0.1, 0.6);
  for (let comb = 0; comb < 4; comb++) {
    const delay = Math.floor(RATE * random.between(0.011, 0.043));
    const feedback = 10 ** (-3 * delay / RATE / seconds);
    const line = new Float32Array(delay);
    let at = 0;
    let soft = 0;
    for (let i = 0; i < dry.length; i++) {
      const out = line[at]!;
      soft = out * (1 - damp) + soft * damp;
      line[at] = dry[i]! + soft * feedback;
      wet[i]! += out;
      if (++at === delay) at = 0;
    }
  }
  for (const delay of [Math.floor(RATE * 0.005), Math.floor(RATE * 0.0017)]) {
    const line = new Float32Array(delay);
    let at = 0;
    for (let i = 0; i < wet.length; i++) {
      const out = line[at]!;
      const input = wet[i]! + 0.6 * out;
      line[at] = input;
      wet[i] = out - 0.6 * input;
      if (++at === delay) at = 0;
    }
  }
  const share = random.magnitude(0.03, 0.5);
  for (let i = 0; i < wet.length; i++) wet[i] = dry[i]! + share * wet[i]!;
  return wet;
}

/** Something is switched on, off, nearer or farther. */
function comesAndGoes(
  noise: Float32Array,
  random: Random,
): Float32Array<ArrayBuffer> {
  const changed = new Float32Array(noise.length);
  let at = 0;
  let gain = 1;
  while (at < noise.length) {
    const target = random.pick([0, 0.1, 0.3, 1, 1, 1]);
    const end = Math.min(noise.length, at + RATE * random.magnitude(1, 20));
    const speed = 1 / (RATE * random.magnitude(0.002, 1));
    for (; at < end; at++) {
      gain += (target - gain) * speed;
      changed[at] = noise[at]! * gain;
    }
  }
  return changed;
}

function rmsWhere(samples: Float32Array, labels?: Uint8Array): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < samples.length; i++) {
    if (labels !== undefined && labels[Math.floor(i / LABEL_HOP)] === 0) {
      continue;
    }
    sum += samples[i]! ** 2;
    count++;
  }
  return count === 0 ? 0 : Math.sqrt(sum / count);
}

function peakOf(samples: Float32Array): number {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  return peak;
}

/**
 * Gives the noise of a name.
 *
 * @param name A key of {@linkcode NOISES}, or a kind that comes from recordings:
 *   `music`, `sounds`, `loop`, `babble` or `murmur`.
 * @param corpus Where the recordings are.
 * @returns The noise.
 */
export function noiseOf(name: string, corpus: Corpus): Noise {
  switch (name) {
    case "music":
      return corpus.playMusic;
    case "sounds":
      return corpus.playSounds;
    case "loop":
      return corpus.loopSound;
    case "babble":
      return corpus.babble;
    case "murmur":
      return corpus.murmur;
    default:
      return NOISES[name]!.make;
  }
}

/** Seconds of one scene for training. */
export const SCENE_SECONDS = 30;

/**
 * Of what there is more than usual: of one voice among many that are nearly as loud,
 * which is hardest to tell, or of murmur.
 */
export type SceneMix = "usual" | "crowded" | "murmuring";

/** All of them. */
export const SCENE_MIXES: readonly SceneMix[] = [
  "usual",
  "crowded",
  "murmuring",
];

/** A scene for training, with what was in it. */
export interface TrainingScene extends Scene {
  readonly noises: readonly string[];
}

/**
 * Makes the scene of a number: any speaker, noise, loudness and room.
 *
 * @param corpus The recordings.
 * @param seed The number.
 * @param mix Of what there is more.
 * @returns The scene.
 */
export function trainingScene(
  corpus: Corpus,
  seed: number,
  mix: SceneMix = "usual",
): TrainingScene {
  const random = new Random(seed * 7919 + 13);
  const names = [...corpus.speakers.keys()];
  const noises: string[] = [];
  const noiseCount = random.pick([0, 1, 1, 1, 1, 1, 1, 2]);
  for (let i = 0; i < noiseCount; i++) {
    noises.push(kindOfChance(random, mix));
  }
  // Most of what is taken for speech is music.
  const isSpeaking = random.chance(noises.includes("music") ? 0.6 : 0.75);
  const noise = noises.length === 0
    ? undefined
    : mixed(noises.map((name) => noiseOf(name, corpus)));
  return {
    noises,
    ...makeScene({
      seconds: SCENE_SECONDS,
      speaker: isSpeaking ? speakersOfChance(corpus, names, random) : undefined,
      speed: random.chance(0.5) ? random.magnitude(0.8, 1.25) : 1,
      pauses: random.pick([[0.1, 1], [0.3, 4], [1, 10]] as const),
      noise,
      snrDb: random.chance(0.15)
        ? random.between(20, 40)
        : random.between(...snrRange(noises, mix)),
      peakDbfs: random.between(-46, -2),
      hissDbfs: random.chance(0.15) ? undefined : random.between(-100, -55),
      isRough: random.chance(0.8),
    }, random),
  };
}

/** In dB. */
function snrRange(
  noises: readonly string[],
  mix: SceneMix,
): [number, number] {
  if (!noises.includes("babble")) return [-6, 18];
  // Among voices nobody can tell who is meant below that.
  return [-2, mix === "crowded" ? 8 : 18];
}

/** Recorded kinds are many kinds each. */
function kindOfChance(random: Random, mix: SceneMix): string {
  if (random.chance(0.3)) return "music";
  if (random.chance(0.17)) return random.pick(["sounds", "sounds", "loop"]);
  if (mix === "murmuring" && random.chance(0.2)) return "murmur";
  if (random.chance(mix === "crowded" ? 0.45 : 0.3)) return "babble";
  if (random.chance(0.05)) return "buzz";
  return random.pick(Object.keys(NOISES));
}

/** One, or two who take turns. */
function speakersOfChance(
  corpus: Corpus,
  names: readonly string[],
  random: Random,
): readonly Utterance[] {
  const one = speakerOfChance(corpus, names, random);
  if (!random.chance(0.25)) return one;
  return [...one, ...speakerOfChance(corpus, names, random)];
}

/** Recorded voices are rarer than synthesised ones, and worth more. */
function speakerOfChance(
  corpus: Corpus,
  names: readonly string[],
  random: Random,
): readonly Utterance[] {
  const isSynthesised = random.chance(0.3);
  let name: string;
  do name = random.pick(names); while (
    /^(espeak|flite)-/.test(name) !== isSynthesised
  );
  return corpus.speakers.get(name)!;
}

function mixed(noises: readonly Noise[]): Noise {
  if (noises.length === 1) return noises[0]!;
  return (random, count) => {
    const sum = new Float32Array(count);
    for (const noise of noises) {
      const part = noise(random, count);
      const gain = 10 ** (random.between(-12, 0) / 20) / (rmsWhere(part) || 1);
      for (let i = 0; i < count; i++) sum[i]! += gain * part[i]!;
    }
    return sum;
  };
}
