/**
 * The neural detector's network: features in, the probability of speech out.
 *
 * @module
 */

import { base64ToPcm16 } from "../base64.ts";
import { type QuantizedTensor, SPEECH_WEIGHTS } from "./speech_weights.ts";

/** Tensors by their names in PyTorch. */
export type SpeechWeights = Readonly<Record<string, QuantizedTensor>>;

/**
 * A dense layer with tanh, a layer of gated recurrent units (K. Cho et al., Learning
 * Phrase Representations using RNN Encoder–Decoder, 2014, in PyTorch's form) and a
 * sigmoid. Nothing is allocated from one frame to the next.
 */
export class SpeechNetwork {
  readonly #dense: Linear;
  readonly #recurrent: GatedLayer;
  readonly #out: Linear;

  /**
   * Unpacks the weights, which takes a millisecond.
   *
   * @param weights The tensors, as `train/train.py` prints them.
   */
  constructor(weights: SpeechWeights = SPEECH_WEIGHTS) {
    const linearOf = (matrix: string, bias: string) =>
      new Linear(tensorOf(weights[matrix]!), tensorOf(weights[bias]!));
    this.#dense = linearOf("dense.weight", "dense.bias");
    this.#recurrent = new GatedLayer(
      linearOf("gru.weight_ih_l0", "gru.bias_ih_l0"),
      linearOf("gru.weight_hh_l0", "gru.bias_hh_l0"),
    );
    this.#out = linearOf("out.weight", "out.bias");
  }

  /** Forgets everything heard. */
  reset(): void {
    this.#recurrent.state.fill(0);
  }

  /**
   * Takes the features of the next 10 ms.
   *
   * @param features As {@linkcode SpeechFeatures.values}.
   * @returns The probability of speech, 0.0–1.0.
   */
  step(features: Float64Array): number {
    this.#dense.apply(features);
    const values = this.#dense.output;
    for (let i = 0; i < values.length; i++) values[i] = tanh(values[i]!);
    this.#out.apply(this.#recurrent.step(values));
    return sigmoid(this.#out.output[0]!);
  }
}

class GatedLayer {
  readonly state: Float64Array;
  readonly #input: Linear;
  readonly #recurrent: Linear;

  constructor(input: Linear, recurrent: Linear) {
    this.#input = input;
    this.#recurrent = recurrent;
    this.state = new Float64Array(input.rowCount / 3);
  }

  step(values: Float64Array): Float64Array {
    const state = this.state;
    this.#input.apply(values);
    this.#recurrent.apply(state);
    const input = this.#input.output;
    const recurrent = this.#recurrent.output;
    const count = state.length;
    for (let i = 0; i < count; i++) {
      const reset = sigmoid(input[i]! + recurrent[i]!);
      const keep = sigmoid(input[count + i]! + recurrent[count + i]!);
      const proposal = tanh(
        input[2 * count + i]! + reset * recurrent[2 * count + i]!,
      );
      state[i] = proposal + keep * (state[i]! - proposal);
    }
    return state;
  }
}

/** Rows of a matrix that are multiplied at a time: each input is loaded once. */
const ROWS = 4;

/**
 * `output = weights × input + bias`.
 *
 * The weights stand in the order in which they are read: the first of four rows,
 * the second of them, and so on. As 32-bit numbers they would need half of the
 * memory, which is 350 kB, and each a conversion: 1.2 times the time.
 */
class Linear {
  /** The result, and zeros up to a whole number of four. */
  readonly output: Float64Array;
  /** Numbers in the result. */
  readonly rowCount: number;
  readonly #weights: Float64Array;
  readonly #bias: Float64Array;

  constructor(weights: Float64Array, bias: Float64Array) {
    this.rowCount = bias.length;
    const width = weights.length / bias.length;
    const paddedCount = Math.ceil(bias.length / ROWS) * ROWS;
    this.output = new Float64Array(paddedCount);
    this.#bias = new Float64Array(paddedCount);
    this.#bias.set(bias);
    this.#weights = new Float64Array(paddedCount * width);
    for (let row = 0; row < bias.length; row++) {
      const first = (row - row % ROWS) * width + row % ROWS;
      for (let i = 0; i < width; i++) {
        this.#weights[first + i * ROWS] = weights[row * width + i]!;
      }
    }
  }

  apply(input: Float64Array): void {
    const weights = this.#weights;
    const bias = this.#bias;
    const output = this.output;
    const width = weights.length / output.length;
    let at = 0;
    for (let row = 0; row < output.length; row += ROWS) {
      let a = bias[row]!;
      let b = bias[row + 1]!;
      let c = bias[row + 2]!;
      let d = bias[row + 3]!;
      for (let i = 0; i < width; i++, at += ROWS) {
        const value = input[i]!;
        a += weights[at]! * value;
        b += weights[at + 1]! * value;
        c += weights[at + 2]! * value;
        d += weights[at + 3]! * value;
      }
      output[row] = a;
      output[row + 1] = b;
      output[row + 2] = c;
      output[row + 3] = d;
    }
  }
}

function sigmoid(x: number): number {
  return 0.5 + 0.5 * tanh(0.5 * x);
}

/**
 * To 3e-7, in a quarter of the time of `Math.tanh`, for which V8 calls a function of
 * C: by the continued fraction of J. H. Lambert (1768), cut off behind 13, for the
 * half of the argument, from which `tanh 2y = 2 tanh y / (1 + tanh² y)`.
 */
function tanh(x: number): number {
  const y = x > 8 ? 4 : x < -8 ? -4 : 0.5 * x;
  const s = y * y;
  const t = y * (135_135 + s * (17_325 + s * (378 + s))) /
    (135_135 + s * (62_370 + s * (3150 + s * 28)));
  return 2 * t / (1 + t * t);
}

function tensorOf({ step, base64 }: QuantizedTensor): Float64Array {
  return Float64Array.from(base64ToPcm16(base64), (whole) => whole * step);
}
