/**
 * Writes what the network learns from: features, made by the very code of the
 * product, and labels.
 *
 * ```sh
 * deno run --allow-read --allow-write train/features.ts CORPUS OUTPUT ROLE FIRST COUNT [MIX]
 * ```
 *
 * Scenes `FIRST` to `FIRST + COUNT - 1` go to `OUTPUT.features` (float32, 3000 sets
 * of features a scene), `OUTPUT.labels` (a byte for each set) and `OUTPUT.json`
 * (the noises of each scene). `MIX` is what there is more of: see `SceneMix` in `scenes.ts`.
 *
 * @module
 */

import { HOP, SpeechFeatures } from "../src/vad/speech_features.ts";
import { Corpus, SCENE_MIXES, trainingScene } from "./scenes.ts";
import type { Role } from "./sources.ts";

if (import.meta.main) {
  const [folder, output, role, first, count, mixName = "usual"] = Deno.args;
  const mix = SCENE_MIXES.find((mix) => mix === mixName);
  if (count === undefined || mix === undefined) {
    console.error(
      `Cannot start: usage is features.ts CORPUS OUTPUT train|tune FIRST COUNT [${
        SCENE_MIXES.join("|")
      }]`,
    );
    Deno.exit(2);
  }
  const corpus = new Corpus(folder!, role as Role);
  using features = await Deno.create(`${output}.features`);
  using labels = await Deno.create(`${output}.labels`);
  const noises: (readonly string[])[] = [];
  for (let i = 0; i < Number(count); i++) {
    const scene = trainingScene(
      corpus,
      Number(first) + i,
      mix,
    );
    const values = featuresOf(scene.samples);
    await writeAll(features, new Uint8Array(values.buffer));
    await writeAll(labels, scene.labels);
    noises.push(scene.noises);
    if (i % 100 === 99) console.log(`${i + 1} scenes`);
  }
  await Deno.writeTextFile(`${output}.json`, JSON.stringify(noises));
}

/**
 * Computes the features of a scene.
 *
 * @param samples PCM16 at 24 kHz.
 * @returns The sets, one behind another.
 */
function featuresOf(samples: Int16Array): Float32Array<ArrayBuffer> {
  const extractor = new SpeechFeatures();
  const hop = new Float64Array(HOP);
  const hops = Math.floor(samples.length / HOP);
  const width = extractor.values.length;
  const values = new Float32Array(hops * width);
  for (let i = 0; i < hops; i++) {
    for (let k = 0; k < HOP; k++) hop[k] = samples[i * HOP + k]! / 32_768;
    extractor.push(hop);
    values.set(extractor.values, i * width);
  }
  return values;
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await file.write(bytes.subarray(at));
  }
}
