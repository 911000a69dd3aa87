import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { measureVolume, rmsVolume, volumeToDbfs } from "../src/volume.ts";
import { RmsDetector } from "../src/vad/energy_detector.ts";
import { collect, frameOf, streamOf } from "./frames.ts";

Deno.test("rmsVolume() of a full-scale square wave is 1 and of silence 0", () => {
  assertEquals(rmsVolume(new Int16Array(100).fill(-32768)), 1);
  assertEquals(rmsVolume(new Int16Array(100)), 0);
});

Deno.test("rmsVolume() of a full-scale sine is 0.707", () => {
  const sine = Int16Array.from(
    { length: 24_000 },
    (_, i) => Math.round(32767 * Math.sin(2 * Math.PI * 100 * i / 24_000)),
  );
  assertAlmostEquals(rmsVolume(sine), Math.SQRT1_2, 1e-4);
});

Deno.test("rmsVolume() weighs every sample alike, also of an odd count", () => {
  assertEquals(
    rmsVolume(new Int16Array([0, 0, 0, 0, 16384])),
    0.5 / Math.sqrt(5),
  );
  assertEquals(
    rmsVolume(new Int16Array([16384, 0, 0, 0, 0])),
    0.5 / Math.sqrt(5),
  );
  assertEquals(rmsVolume(new Int16Array(0)), 0);
});

Deno.test("volumeToDbfs() gives 0 for full scale, -20 for a tenth, -Infinity for silence", () => {
  assertEquals([1, 0.1, 0].map(volumeToDbfs), [0, -20, -Infinity]);
});

Deno.test("measureVolume() passes blocks on with their volume", async () => {
  const blocks = [frameOf([16384, 16384], 0), frameOf([0], 2)];
  const measured = await collect(measureVolume(streamOf(blocks)));
  assertEquals(measured.map((frame) => frame.volume), [0.5, 0]);
  assertEquals(
    measured.map((frame) => frame.samples),
    blocks.map((b) => b.samples),
  );
});

Deno.test("RmsDetector() refuses a threshold that is no volume", () => {
  assertThrows(
    () => new RmsDetector(1.5),
    RangeError,
    "Cannot use threshold as it must be a number from 0 to 1: current value is 1.5",
  );
});
