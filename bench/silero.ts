/**
 * Compares our computation of Silero's network with ONNX Runtime's, block by
 * block, and says how far they are apart.
 *
 * ```sh
 * deno task bench:silero silero_vad_16k_op15.onnx recording.wav …
 * ```
 *
 * The recordings are WAV files of 16 kHz. ONNX Runtime comes from npm, for this
 * alone. On recorded voices the two are some 1e-6 apart. We add in 64 bits, ONNX
 * Runtime in 32: on synthesised speech between digital silence that alone can move
 * a probability by 1.5e-5, and 32-bit sums in another order by 3e-5.
 *
 * @module
 */

import { readWav } from "../mod.ts";
import {
  SILERO_HOP,
  SILERO_RATE,
  SileroNetwork,
} from "../src/vad/silero_network.ts";

/** Not a literal, so that nobody needs it who does not measure. */
const ONNX_RUNTIME = "npm:onnxruntime-node@1.23.2";

/** The largest difference that is none. */
const TOLERANCE = 1e-5;

/** Samples of the last block that ONNX Runtime is given before the next. */
const CONTEXT = 64;

/** Numbers of the recurrent layer's state, for two vectors of 128. */
const STATE_SHAPE = [2, 1, 128];

if (import.meta.main) {
  const [model, ...recordings] = Deno.args;
  if (model === undefined || recordings.length === 0) {
    console.error("Cannot start: usage is bench:silero MODEL.onnx FILE.wav …");
    Deno.exit(2);
  }
  let isNear = true;
  for (const path of recordings) {
    const samples = samplesOf(path);
    const expected = await runtimeScores(model, samples);
    const network = new SileroNetwork(Deno.readFileSync(model));
    let worst = 0;
    for (const [i, score] of expected.entries()) {
      const difference = Math.abs(network.step(hopOf(samples, i)) - score);
      worst = Math.max(worst, difference);
    }
    isNear &&= worst <= TOLERANCE;
    console.log(
      `${path}: ${expected.length} blocks, largest difference ${
        worst.toExponential(1)
      }`,
    );
  }
  if (!isNear) Deno.exit(1);
}

function samplesOf(path: string): Int16Array {
  const { format, samples } = readWav(Deno.readFileSync(path));
  if (format.sampleRate === SILERO_RATE && format.channelCount === 1) {
    return samples;
  }
  throw new TypeError(
    `Cannot use "${path}" as it must be mono, of ${SILERO_RATE} Hz: convert it with sox`,
  );
}

function hopOf(samples: Int16Array, index: number): Float64Array {
  const begin = index * SILERO_HOP;
  return Float64Array.from(
    samples.subarray(begin, begin + SILERO_HOP),
    (sample) => sample / 32_768,
  );
}

async function runtimeScores(
  model: string,
  samples: Int16Array,
): Promise<number[]> {
  const { InferenceSession, Tensor } = (await import(ONNX_RUNTIME)).default;
  const session = await InferenceSession.create(model);
  const rate = new Tensor("int64", BigInt64Array.of(BigInt(SILERO_RATE)), []);
  const block = new Float32Array(CONTEXT + SILERO_HOP);
  let state = new Tensor("float32", new Float32Array(256), STATE_SHAPE);
  const scores: number[] = [];
  const count = Math.floor(samples.length / SILERO_HOP);
  for (let i = 0; i < count; i++) {
    block.copyWithin(0, SILERO_HOP);
    block.set(hopOf(samples, i), CONTEXT);
    const input = new Tensor("float32", block, [1, block.length]);
    const { output, stateN } = await session.run({ input, state, sr: rate });
    scores.push(output.data[0]);
    state = stateN;
  }
  return scores;
}
