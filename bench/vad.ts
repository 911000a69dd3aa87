/**
 * Measures detectors side by side on one labelled set, made anew in each run.
 *
 * ```sh
 * deno run --allow-read --allow-write --allow-run train/corpus.ts CORPUS
 * deno task bench:vad CORPUS [--silero silero_vad_16k_op15.onnx] [--set tune]
 * ```
 *
 * The set is speech of voices that did not train the network, clean and in the
 * noises of `bench/vad/test_noises.ts` at 20, 10, 5 and 0 dB, at speech peaks of
 * −10, −25 and −40 dBFS; and the noises alone. Truth and decision are compared for
 * each 10 ms: a decision is the score above the onset's threshold, and from then on
 * above the offset's, without pre-roll or hangover. A trigger is 80 ms of it.
 *
 * @module
 */

import { createDetector, type VoiceActivityDetector } from "../mod.ts";
import { Random } from "../train/random.ts";
import { Corpus, makeScene, type Scene } from "../train/scenes.ts";
import type { Role } from "../train/sources.ts";
import { type TestNoise, testNoises } from "./vad/test_noises.ts";

const FORMAT = { sampleRate: 24_000, channelCount: 1 } as const;
const HOP = 240;
const SCENE_SECONDS = 60;
const SNRS_DB = [20, 10, 5, 0] as const;
const PEAKS_DBFS = [-10, -25, -40] as const;
const TRIGGER_HOPS = 8;

/** Frames that were right and wrong. */
class Count {
  hits = 0;
  falseAlarms = 0;
  misses = 0;

  add(decisions: Uint8Array, labels: Uint8Array): void {
    for (let i = 0; i < labels.length; i++) {
      if (decisions[i] && labels[i]) this.hits++;
      else if (decisions[i]) this.falseAlarms++;
      else if (labels[i]) this.misses++;
    }
  }

  get f1(): number {
    const { hits, falseAlarms, misses } = this;
    return 2 * hits / Math.max(1, 2 * hits + falseAlarms + misses);
  }
}

/** What one engine did. */
class Tally {
  readonly #counts = new Map<string, Count>();
  readonly #triggers = new Map<string, number>();
  readonly #minutes = new Map<string, number>();
  utterances = 0;
  missed = 0;
  cpuMs = 0;
  audioMs = 0;

  constructor(
    readonly name: string,
    readonly detector: VoiceActivityDetector,
  ) {}

  async hear(scene: Scene, groups: readonly string[]): Promise<Uint8Array> {
    const begin = performance.now();
    const decisions = await decide(this.detector, scene.samples);
    this.cpuMs += performance.now() - begin;
    this.audioMs += scene.labels.length * 10;
    for (const group of groups) {
      const count = this.#counts.get(group) ?? new Count();
      this.#counts.set(group, count);
      count.add(decisions, scene.labels);
    }
    return decisions;
  }

  addTriggers(group: string, decisions: Uint8Array): void {
    let run = 0;
    let triggers = 0;
    for (const decision of decisions) {
      run = decision ? run + 1 : 0;
      if (run === TRIGGER_HOPS) triggers++;
    }
    this.#triggers.set(group, (this.#triggers.get(group) ?? 0) + triggers);
    this.#minutes.set(
      group,
      (this.#minutes.get(group) ?? 0) + decisions.length / 6000,
    );
  }

  addMisses(scene: Scene, decisions: Uint8Array): void {
    const { labels } = scene;
    let begin = -1;
    let pause = 0;
    for (let i = 0; i <= labels.length; i++) {
      if (labels[i]) {
        if (begin < 0) begin = i;
        pause = 0;
      } else if (begin >= 0 && (++pause > 25 || i === labels.length)) {
        this.utterances++;
        if (!decisions.subarray(begin, i).includes(1)) this.missed++;
        begin = -1;
      }
    }
  }

  f1(group: string): string {
    return this.#counts.get(group)?.f1.toFixed(3) ?? "–";
  }

  triggers(group: string): string {
    const minutes = this.#minutes.get(group) ?? 0;
    return minutes === 0
      ? "–"
      : ((this.#triggers.get(group) ?? 0) / minutes).toFixed(2);
  }
}

async function decide(
  detector: VoiceActivityDetector,
  samples: Int16Array,
): Promise<Uint8Array> {
  detector.reset();
  const block = Math.round(detector.blockMs * 24);
  const offset = detector.offsetThreshold ?? detector.threshold;
  const decisions = new Uint8Array(Math.floor(samples.length / HOP));
  let isSpeaking = false;
  for (let at = 0; at < samples.length; at += block) {
    const end = Math.min(samples.length, at + block);
    const scored = detector.score(samples.subarray(at, end), FORMAT);
    const score = typeof scored === "number" ? scored : await scored;
    isSpeaking = score > (isSpeaking ? offset : detector.threshold);
    if (isSpeaking) {
      decisions.fill(1, Math.round(at / HOP), Math.round(end / HOP));
    }
  }
  return decisions;
}

async function measure(
  corpus: Corpus,
  noises: readonly TestNoise[],
  tallies: readonly Tally[],
): Promise<void> {
  const speakers = [...corpus.speakers.values()];
  let seed = 1;
  for (const noise of [undefined, ...noises]) {
    for (const snrDb of noise === undefined ? [0] : SNRS_DB) {
      for (const peakDbfs of PEAKS_DBFS) {
        const random = new Random(seed++ * 977 + 5);
        const scene = makeScene({
          seconds: SCENE_SECONDS,
          speaker: [...random.pick(speakers), ...random.pick(speakers)],
          pauses: [0.5, 4],
          noise: noise?.make,
          snrDb,
          peakDbfs,
          hissDbfs: -80,
        }, random);
        const groups = ["all", `peak ${peakDbfs}`, noise?.name ?? "clean"];
        if (noise?.isHousehold) groups.push(`${snrDb} dB`);
        for (const tally of tallies) {
          const decisions = await tally.hear(scene, groups);
          if (snrDb === 0 && noise?.isHousehold) {
            tally.addMisses(scene, decisions);
          }
        }
      }
    }
    if (noise === undefined) continue;
    for (const peakDbfs of [-12, -22, -32]) {
      const random = new Random(seed++ * 31 + 7);
      const scene = makeScene({
        seconds: SCENE_SECONDS,
        noise: noise.make,
        snrDb: 0,
        peakDbfs,
      }, random);
      for (const tally of tallies) {
        const decisions = await tally.hear(scene, []);
        tally.addTriggers(noise.name, decisions);
        if (noise.isHousehold) tally.addTriggers("household", decisions);
      }
    }
  }
}

function printTable(noises: readonly TestNoise[], tallies: readonly Tally[]) {
  const names = noises.map(({ name }) => name);
  const rows: [string, (tally: Tally) => string][] = [
    ["F1, all", (tally) => tally.f1("all")],
    ["F1, clean", (tally) => tally.f1("clean")],
    ...SNRS_DB.map((snr): [string, (tally: Tally) => string] => [
      `F1, household noise, ${snr} dB`,
      (tally) => tally.f1(`${snr} dB`),
    ]),
    ...PEAKS_DBFS.map((peak): [string, (tally: Tally) => string] => [
      `F1, peaks of ${peak} dBFS`,
      (tally) => tally.f1(`peak ${peak}`),
    ]),
    ...names.map((name): [string, (tally: Tally) => string] => [
      `F1, ${name}`,
      (tally) => tally.f1(name),
    ]),
    [
      "triggers a minute, household noise",
      (tally) => tally.triggers("household"),
    ],
    ...noises.filter(({ isHousehold }) => !isHousehold).map((
      { name },
    ): [string, (tally: Tally) => string] => [
      `triggers a minute, ${name}`,
      (tally) => tally.triggers(name),
    ]),
    [
      "utterances missed at 0 dB",
      ({ missed, utterances }) =>
        `${(100 * missed / Math.max(1, utterances)).toFixed(1)} %`,
    ],
    [
      "CPU time, × energy",
      ({ cpuMs }) =>
        (cpuMs / tallies.find(({ name }) => name === "energy")!.cpuMs)
          .toFixed(1),
    ],
    [
      "CPU seconds per hour of audio",
      ({ cpuMs, audioMs }) => (cpuMs / audioMs * 3600).toFixed(1),
    ],
  ];
  console.log(`| | ${tallies.map(({ name }) => name).join(" | ")} |`);
  console.log(`|---|${"---|".repeat(tallies.length)}`);
  for (const [name, value] of rows) {
    console.log(`| ${name} | ${tallies.map(value).join(" | ")} |`);
  }
}

function optionOf(args: string[], name: string): string | undefined {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args.splice(at, 2)[1];
}

if (import.meta.main) {
  const args = [...Deno.args];
  const silero = optionOf(args, "--silero");
  const set = optionOf(args, "--set") ?? "test";
  const [folder] = args;
  if (folder === undefined || !["test", "tune"].includes(set)) {
    console.error(
      "Cannot start: usage is bench:vad CORPUS [--silero FILE] [--set test|tune]; train/corpus.ts makes the corpus",
    );
    Deno.exit(2);
  }
  const tallies = [
    new Tally("neural", createDetector()),
    new Tally("energy", createDetector({ engine: "energy" })),
    new Tally("RMS > 0.02", createDetector({ threshold: 0.02 })),
    ...(silero === undefined ? [] : [
      new Tally("Silero", createDetector({ engine: "silero", model: silero })),
    ]),
  ];
  const corpus = new Corpus(folder, set as Role);
  const noises = testNoises(corpus);
  await measure(corpus, noises, tallies);
  printTable(noises, tallies);
}
