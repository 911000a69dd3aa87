import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { rechunk, Rechunker } from "../src/rechunk.ts";
import { collect, counting, frameOf, streamOf } from "./frames.ts";

/** A small deterministic generator (Park and Miller 1988) for random sizes. */
function* randomSizes(seed: number, max: number): Generator<number> {
  for (let state = seed;;) {
    state = state * 48271 % 0x7fffffff;
    yield 1 + state % max;
  }
}

Deno.test("rechunk() gives chunks of one size and a shorter last one", async () => {
  const chunks = await collect(rechunk(streamOf(counting([3, 4, 1, 2])), 4));

  assertEquals(chunks.map((chunk) => [...chunk.samples]), [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8, 9],
  ]);
  assertEquals(chunks.map((chunk) => chunk.position), [0, 4, 8]);
});

Deno.test("rechunk() stamps a chunk with the time of its first frame", async () => {
  const chunks = await collect(rechunk(streamOf(counting([100, 700])), 240));
  assertEquals(chunks.map((chunk) => chunk.timestampMs), [0, 10, 20, 30]);
});

Deno.test("rechunk() passes a block of the right size through without copying it", async () => {
  const [block] = counting([480]);
  const [chunk] = await collect(rechunk(streamOf([block!]), 480));
  assertStrictEquals(chunk!.samples, block!.samples);
});

Deno.test("rechunk() keeps every sample in order for any sizes of blocks and chunks", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomSizes(seed, 50);
    const sizes = Array.from({ length: 30 }, () => random.next().value!);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const chunkFrames = random.next().value!;
    const chunks = await collect(
      rechunk(streamOf(counting(sizes)), chunkFrames),
    );
    assertEquals(
      chunks.flatMap((chunk) => [...chunk.samples]),
      Array.from({ length: total }, (_, i) => i),
      `seed ${seed}`,
    );
    assertEquals(
      chunks.slice(0, -1).every((chunk) =>
        chunk.samples.length === chunkFrames
      ),
      true,
      `seed ${seed}`,
    );
  }
});

Deno.test("rechunk() counts frames, not samples, of interleaved channels", async () => {
  const format = { sampleRate: 48_000, channelCount: 2 };
  const block = frameOf([1, 2, 3, 4, 5, 6], 0, { format });
  const chunks = await collect(rechunk(streamOf([block]), 2));
  assertEquals(chunks.map((chunk) => [...chunk.samples]), [[1, 2, 3, 4], [
    5,
    6,
  ]]);
  assertEquals(chunks.map((chunk) => chunk.position), [0, 2]);
});

Deno.test("rechunk() ends a chunk before a hole in the stream and marks the next one", async () => {
  const discontinuity = { cause: "xrun", lostFrames: 10 } as const;
  const chunks = await collect(rechunk(
    streamOf([
      frameOf([1, 2, 3], 0),
      frameOf([4, 5, 6], 13, { discontinuity }),
    ]),
    2,
  ));
  assertEquals(chunks.map((chunk) => [...chunk.samples]), [
    [1, 2],
    [3],
    [4, 5],
    [6],
  ]);
  assertEquals(chunks.map((chunk) => chunk.discontinuity?.lostFrames), [
    undefined,
    undefined,
    10,
    undefined,
  ]);
});

Deno.test("rechunk() keeps the borders of an utterance on its first and its last chunk", async () => {
  const chunks = await collect(rechunk(
    streamOf([
      frameOf([1, 2, 3], 0, { speechStart: true }),
      frameOf([4, 5], 3),
      frameOf([], 5, { speechEnd: true }),
      frameOf([6], 90, { speechStart: true }),
      frameOf([], 91, { speechEnd: true }),
    ]),
    4,
  ));
  assertEquals(
    chunks.map(({ samples, speechStart, speechEnd }) => [
      [...samples],
      speechStart === true,
      speechEnd === true,
    ]),
    [
      [[1, 2, 3, 4], true, false],
      [[5], false, true],
      [[6], true, true],
    ],
  );
});

Deno.test("rechunk() passes on the end of an utterance whose last chunk is already gone", async () => {
  const chunks = await collect(rechunk(
    streamOf([
      frameOf([1, 2], 0, { speechStart: true }),
      frameOf([], 2, { speechEnd: true }),
    ]),
    2,
  ));
  assertEquals(chunks.map((chunk) => chunk.speechEnd === true), [false, true]);
});

Deno.test("rechunk() marks the last chunk when the last block of an utterance holds samples", async () => {
  const chunks = await collect(rechunk(
    streamOf([
      frameOf([1, 2, 3, 4, 5], 0, { speechStart: true, speechEnd: true }),
    ]),
    2,
  ));
  assertEquals(
    chunks.map(({ samples, speechEnd }) => [[...samples], speechEnd === true]),
    [[[1, 2], false], [[3, 4], false], [[5], true]],
  );
});

Deno.test("rechunk() refuses a chunk without frames", async () => {
  await assertRejects(
    () => collect(rechunk(streamOf([]), 0)),
    RangeError,
    "chunkFrames",
  );
});

Deno.test("Rechunker.flush() hands over what waits, once", () => {
  const rechunker = new Rechunker(10);
  const [block] = counting([3]);
  assertEquals([...rechunker.push(block!)], []);
  assertEquals(rechunker.bufferedFrames, 3);
  assertEquals([...rechunker.flush()].map((chunk) => [...chunk.samples]), [[
    0,
    1,
    2,
  ]]);
  assertEquals(rechunker.bufferedFrames, 0);
  assertEquals([...rechunker.flush()], []);
});

Deno.test("Rechunker never writes again to a chunk that it handed over", () => {
  const rechunker = new Rechunker(4);
  const [first, second, third] = counting([3, 3, 3]);
  const chunks = [
    ...rechunker.push(first!),
    ...rechunker.push(second!),
    ...rechunker.push(third!),
    ...rechunker.flush(),
  ];
  assertEquals(chunks.map((chunk) => [...chunk.samples]), [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8],
  ]);
});
