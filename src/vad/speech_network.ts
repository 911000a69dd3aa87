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
 * A dense layer with tanh, one or two layers of gated recurrent units (K. Cho et
 * al., Learning Phrase Representations using RNN Encoder–Decoder, 2014, in
 * PyTorch's form) and a sigmoid. Nothing is allocated from one frame to the next.
 */
export class SpeechNetwork {
  readonly #dense: Linear;
  readonly #layers: readonly GatedLayer[];
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
    this.#layers = ["gru", "gru2"]
      .filter((name) => `${name}.weight_ih_l0` in weights)
      .map((name) =>
        new GatedLayer(
          linearOf(`${name}.weight_ih_l0`, `${name}.bias_ih_l0`),
          linearOf(`${name}.weight_hh_l0`, `${name}.bias_hh_l0`),
        )
      );
    this.#out = linearOf("out.weight", "out.bias");
  }

  /** Forgets everything heard. */
  reset(): void {
    for (const layer of this.#layers) layer.state.fill(0);
  }

  /**
   * Takes the features of the next 10 ms.
   *
   * @param features As {@linkcode SpeechFeatures.values}.
   * @returns The probability of speech, 0.0–1.0.
   */
  step(features: Float64Array): number {
    this.#dense.apply(features);
    let values = this.#dense.output;
    for (let i = 0; i < values.length; i++) values[i] = Math.tanh(values[i]!);
    for (let i = 0; i < this.#layers.length; i++) {
      values = this.#layers[i]!.step(values);
    }
    this.#out.apply(values);
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
    this.state = new Float64Array(input.output.length / 3);
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
      const proposal = Math.tanh(
        input[2 * count + i]! + reset * recurrent[2 * count + i]!,
      );
      state[i] = proposal + keep * (state[i]! - proposal);
    }
    return state;
  }
}

/** `output = weights × input + bias`. */
class Linear {
  readonly output: Float64Array;
  readonly #weights: Float64Array;
  readonly #bias: Float64Array;

  constructor(weights: Float64Array, bias: Float64Array) {
    this.#weights = weights;
    this.#bias = bias;
    this.output = new Float64Array(bias.length);
  }

  apply(input: Float64Array): void {
    const weights = this.#weights;
    const bias = this.#bias;
    const output = this.output;
    const width = input.length;
    const paired = width & ~3;
    let at = 0;
    for (let row = 0; row < output.length; row++) {
      // Four sums keep the additions from waiting for each other.
      let a = bias[row]!;
      let b = 0;
      let c = 0;
      let d = 0;
      let i = 0;
      for (; i < paired; i += 4, at += 4) {
        a += weights[at]! * input[i]!;
        b += weights[at + 1]! * input[i + 1]!;
        c += weights[at + 2]! * input[i + 2]!;
        d += weights[at + 3]! * input[i + 3]!;
      }
      for (; i < width; i++, at++) a += weights[at]! * input[i]!;
      output[row] = a + b + (c + d);
    }
  }
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function tensorOf({ step, base64 }: QuantizedTensor): Float64Array {
  return Float64Array.from(base64ToPcm16(base64), (whole) => whole * step);
}
