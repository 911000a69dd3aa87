/**
 * How well the network copes with noises that were left out of its training.
 *
 * @module
 */

import { NeuralDetector, type VoiceActivityDetector } from "../../mod.ts";
import type { SpeechWeights } from "../../src/vad/speech_network.ts";
import { SpeechScorer } from "../../src/vad/speech_scorer.ts";
import { Random } from "../../train/random.ts";
import { type Corpus, makeScene, noiseOf } from "../../train/scenes.ts";
import { Tally } from "./tally.ts";

const SCENE_SECONDS = 40;
const SNRS_DB = [20, 10, 5, 0] as const;
const PEAKS_DBFS = [-10, -30] as const;

const STANDARD = new NeuralDetector();

/** The neural detector with other weights. */
function detectorOf(weights: SpeechWeights): VoiceActivityDetector {
  const { blockMs, threshold, offsetThreshold, minSpeechMs, lagMs } = STANDARD;
  const scorer = new SpeechScorer(weights);
  return {
    ...{ blockMs, threshold, offsetThreshold, minSpeechMs, lagMs },
    score: (samples, format) => scorer.score(samples, format),
    reset: () => scorer.reset(),
  };
}

/**
 * Measures every training in a folder on the noises that it lacked, beside the
 * network that has heard them.
 *
 * @param folder Where `train.py --leave-out fan,hum --out FOLDER/fan+hum.ts` put
 *   its weights.
 * @param corpus Voices and recordings that did not train.
 * @returns A table in Markdown: one row for each noise that can be made with it.
 */
export async function leftOutTable(
  folder: string,
  corpus: Corpus,
): Promise<string> {
  const rows: string[] = [];
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name);
  for (const file of files.filter((name) => name.endsWith(".ts")).sort()) {
    const path = `file://${Deno.realPathSync(`${folder}/${file}`)}`;
    const { SPEECH_WEIGHTS } = await import(path);
    for (const kind of file.slice(0, -".ts".length).split("+")) {
      const isSound = kind === "sounds" || kind === "loop";
      if (isSound && corpus.sounds.length === 0) continue;
      const without = new Tally(kind, detectorOf(SPEECH_WEIGHTS));
      const withIt = new Tally(kind, STANDARD);
      measure(kind, corpus, [without, withIt]);
      rows.push(
        `| ${kind} | ${without.f1(kind)} | ${withIt.f1(kind)} | ${
          without.triggers(kind)
        } | ${withIt.triggers(kind)} |`,
      );
    }
  }
  return [
    "| noise | F1, left out | F1, shipped | triggers a minute, left out | shipped |",
    "|---|---|---|---|---|",
    ...rows.sort(),
  ].join("\n");
}

function measure(
  kind: string,
  corpus: Corpus,
  tallies: readonly Tally[],
): void {
  const make = noiseOf(kind, corpus);
  const speakers = [...corpus.speakers.values()];
  let seed = 1;
  for (const peakDbfs of PEAKS_DBFS) {
    for (const snrDb of SNRS_DB) {
      const random = new Random(seed++ * 6151 + 3);
      const scene = makeScene({
        seconds: SCENE_SECONDS,
        speaker: [...random.pick(speakers), ...random.pick(speakers)],
        pauses: [0.5, 4],
        noise: make,
        snrDb,
        peakDbfs,
        hissDbfs: -80,
      }, random);
      for (const tally of tallies) tally.hearSpeech(scene, [kind]);
    }
    const random = new Random(seed++ * 6151 + 3);
    const seconds = SCENE_SECONDS;
    const scene = makeScene(
      { seconds, noise: make, snrDb: 0, peakDbfs },
      random,
    );
    for (const tally of tallies) tally.hearNoise(scene, [kind]);
  }
}
