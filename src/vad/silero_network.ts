/**
 * Silero's network (github.com/snakers4/silero-vad, versions 5 and 6, 16 kHz),
 * computed in plain TypeScript from the weights of its ONNX file.
 *
 * @module
 */

import { readOnnxTensors } from "./onnx_tensors.ts";
import { PowerSpectrum } from "./power_spectrum.ts";

/** Samples per second that it wants. */
export const SILERO_RATE = 16_000;

/** New samples in each step: 32 ms. */
export const SILERO_HOP = 512;

/** Samples of the last step that come before them. */
const CONTEXT = 64;

/** A spectrum of 256 samples each 128, the end mirrored by 64 samples. */
const WINDOW = 256;
const STRIDE = 128;
const MIRROR = 64;
const BINS = WINDOW / 2 + 1;
const TIMES = 4;

/** Units of the recurrent layer. */
const UNITS = 128;

/** Tensors of the file, and their shapes. */
const BASIS = "model.stft.forward_basis_buffer";
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  [BASIS]: [2 * BINS, 1, WINDOW],
  "model.encoder.0.reparam_conv.weight": [128, BINS, 3],
  "model.encoder.0.reparam_conv.bias": [128],
  "model.encoder.1.reparam_conv.weight": [64, 128, 3],
  "model.encoder.1.reparam_conv.bias": [64],
  "model.encoder.2.reparam_conv.weight": [64, 64, 3],
  "model.encoder.2.reparam_conv.bias": [64],
  "model.encoder.3.reparam_conv.weight": [128, 64, 3],
  "model.encoder.3.reparam_conv.bias": [128],
  "model.decoder.rnn.weight_ih": [4 * UNITS, UNITS],
  "model.decoder.rnn.weight_hh": [4 * UNITS, UNITS],
  "model.decoder.rnn.bias_ih": [4 * UNITS],
  "model.decoder.rnn.bias_hh": [4 * UNITS],
  "model.decoder.decoder.2.weight": [1, UNITS, 1],
  "model.decoder.decoder.2.bias": [1],
};

/** How far the file's basis may be from a windowed Fourier transform. */
const BASIS_TOLERANCE = 1e-4;

/**
 * Gives the probability of speech for each 32 ms. Nothing is allocated from one
 * step to the next.
 */
export class SileroNetwork {
  readonly #window: Float32Array;
  readonly #encoder: readonly Convolution[];
  readonly #input: Float32Array;
  readonly #recurrent: Float32Array;
  readonly #gateBias: Float32Array;
  readonly #out: Float32Array;
  readonly #outBias: number;
  readonly #spectrum = new PowerSpectrum(WINDOW);
  readonly #samples = new Float64Array(CONTEXT + SILERO_HOP + MIRROR);
  readonly #windowed = new Float64Array(WINDOW);
  readonly #power = new Float64Array(BINS);
  readonly #magnitudes = new Float64Array(TIMES * BINS);
  readonly #gates = new Float64Array(4 * UNITS);
  readonly #hidden = new Float64Array(UNITS);
  readonly #cell = new Float64Array(UNITS);

  /**
   * Takes the weights out of the file.
   *
   * @param file The bytes of `silero_vad_16k_op15.onnx`.
   * @throws {TypeError} When they are no ONNX file, or not this model.
   */
  constructor(file: Uint8Array) {
    const tensors = readOnnxTensors(file);
    const valuesOf = (name: string) => {
      const tensor = tensors.get(name);
      if (tensor?.dims.join() !== SHAPES[name]!.join()) {
        throw notSilero(`has no "${name}" of the shape [${SHAPES[name]}]`);
      }
      return tensor.values;
    };
    this.#window = windowOf(valuesOf(BASIS));
    const layer = (index: number, timesIn: number, stride: number) => {
      const name = `model.encoder.${index}.reparam_conv`;
      const [outputs, inputs] = SHAPES[`${name}.weight`]!;
      return new Convolution(
        valuesOf(`${name}.weight`),
        valuesOf(`${name}.bias`),
        { inputs: inputs!, outputs: outputs!, timesIn, stride },
      );
    };
    this.#encoder = [
      layer(0, 4, 1),
      layer(1, 4, 2),
      layer(2, 2, 2),
      layer(3, 1, 1),
    ];
    this.#input = valuesOf("model.decoder.rnn.weight_ih");
    this.#recurrent = valuesOf("model.decoder.rnn.weight_hh");
    const bias = valuesOf("model.decoder.rnn.bias_hh");
    this.#gateBias = valuesOf("model.decoder.rnn.bias_ih")
      .map((value, i) => value + bias[i]!);
    this.#out = valuesOf("model.decoder.decoder.2.weight");
    this.#outBias = valuesOf("model.decoder.decoder.2.bias")[0]!;
  }

  /** Forgets everything heard. */
  reset(): void {
    this.#samples.fill(0);
    this.#hidden.fill(0);
    this.#cell.fill(0);
  }

  /**
   * Takes the next 32 ms.
   *
   * @param samples 512 mono samples at 16 kHz, −1.0–1.0.
   * @returns The probability of speech, 0.0–1.0.
   */
  step(samples: Float64Array): number {
    const heard = this.#samples;
    const end = CONTEXT + SILERO_HOP;
    heard.copyWithin(0, SILERO_HOP, end);
    heard.set(samples, CONTEXT);
    for (let i = 0; i < MIRROR; i++) heard[end + i] = heard[end - 2 - i]!;
    this.#measure();
    let values: Float64Array = this.#magnitudes;
    for (let i = 0; i < this.#encoder.length; i++) {
      values = this.#encoder[i]!.apply(values);
    }
    return this.#remember(values);
  }

  #measure(): void {
    const windowed = this.#windowed;
    const window = this.#window;
    const power = this.#power;
    for (let time = 0; time < TIMES; time++) {
      for (let i = 0; i < WINDOW; i++) {
        windowed[i] = this.#samples[time * STRIDE + i]! * window[i]!;
      }
      this.#spectrum.compute(windowed, power);
      for (let bin = 0; bin < BINS; bin++) {
        this.#magnitudes[time * BINS + bin] = Math.sqrt(power[bin]!);
      }
    }
  }

  /** Long short-term memory, its gates in PyTorch's order. */
  #remember(values: Float64Array): number {
    const gates = this.#gates;
    const hidden = this.#hidden;
    const cell = this.#cell;
    for (let row = 0; row < gates.length; row++) {
      gates[row] = this.#gateBias[row]! +
        dot(this.#input, row * UNITS, values, 0, UNITS) +
        dot(this.#recurrent, row * UNITS, hidden, 0, UNITS);
    }
    let sum = this.#outBias;
    for (let i = 0; i < UNITS; i++) {
      const input = sigmoid(gates[i]!);
      const forget = sigmoid(gates[UNITS + i]!);
      const proposal = Math.tanh(gates[2 * UNITS + i]!);
      const output = sigmoid(gates[3 * UNITS + i]!);
      cell[i] = forget * cell[i]! + input * proposal;
      hidden[i] = output * Math.tanh(cell[i]!);
      if (hidden[i]! > 0) sum += this.#out[i]! * hidden[i]!;
    }
    return sigmoid(sum);
  }
}

/** A convolution over time with a kernel of 3, padded by 1, and a ReLU. */
class Convolution {
  /** By tap, output, input: what is added up lies together. */
  readonly #weights: Float32Array;
  readonly #bias: Float32Array;
  readonly #inputs: number;
  readonly #outputs: number;
  readonly #timesIn: number;
  readonly #stride: number;
  readonly #values: Float64Array;

  constructor(
    weights: Float32Array,
    bias: Float32Array,
    { inputs, outputs, timesIn, stride }: {
      readonly inputs: number;
      readonly outputs: number;
      readonly timesIn: number;
      readonly stride: number;
    },
  ) {
    this.#weights = new Float32Array(weights.length);
    for (let at = 0; at < weights.length; at++) {
      const tap = at % 3;
      this.#weights[tap * inputs * outputs + (at - tap) / 3] = weights[at]!;
    }
    this.#bias = bias;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#timesIn = timesIn;
    this.#stride = stride;
    this.#values = new Float64Array(Math.ceil(timesIn / stride) * outputs);
  }

  apply(input: Float64Array): Float64Array {
    const inputs = this.#inputs;
    const outputs = this.#outputs;
    const values = this.#values;
    const timesOut = values.length / outputs;
    for (let time = 0; time < timesOut; time++) {
      for (let output = 0; output < outputs; output++) {
        let sum = this.#bias[output]!;
        for (let tap = 0; tap < 3; tap++) {
          const from = time * this.#stride + tap - 1;
          if (from < 0 || from >= this.#timesIn) continue;
          const row = (tap * outputs + output) * inputs;
          sum += dot(this.#weights, row, input, from * inputs, inputs);
        }
        values[time * outputs + output] = sum > 0 ? sum : 0;
      }
    }
    return values;
  }
}

function dot(
  a: Float32Array,
  aAt: number,
  b: Float64Array,
  bAt: number,
  count: number,
): number {
  let p = 0;
  let q = 0;
  let r = 0;
  let s = 0;
  const whole = count & ~3;
  let i = 0;
  for (; i < whole; i += 4) {
    p += a[aAt + i]! * b[bAt + i]!;
    q += a[aAt + i + 1]! * b[bAt + i + 1]!;
    r += a[aAt + i + 2]! * b[bAt + i + 2]!;
    s += a[aAt + i + 3]! * b[bAt + i + 3]!;
  }
  for (; i < count; i++) p += a[aAt + i]! * b[bAt + i]!;
  return p + q + (r + s);
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/**
 * Takes the window out of the basis, which is the window times cosines and minus
 * sines; that is what lets an FFT take the place of 258 sums of products.
 */
function windowOf(basis: Float32Array): Float32Array {
  const window = basis.slice(0, WINDOW);
  for (let bin = 0; bin < BINS; bin++) {
    for (let i = 0; i < WINDOW; i++) {
      const angle = 2 * Math.PI * bin * i / WINDOW;
      const cosine = basis[bin * WINDOW + i]! - window[i]! * Math.cos(angle);
      const sine = basis[(BINS + bin) * WINDOW + i]! +
        window[i]! * Math.sin(angle);
      if (Math.max(Math.abs(cosine), Math.abs(sine)) > BASIS_TOLERANCE) {
        throw notSilero("does not begin with a Fourier transform");
      }
    }
  }
  return window;
}

function notSilero(reason: string): TypeError {
  return new TypeError(
    `Cannot use the model as it ${reason}: give the file silero_vad_16k_op15.onnx of Silero 5 or 6`,
  );
}
