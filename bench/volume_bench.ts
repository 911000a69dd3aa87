/** RMS volume: `deno task bench`. */

import { rmsVolume } from "../mod.ts";
import { consume } from "./sink.ts";
import { inTurn, speechlikeFrames } from "./speechlike.ts";

function withOneSum(samples: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i]!;
    sum += sample * sample;
  }
  return Math.sqrt(sum / samples.length) / 32_768;
}

/** What the Python class does: a copy as float32 first. */
function withFloatCopy(samples: Int16Array): number {
  const copy = new Float32Array(samples.length);
  for (let i = 0; i < copy.length; i++) copy[i] = samples[i]! / 32_768;
  let sum = 0;
  for (let i = 0; i < copy.length; i++) sum += copy[i]! * copy[i]!;
  return Math.sqrt(sum / copy.length);
}

for (const [size, blockFrames] of [["20 ms", 480], ["200 ms", 4800]] as const) {
  const group = `RMS of ${size}`;
  const next = inTurn(speechlikeFrames(blockFrames));
  Deno.bench(`rmsVolume(), ${size}`, { group }, () => {
    consume(rmsVolume(next().samples));
  });
  Deno.bench(`one sum, ${size}`, { group, baseline: true }, () => {
    consume(withOneSum(next().samples));
  });
  Deno.bench(`a copy as float32, ${size}`, { group }, () => {
    consume(withFloatCopy(next().samples));
  });
}
