import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  framesOf,
  readWav,
  type WavFile,
  wavHeader,
  writeWav,
} from "../src/wav.ts";
import { collect, counting, frameOf, MONO, streamOf } from "./frames.ts";

/** A file in memory that writes at most a few bytes at a time. */
class MemoryFile implements WavFile {
  bytes = new Uint8Array(0);
  #position = 0;

  write(bytes: Uint8Array): Promise<number> {
    const part = bytes.subarray(0, 1000);
    const end = this.#position + part.length;
    if (end > this.bytes.length) {
      const longer = new Uint8Array(end);
      longer.set(this.bytes);
      this.bytes = longer;
    }
    this.bytes.set(part, this.#position);
    this.#position = end;
    return Promise.resolve(part.length);
  }

  seek(offset: number): Promise<number> {
    this.#position = offset;
    return Promise.resolve(offset);
  }
}

const SIZES_UNKNOWN = wavHeader(MONO);

Deno.test("writeWav() writes what readWav() reads", async () => {
  const file = new MemoryFile();
  const blocks = counting([700, 1, 2000]);
  const passed = await collect(writeWav(streamOf(blocks), file, MONO));

  assertEquals(passed, blocks);
  const { format, samples } = readWav(file.bytes);
  assertEquals(format, MONO);
  assertEquals([...samples], Array.from({ length: 2701 }, (_, i) => i));
});

Deno.test("writeWav() leaves a right header when its consumer stops early", async () => {
  const file = new MemoryFile();
  for await (
    const frame of writeWav(streamOf(counting([10, 10, 10])), file, MONO)
  ) {
    if (frame.position === 10) break;
  }
  assertEquals(file.bytes.subarray(0, 44), wavHeader(MONO, 40));
  assertEquals(file.bytes.length, 44 + 40);
});

Deno.test("writeWav() leaves a right header when its source fails", async () => {
  const file = new MemoryFile();
  async function* failing() {
    yield* counting([5]);
    throw new Error("unplugged");
  }
  await assertRejects(
    () => collect(writeWav(failing(), file, MONO)),
    Error,
    "unplugged",
  );
  assertEquals(readWav(file.bytes).samples.length, 5);
});

Deno.test("writeWav() writes a playable empty file when there is no audio", async () => {
  const file = new MemoryFile();
  await collect(writeWav(streamOf([]), file, MONO));
  assertEquals(file.bytes, wavHeader(MONO, 0));
});

Deno.test("writeWav() tells a pipe that the sizes are unknown", async () => {
  const file = new MemoryFile();
  const pipe: WavFile = { write: (bytes) => file.write(bytes) };
  await collect(writeWav(streamOf([frameOf([7], 0)]), pipe, MONO));
  assertEquals(file.bytes.subarray(0, 44), SIZES_UNKNOWN);
  assertEquals([...readWav(file.bytes).samples], [7]);
});

Deno.test("wavHeader() says what the RIFF form demands", () => {
  const view = new DataView(
    wavHeader({ sampleRate: 48_000, channelCount: 2 }, 400).buffer,
  );
  assertEquals(view.getUint32(4, true), 436);
  assertEquals(view.getUint32(28, true), 192_000);
  assertEquals(view.getUint16(32, true), 4);
  assertEquals(view.getUint32(40, true), 400);
});

Deno.test("readWav() skips chunks it does not know, also of odd size", () => {
  const header = wavHeader(MONO, 2);
  const note = [0x4e, 0x4f, 0x54, 0x45, 3, 0, 0, 0, 1, 2, 3, 0];
  const bytes = new Uint8Array([
    ...header.subarray(0, 36),
    ...note,
    ...header.subarray(36),
    42,
    0,
  ]);
  assertEquals([...readWav(bytes).samples], [42]);
});

Deno.test("readWav() refuses what is no WAV file of 16-bit PCM and says why", () => {
  assertThrows(() => readWav(new Uint8Array(3)), TypeError, '"RIFF"');
  const wide = wavHeader(MONO, 0);
  wide[34] = 24;
  assertThrows(
    () => readWav(wide),
    TypeError,
    'current format is 1 with 24 bits. Convert it, such as with "sox in.wav -b 16',
  );
  assertThrows(
    () => readWav(wavHeader(MONO, 0).subarray(0, 36)),
    TypeError,
    '"data" chunk',
  );
});

Deno.test("framesOf() cuts a recording into blocks without copying it", () => {
  const format = { sampleRate: 8000, channelCount: 2 };
  const samples = Int16Array.from({ length: 10 }, (_, i) => i);

  const blocks = [...framesOf({ format, samples }, 2)];

  assertEquals(
    blocks.map((block) => ({ ...block, samples: [...block.samples] })),
    [
      { format, samples: [0, 1, 2, 3], position: 0, timestampMs: 0 },
      { format, samples: [4, 5, 6, 7], position: 2, timestampMs: 0.25 },
      { format, samples: [8, 9], position: 4, timestampMs: 0.5 },
    ],
  );
  assertEquals(blocks[0]!.samples.buffer, samples.buffer);
});

Deno.test("framesOf() gives the whole as one block unless told how to cut it, and nothing of nothing", () => {
  const samples = Int16Array.of(1, 2, 3);
  assertEquals(
    [...framesOf({ format: MONO, samples })],
    [frameOf(samples, 0)],
  );
  assertEquals(
    [...framesOf({ format: MONO, samples: new Int16Array(0) })],
    [],
  );
});

Deno.test("framesOf() refuses blocks of no frames or of half a frame", () => {
  const samples = new Int16Array(9);
  for (const blockFrames of [0, 1.5, -480, NaN]) {
    assertThrows(
      () => [...framesOf({ format: MONO, samples }, blockFrames)],
      RangeError,
      "blockFrames as it must be a whole number from 1 to 10000000",
    );
  }
});
