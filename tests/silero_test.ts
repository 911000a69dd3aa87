import { assert, assertAlmostEquals, assertThrows } from "@std/assert";
import { readOnnxTensors } from "../src/vad/onnx_tensors.ts";
import { SileroDetector } from "../src/vad/silero_detector.ts";
import { SILERO_HOP, SileroNetwork } from "../src/vad/silero_network.ts";

/** Silero's tensors and their shapes, as its file has them. */
const SHAPES: Record<string, number[]> = {
  "model.stft.forward_basis_buffer": [258, 1, 256],
  "model.encoder.0.reparam_conv.weight": [128, 129, 3],
  "model.encoder.0.reparam_conv.bias": [128],
  "model.encoder.1.reparam_conv.weight": [64, 128, 3],
  "model.encoder.1.reparam_conv.bias": [64],
  "model.encoder.2.reparam_conv.weight": [64, 64, 3],
  "model.encoder.2.reparam_conv.bias": [64],
  "model.encoder.3.reparam_conv.weight": [128, 64, 3],
  "model.encoder.3.reparam_conv.bias": [128],
  "model.decoder.rnn.weight_ih": [512, 128],
  "model.decoder.rnn.weight_hh": [512, 128],
  "model.decoder.rnn.bias_ih": [512],
  "model.decoder.rnn.bias_hh": [512],
  "model.decoder.decoder.2.weight": [1, 128, 1],
  "model.decoder.decoder.2.bias": [1],
};

type Tensors = Record<string, Float32Array>;

/** A fake of the model: its shapes, and weights of chance. */
function fakeTensors(): Tensors {
  let state = 7;
  const random = () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0;
    return state / 2 ** 31;
  };
  const tensors: Tensors = {};
  for (const [name, shape] of Object.entries(SHAPES)) {
    const count = shape.reduce((a, b) => a * b, 1);
    const scale = 1.5 / Math.sqrt(count / shape[0]!);
    tensors[name] = Float32Array.from(
      { length: count },
      () => scale * random(),
    );
  }
  const basis = tensors["model.stft.forward_basis_buffer"]!;
  for (let bin = 0; bin < 129; bin++) {
    for (let i = 0; i < 256; i++) {
      const window = 0.5 - 0.5 * Math.cos(2 * Math.PI * i / 256);
      const angle = 2 * Math.PI * bin * i / 256;
      basis[bin * 256 + i] = window * Math.cos(angle);
      basis[(129 + bin) * 256 + i] = -window * Math.sin(angle);
    }
  }
  return tensors;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) {
    bytes.push(value % 128 + 128);
  }
  return [...bytes, value];
}

function field(number: number, content: Uint8Array): Uint8Array {
  const head = [...varint(number * 8 + 2), ...varint(content.length)];
  const bytes = new Uint8Array(head.length + content.length);
  bytes.set(head);
  bytes.set(content, head.length);
  return bytes;
}

function concat(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Writes what the reader reads, and fields that it must skip. */
function onnxOf(tensors: Tensors, shapes = SHAPES): Uint8Array {
  const initializers = Object.entries(tensors).map(([name, values]) =>
    field(
      5,
      concat([
        field(1, new Uint8Array(shapes[name]!.flatMap(varint))),
        new Uint8Array([2 * 8, 1]),
        field(8, new TextEncoder().encode(name)),
        field(9, new Uint8Array(values.buffer)),
      ]),
    )
  );
  const producer = field(2, new TextEncoder().encode("test"));
  return concat([
    new Uint8Array([8, 8]),
    producer,
    field(7, concat([field(1, new Uint8Array(3)), ...initializers])),
  ]);
}

/** The network by its definition, without any cleverness. */
function reference(tensors: Tensors, hops: Float64Array[]): number[] {
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const context = new Float64Array(64);
  const hidden = new Float64Array(128);
  const cell = new Float64Array(128);
  return hops.map((hop) => {
    const heard = [...context, ...hop];
    context.set(hop.subarray(448));
    for (let i = 0; i < 64; i++) heard.push(heard[574 - i]!);
    const basis = tensors["model.stft.forward_basis_buffer"]!;
    let times: number[][] = [];
    for (let time = 0; time < 4; time++) {
      const sums = Array.from({ length: 258 }, (_, row) => {
        let sum = 0;
        for (let i = 0; i < 256; i++) {
          sum += basis[row * 256 + i]! * heard[time * 128 + i]!;
        }
        return sum;
      });
      times.push(
        sums.slice(0, 129).map((re, bin) => Math.hypot(re, sums[129 + bin]!)),
      );
    }
    for (const [layer, stride] of [1, 2, 2, 1].entries()) {
      const name = `model.encoder.${layer}.reparam_conv`;
      const weight = tensors[`${name}.weight`]!;
      const bias = tensors[`${name}.bias`]!;
      const inputs = times[0]!.length;
      const next: number[][] = [];
      for (let time = 0; time < times.length; time += stride) {
        next.push([...bias].map((start, output) => {
          let sum = start;
          for (let tap = 0; tap < 3; tap++) {
            const from = times[time + tap - 1];
            for (let input = 0; from && input < inputs; input++) {
              sum += weight[(output * inputs + input) * 3 + tap]! *
                from[input]!;
            }
          }
          return Math.max(0, sum);
        }));
      }
      times = next;
    }
    const gate = (row: number) => {
      let sum = tensors["model.decoder.rnn.bias_ih"]![row]! +
        tensors["model.decoder.rnn.bias_hh"]![row]!;
      for (let i = 0; i < 128; i++) {
        sum += tensors["model.decoder.rnn.weight_ih"]![row * 128 + i]! *
          times[0]![i]!;
        sum += tensors["model.decoder.rnn.weight_hh"]![row * 128 + i]! *
          hidden[i]!;
      }
      return sum;
    };
    const gates = Array.from({ length: 512 }, (_, row) => gate(row));
    let sum = tensors["model.decoder.decoder.2.bias"]![0]!;
    for (let i = 0; i < 128; i++) {
      cell[i] = sigmoid(gates[128 + i]!) * cell[i]! +
        sigmoid(gates[i]!) * Math.tanh(gates[256 + i]!);
      hidden[i] = sigmoid(gates[384 + i]!) * Math.tanh(cell[i]!);
      sum += tensors["model.decoder.decoder.2.weight"]![i]! *
        Math.max(0, hidden[i]!);
    }
    return sigmoid(sum);
  });
}

Deno.test("SileroNetwork computes what its definition says, from the weights of the file", () => {
  const tensors = fakeTensors();
  const network = new SileroNetwork(onnxOf(tensors));
  const hops = Array.from(
    { length: 6 },
    (_, hop) =>
      Float64Array.from(
        { length: SILERO_HOP },
        (_, i) => Math.sin((hop * 512 + i) * (0.05 + hop / 40)) * hop / 6,
      ),
  );
  const expected = reference(tensors, hops);
  assert(Math.max(...expected) - Math.min(...expected) > 0.001);
  for (const times of ["first", "after a reset"]) {
    for (const [i, hop] of hops.entries()) {
      assertAlmostEquals(network.step(hop), expected[i]!, 1e-6, times);
    }
    network.reset();
  }
});

Deno.test("SileroDetector gives one score for each 32 ms, at 24 kHz too", () => {
  const detector = new SileroDetector(onnxOf(fakeTensors()));
  const samples = Int16Array.from(
    { length: 768 },
    (_, i) => 9000 * Math.sin(i),
  );
  const scores = Array.from(
    { length: 5 },
    () => detector.score(samples, { sampleRate: 24_000, channelCount: 1 }),
  );
  assert(scores.slice(1).every((score) => score > 0 && score < 1));
  assert(new Set(scores).size > 3);
});

const WHOLE = onnxOf(fakeTensors());

for (
  const [what, file, message] of [
    ["nothing", new Uint8Array(0), "it holds no weights"],
    ["text", new TextEncoder().encode("hello, world"), "Cannot read the file"],
    ["a file that is cut off", WHOLE.subarray(0, 5000), "it is cut off"],
    [
      "a tensor that is longer than its shape",
      onnxOf({ a: new Float32Array(3) }, { a: [2] }),
      '"a" should hold 2 numbers and holds 3',
    ],
    [
      "another model",
      onnxOf({ a: new Float32Array(2) }, { a: [2] }),
      'has no "model.stft.forward_basis_buffer" of the shape [258,1,256]',
    ],
    [
      "a basis that is no Fourier transform",
      onnxOf({
        ...fakeTensors(),
        "model.stft.forward_basis_buffer": new Float32Array(258 * 256).fill(1),
      }),
      "does not begin with a Fourier transform",
    ],
  ] as const
) {
  Deno.test(`SileroNetwork refuses ${what}`, () => {
    assertThrows(() => new SileroNetwork(file), TypeError, message);
  });
}

Deno.test("readOnnxTensors() ends, with an error or not, whatever the bytes are", () => {
  let state = 3;
  for (let run = 0; run < 300; run++) {
    const file = WHOLE.slice(0, 20_000);
    for (let change = 0; change < 5; change++) {
      state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0;
      file[(state >>> 8) % 400] = state >>> 24;
    }
    try {
      readOnnxTensors(file);
    } catch (error) {
      assert(error instanceof TypeError, String(error));
    }
  }
});
