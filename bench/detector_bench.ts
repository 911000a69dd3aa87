/** Voice activity detectors, 20 ms at a time: `deno task bench`. */

import { EnergyDetector, NeuralDetector, RmsDetector } from "../mod.ts";
import { consume } from "./sink.ts";
import { FORMAT, inTurn, speechlikeFrames } from "./speechlike.ts";

const group = "VAD of 20 ms";
const next = inTurn(speechlikeFrames(480));
const rms = new RmsDetector();
const energy = new EnergyDetector();
const neural = new NeuralDetector();

Deno.bench("RMS above a threshold", { group, baseline: true }, () => {
  consume(rms.score(next().samples));
});
Deno.bench("energy", { group }, () => {
  consume(energy.score(next().samples, FORMAT));
});
Deno.bench("neural, two blocks of 10 ms", { group }, () => {
  const { samples } = next();
  consume(neural.score(samples.subarray(0, 240), FORMAT));
  consume(neural.score(samples.subarray(240), FORMAT));
});
