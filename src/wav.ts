/**
 * WAV files of 16-bit PCM (RIFF/WAVE, Microsoft and IBM 1991).
 *
 * @module
 */

import type { AudioFormat, AudioFrame } from "./frame.ts";
import type { StageSource } from "./stage.ts";
import { checkInteger } from "./validation.ts";

/** Bytes before the samples in the files that are written here. */
const HEADER_BYTES = 44;

/** The size that says "until the end of the file", as streams write it. */
const UNKNOWN_SIZE = 0xffff_ffff;

const FORMAT_PCM = 1;
const FORMAT_EXTENSIBLE = 0xfffe;

/**
 * Where a WAV file goes: a `Deno.FsFile`, or `Deno.stdout`, which cannot seek.
 */
export interface WavFile {
  /**
   * Writes bytes.
   *
   * @param bytes What to write.
   * @returns How many bytes were written; the rest is written again.
   */
  write(bytes: Uint8Array): Promise<number>;
  /**
   * Moves to a place in the file, if it can.
   *
   * @param offset Bytes from the beginning.
   * @param whence 0, which means from the beginning.
   */
  seek?(offset: number, whence: 0): Promise<number>;
}

/** The content of a WAV file. */
export interface WavContent {
  /** How the samples are to be read. */
  readonly format: AudioFormat;
  /** Interleaved PCM16. */
  readonly samples: Int16Array;
}

/**
 * Makes the header of a WAV file.
 *
 * @param format Rate and channels.
 * @param sampleBytes The size of the samples in bytes; without it, and from
 *   4 GiB on, the header says "until the end of the file".
 * @returns 44 bytes.
 */
export function wavHeader(
  format: AudioFormat,
  sampleBytes = UNKNOWN_SIZE,
): Uint8Array {
  const { sampleRate, channelCount } = format;
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const text = (offset: number, value: string) =>
    bytes.set(new TextEncoder().encode(value), offset);
  text(0, "RIFF");
  view.setUint32(
    4,
    Math.min(sampleBytes + HEADER_BYTES - 8, UNKNOWN_SIZE),
    true,
  );
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, FORMAT_PCM, true);
  view.setUint16(22, channelCount, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channelCount * 2, true);
  view.setUint16(32, channelCount * 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, Math.min(sampleBytes, UNKNOWN_SIZE), true);
  return bytes;
}

/**
 * Writes every block into a WAV file and passes it on.
 *
 * The header says "until the end of the file" while the file grows, so that a
 * cut-off file can still be played; it is made exact when the stream ends, also
 * early or with an error. Holes in the stream are not filled.
 *
 * @example
 * ```ts ignore
 * import { openMicrophone, writeWav } from "@nevil/earshot";
 *
 * using file = await Deno.create("out.wav");
 * await using mic = await openMicrophone();
 * for await (const frame of writeWav(mic, file, mic.parameters)) {
 *   if (frame.position >= 10 * 24000) break;
 * }
 * ```
 *
 * @param source The blocks.
 * @param file Where they go; it is not closed.
 * @param format The format of the blocks.
 * @returns The same blocks, each after it was written.
 */
export async function* writeWav(
  source: StageSource<AudioFrame>,
  file: WavFile,
  format: AudioFormat,
): AsyncGenerator<AudioFrame> {
  let sampleBytes = 0;
  await writeAll(file, wavHeader(format));
  try {
    for await (const frame of source) {
      const { buffer, byteOffset, byteLength } = frame.samples;
      await writeAll(file, new Uint8Array(buffer, byteOffset, byteLength));
      sampleBytes += byteLength;
      yield frame;
    }
  } finally {
    if (file.seek !== undefined) {
      await file.seek(0, 0);
      await writeAll(file, wavHeader(format, sampleBytes));
      await file.seek(HEADER_BYTES + sampleBytes, 0);
    }
  }
}

async function writeAll(file: WavFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}

/**
 * Reads a WAV file.
 *
 * @example
 * ```ts
 * import { readWav, wavHeader } from "@nevil/earshot";
 * import { assertEquals } from "@std/assert";
 *
 * const header = wavHeader({ sampleRate: 24000, channelCount: 1 }, 4);
 * const wav = readWav(new Uint8Array([...header, 1, 0, 255, 255]));
 * assertEquals(wav.samples, new Int16Array([1, -1]));
 * ```
 *
 * @param bytes The whole file.
 * @returns Its format and samples. A file that was cut off gives what is there.
 * @throws {TypeError} When it is not a WAV file of 16-bit PCM.
 */
export function readWav(bytes: Uint8Array): WavContent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (offset: number) =>
    String.fromCharCode(...bytes.subarray(offset, offset + 4));
  if (text(0) !== "RIFF" || text(8) !== "WAVE") {
    throw new TypeError(
      'Cannot read the WAV file as it must begin with "RIFF" and "WAVE"',
    );
  }
  let format: AudioFormat | undefined;
  for (let offset = 12; offset + 8 <= bytes.length;) {
    const name = text(offset);
    const begin = offset + 8;
    const end = Math.min(
      begin + view.getUint32(offset + 4, true),
      bytes.length,
    );
    if (name === "fmt ") {
      format = readFormat(view, begin, end);
    } else if (name === "data") {
      if (format === undefined) break;
      const sampleBytes = (end - begin) & ~1;
      return {
        format,
        samples: new Int16Array(bytes.slice(begin, begin + sampleBytes).buffer),
      };
    }
    // Chunks are padded to an even size.
    offset = end + (end - begin) % 2;
  }
  throw new TypeError(
    'Cannot read the WAV file as it must hold a "fmt " chunk and then a "data" chunk',
  );
}

/**
 * Cuts a recording into blocks, to be put through stages.
 *
 * @example Where somebody speaks in a file
 * ```ts ignore
 * import { framesOf, gateSpeech, NeuralDetector, readWav } from "@nevil/earshot";
 *
 * const wav = readWav(await Deno.readFile("talk.wav"));
 * for (const frame of gateSpeech(framesOf(wav), new NeuralDetector())) {
 *   if (frame.speechStart) console.log(frame.timestampMs, "ms");
 * }
 * ```
 *
 * @param recording Its format and samples; the latter are not copied.
 * @param blockFrames Frames in a block, 1–10000000; the last one may be shorter.
 *   Without it the whole is one block.
 * @returns The blocks; their time begins with 0.
 * @throws {RangeError} When `blockFrames` is outside its range, at the first block.
 */
export function* framesOf(
  { format, samples }: WavContent,
  blockFrames?: number,
): Generator<AudioFrame> {
  if (blockFrames !== undefined) {
    checkInteger("blockFrames", blockFrames, 1, 10_000_000);
  }
  const { sampleRate, channelCount } = format;
  const blockLength = blockFrames === undefined
    ? samples.length
    : blockFrames * channelCount;
  for (let begin = 0; begin < samples.length; begin += blockLength) {
    const position = begin / channelCount;
    yield {
      format,
      samples: samples.subarray(begin, begin + blockLength),
      position,
      timestampMs: position * 1000 / sampleRate,
    };
  }
}

function readFormat(view: DataView, begin: number, end: number): AudioFormat {
  if (end - begin < 16) {
    throw new TypeError(
      'Cannot read the WAV file as its "fmt " chunk must hold 16 bytes or more',
    );
  }
  const tag = view.getUint16(begin, true);
  const bits = view.getUint16(begin + 14, true);
  if (tag !== FORMAT_PCM && tag !== FORMAT_EXTENSIBLE || bits !== 16) {
    throw new TypeError(
      `Cannot read the WAV file as it must hold 16-bit PCM: current format is ${tag} with ${bits} bits. Convert it, such as with "sox in.wav -b 16 -e signed-integer out.wav"`,
    );
  }
  return {
    channelCount: view.getUint16(begin + 2, true),
    sampleRate: view.getUint32(begin + 4, true),
  };
}
