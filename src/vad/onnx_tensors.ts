/**
 * The weights in an ONNX file.
 *
 * Only what is needed of the format is read: ONNX is a protobuf (onnx.proto3 of
 * the ONNX project), of which the model's graph and its initializers are looked
 * at, nothing else.
 *
 * @module
 */

/** A tensor of 32-bit floats. */
export interface OnnxTensor {
  /** Its shape. */
  readonly dims: readonly number[];
  /** Its values, the last dimension running fastest. */
  readonly values: Float32Array;
}

/** Field numbers of `ModelProto`, `GraphProto` and `TensorProto`. */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_DIMS = 1;
const TENSOR_DATA_TYPE = 2;
const TENSOR_NAME = 8;
const TENSOR_RAW_DATA = 9;

const FLOAT = 1;

/** How protobuf encodes a field. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/**
 * Reads the initializers of an ONNX file that are 32-bit floats.
 *
 * @param file The file's bytes.
 * @returns The tensors, by name.
 * @throws {TypeError} When the bytes are no ONNX file, or are cut off.
 */
export function readOnnxTensors(file: Uint8Array): Map<string, OnnxTensor> {
  const tensors = new Map<string, OnnxTensor>();
  for (const { number, bytes: graph } of fieldsOf(file)) {
    if (number !== MODEL_GRAPH || graph === undefined) continue;
    for (const { number, bytes } of fieldsOf(graph)) {
      if (number !== GRAPH_INITIALIZER || bytes === undefined) continue;
      const [name, tensor] = tensorOf(bytes);
      if (tensor !== undefined) tensors.set(name, tensor);
    }
  }
  if (tensors.size === 0) throw notOnnx("it holds no weights");
  return tensors;
}

function tensorOf(message: Uint8Array): [string, OnnxTensor | undefined] {
  const dims: number[] = [];
  let name = "";
  let dataType = 0;
  let raw: Uint8Array | undefined;
  for (const { number, value, bytes } of fieldsOf(message)) {
    if (number === TENSOR_DIMS && bytes !== undefined) {
      for (let at = 0; at < bytes.length;) {
        const [dim, next] = varint(bytes, at);
        dims.push(dim);
        at = next;
      }
    } else if (number === TENSOR_DIMS) dims.push(value);
    else if (number === TENSOR_DATA_TYPE) dataType = value;
    else if (number === TENSOR_NAME) name = new TextDecoder().decode(bytes);
    else if (number === TENSOR_RAW_DATA) raw = bytes;
  }
  if (dataType !== FLOAT || raw === undefined) return [name, undefined];
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (raw.length !== 4 * count) {
    throw notOnnx(
      `"${name}" should hold ${count} numbers and holds ${raw.length / 4}`,
    );
  }
  // A slice begins at a multiple of 4, as a view of floats must.
  return [name, { dims, values: new Float32Array(raw.slice().buffer) }];
}

/** A field of a message: a number, or bytes. */
interface Field {
  readonly number: number;
  readonly value: number;
  readonly bytes: Uint8Array | undefined;
}

function* fieldsOf(message: Uint8Array): Generator<Field> {
  for (let at = 0; at < message.length;) {
    const [key, begin] = varint(message, at);
    const number = Math.floor(key / 8);
    const encoding = key % 8;
    let value = 0;
    let bytes: Uint8Array | undefined;
    at = begin;
    if (encoding === VARINT) [value, at] = varint(message, begin);
    else if (encoding === FIXED64) at += 8;
    else if (encoding === FIXED32) at += 4;
    else if (encoding === LENGTH_DELIMITED) {
      const [length, first] = varint(message, begin);
      at = first + length;
      bytes = message.subarray(first, at);
    } else throw notOnnx(`it is no protobuf (wire type ${encoding})`);
    if (at > message.length) throw notOnnx("it is cut off");
    yield { number, value, bytes };
  }
}

/** Reads a number of 7 bits a byte, and where the next thing begins. */
function varint(bytes: Uint8Array, begin: number): [number, number] {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[begin + i];
    if (byte === undefined) throw notOnnx("it is cut off");
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [value, begin + i + 1];
  }
  throw notOnnx("it is no protobuf (a number is too long)");
}

function notOnnx(reason: string): TypeError {
  return new TypeError(`Cannot read the file as ONNX as ${reason}`);
}
