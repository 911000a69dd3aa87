/**
 * Measures detectors side by side on one labelled set, made anew in each run.
 *
 * ```sh
 * deno run --allow-read --allow-write --allow-run train/corpus.ts CORPUS
 * deno task bench:vad CORPUS [--silero silero_vad_16k_op15.onnx] [--set tune]
 *   [--left-out FOLDER]
 * ```
 *
 * The set is speech of voices that did not train the network, clean and in the
 * noises of `bench/vad/test_noises.ts` at 20, 10, 5 and 0 dB, at speech peaks of
 * −10, −25 and −40 dBFS; and the noises alone. Truth and decision are compared for
 * each 10 ms: a decision is the score above the onset's threshold, and from then on
 * above the offset's, without pre-roll or hangover, less the lag that the detector
 * tells of itself. A trigger is 80 ms of it. An utterance is missed when there is no
 * decision for speech in it. The onset of one that is not is clipped when the gate
 * with its defaults lets out less of it than all but 20 ms.
 *
 * @module
 */

import { createDetector } from "../mod.ts";
import { Random } from "../train/random.ts";
import { Corpus, makeScene } from "../train/scenes.ts";
import type { Role } from "../train/sources.ts";
import { leftOutTable } from "./vad/left_out.ts";
import { Tally } from "./vad/tally.ts";
import { type TestNoise, testNoises } from "./vad/test_noises.ts";
import { WebRtcDetector } from "./vad/webrtc_detector.ts";

const SCENE_SECONDS = 60;
const SNRS_DB = [20, 10, 5, 0] as const;
const PEAKS_DBFS = [-10, -25, -40] as const;

/** Noises alone; recordings differ more from one another than what is made. */
const NOISE_PEAKS_DBFS = [-12, -22, -32] as const;
const NOISE_SCENES = { household: 1, other: 5 };

function measure(
  corpus: Corpus,
  noises: readonly TestNoise[],
  tallies: readonly Tally[],
): void {
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
        for (const tally of tallies) tally.hearSpeech(scene, groups);
      }
    }
    if (noise === undefined) continue;
    const groups = noise.isHousehold ? [noise.name, "household"] : [noise.name];
    const sceneCount = NOISE_SCENES[noise.isHousehold ? "household" : "other"];
    for (let i = 0; i < sceneCount * NOISE_PEAKS_DBFS.length; i++) {
      const random = new Random(seed++ * 31 + 7);
      const scene = makeScene({
        seconds: SCENE_SECONDS,
        noise: noise.make,
        snrDb: 0,
        peakDbfs: NOISE_PEAKS_DBFS[i % NOISE_PEAKS_DBFS.length]!,
      }, random);
      for (const tally of tallies) tally.hearNoise(scene, groups);
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
    ["utterances missed at 0 dB", (tally) => tally.missed("0 dB")],
    ["utterances missed, all", (tally) => tally.missed("all")],
    ["onsets clipped with 300 ms of pre-roll, worst", (tally) => tally.clipped],
    [
      "CPU time, × energy",
      ({ cpuSeconds }) =>
        (cpuSeconds /
          tallies.find(({ name }) => name === "energy")!.cpuSeconds).toFixed(1),
    ],
    [
      "CPU seconds per hour of audio",
      ({ cpuSeconds }) => cpuSeconds.toFixed(1),
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
  const leftOut = optionOf(args, "--left-out");
  const set = optionOf(args, "--set") ?? "test";
  const [folder] = args;
  if (folder === undefined || !["test", "tune"].includes(set)) {
    console.error(
      "Cannot start: usage is bench:vad CORPUS [--silero FILE] [--left-out FOLDER] [--set test|tune]; train/corpus.ts makes the corpus",
    );
    Deno.exit(2);
  }
  const tallies = [
    new Tally("neural", createDetector()),
    new Tally("energy", createDetector({ engine: "energy" })),
    new Tally("RMS > 0.02", createDetector({ threshold: 0.02 })),
    new Tally("WebRTC, mode 1", await WebRtcDetector.load(1)),
    ...(silero === undefined ? [] : [
      new Tally("Silero", createDetector({ engine: "silero", model: silero })),
    ]),
  ];
  const corpus = new Corpus(folder, set as Role);
  const noises = testNoises(corpus);
  measure(corpus, noises, tallies);
  printTable(noises, tallies);
  if (leftOut !== undefined) {
    console.log(`\n${await leftOutTable(leftOut, corpus)}`);
  }
}
