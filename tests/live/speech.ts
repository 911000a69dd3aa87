/** Speech to play, and to find again in what was captured. */

import { assert } from "@std/assert";
import { readWav } from "../../mod.ts";

const SENTENCE =
  "Hello there. This is a test of the microphone, one, two, three.";

/** Runs a program to its end. */
export async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args })
    .output();
  assert(success, `${command}: ${new TextDecoder().decode(stderr)}`);
}

/** Speech as a WAV to play, and as the 24 kHz samples that should arrive. */
export async function makeSpeech(folder: string, sentence = SENTENCE) {
  const path = `${folder}/speech.wav`;
  const original = `${folder}/original.wav`;
  await run("espeak-ng", "-w", `${folder}/raw.wav`, sentence);
  await run("sox", `${folder}/raw.wav`, "-r", "48000", "-b", "16", path);
  await run("sox", path, "-r", "24000", "-b", "16", original);
  return { path, samples: readWav(await Deno.readFile(original)).samples };
}

/** Averages of 8 samples: 3 kHz are enough to find speech by. */
function thinned(samples: Int16Array): Float64Array {
  const result = new Float64Array(Math.floor(samples.length / 8));
  for (let i = 0; i < result.length * 8; i++) {
    result[i >> 3]! += samples[i]! / 8;
  }
  return result;
}

/** The best normalised correlation (0–1) of a pattern at a range of lags. */
function correlate(
  pattern: Int16Array | Float64Array,
  signal: Int16Array | Float64Array,
  fromLag: number,
  toLag: number,
): { lag: number; correlation: number } {
  let patternEnergy = 0;
  for (const value of pattern) patternEnergy += value * value;
  let best = { lag: 0, correlation: 0 };
  for (let lag = Math.max(0, fromLag); lag <= toLag; lag++) {
    let product = 0;
    let energy = 0;
    for (let i = 0; i < pattern.length; i++) {
      const value = signal[lag + i] ?? 0;
      product += pattern[i]! * value;
      energy += value * value;
    }
    const correlation = product / Math.sqrt(patternEnergy * energy + 1);
    if (correlation > best.correlation) best = { lag, correlation };
  }
  return best;
}

/** How surely a pattern is somewhere within a longer signal, 0–1. */
export function likeness(pattern: Int16Array, signal: Int16Array): number {
  const thinSignal = thinned(signal);
  const { lag } = correlate(thinned(pattern), thinSignal, 0, thinSignal.length);
  return correlate(pattern, signal, lag * 8 - 16, lag * 8 + 16).correlation;
}
