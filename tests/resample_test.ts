/** Sample rate and channels as stages. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { toMono } from "../src/channels.ts";
import type { AudioFrame } from "../src/frame.ts";
import { resample } from "../src/resample.ts";
import { collect, frameOf, streamOf } from "./frames.ts";

const STEREO_48 = { sampleRate: 48_000, channelCount: 2 };
const MONO_48 = { sampleRate: 48_000, channelCount: 1 };

/** Blocks of 10 ms at 48 kHz; a hole before some of them. */
function blocks(
  count: number,
  holes: Record<number, number> = {},
): AudioFrame[] {
  let position = 0;
  return Array.from({ length: count }, (_, i) => {
    const lostFrames = holes[i];
    if (lostFrames !== undefined) position += lostFrames;
    const samples = new Int16Array(480).fill(1000);
    const frame = frameOf(samples, position, {
      format: MONO_48,
      ...(lostFrames && { discontinuity: { cause: "xrun", lostFrames } }),
    });
    position += 480;
    return frame;
  });
}

Deno.test("resample() keeps position and time true, block by block", async () => {
  const frames = await collect(resample(streamOf(blocks(10)), 24_000));
  let position = 0;
  for (const frame of frames) {
    assertEquals(frame.format, { sampleRate: 24_000, channelCount: 1 });
    assertEquals(frame.position, position);
    assert(Math.abs(frame.timestampMs - position / 24) < 1e-6);
    assertEquals(frame.discontinuity, undefined);
    position += frame.samples.length;
  }
  assertEquals(position, 2400);
  assertEquals(frames[5]!.samples[100], 1000);
});

Deno.test("resample() ends at a hole and begins anew behind it, where the clock says", async () => {
  const holes = { 3: 4801 };
  const frames = await collect(resample(streamOf(blocks(6, holes)), 24_000));
  const behind = frames.findIndex(({ discontinuity }) => discontinuity);
  const before = frames.slice(0, behind);
  const sampleCount = before.reduce(
    (sum, { samples }) => sum + samples.length,
    0,
  );
  assertEquals(sampleCount, 3 * 240);
  // (3 × 480 + 4801) / 2 = 3120.5, so the first sample behind it is 3121.
  assertEquals(frames[behind]!.position, 3121);
  assertEquals(frames[behind]!.discontinuity, {
    cause: "xrun",
    lostFrames: 3121 - 720,
  });
  assert(Math.abs(frames[behind]!.timestampMs - 3121 / 24) < 1e-6);
  assertEquals(
    frames.filter(({ discontinuity }) => discontinuity).length,
    1,
  );
});

Deno.test("resample() gives what it has before an interruption", async () => {
  const [first, second] = blocks(2);
  const interruption = frameOf([], 480, { format: MONO_48, interrupted: true });
  const frames = await collect(
    resample(
      streamOf([first!, interruption, { ...second!, position: 480 }]),
      24_000,
    ),
  );
  const place = frames.findIndex(({ interrupted }) => interrupted);
  const sampleCount = frames.slice(0, place)
    .reduce((sum, { samples }) => sum + samples.length, 0);
  assertEquals([sampleCount, frames[place]!.position], [240, 240]);
  assertEquals(frames[place + 1]!.position, 240);
});

Deno.test("resample() passes on what has the right rate already", async () => {
  const frame = frameOf([1, 2, 3], 0);
  const [same] = await collect(resample(streamOf([frame]), 24_000));
  assert(same === frame);
});

Deno.test("resample() keeps channels apart", async () => {
  const samples = Int16Array.from(
    { length: 9600 },
    (_, i) => i % 2 === 0 ? 1000 : -2000,
  );
  const frame = frameOf(samples, 0, { format: STEREO_48 });
  const [first] = await collect(resample(streamOf([frame]), 24_000));
  assertEquals([...first!.samples.slice(2000, 2004)], [
    1000,
    -2000,
    1000,
    -2000,
  ]);
});

Deno.test("toMono() mixes without clipping, or picks a channel", async () => {
  const format = { sampleRate: 24_000, channelCount: 3 };
  const frame = frameOf([30_000, 30_000, 30_000, -3, 0, 1], 5, { format });
  const [mixed] = await collect(toMono(streamOf([frame])));
  assertEquals([...mixed!.samples], [30_000, -1]);
  assertEquals(mixed!.format, { sampleRate: 24_000, channelCount: 1 });
  assertEquals(mixed!.position, 5);
  const [second] = await collect(toMono(streamOf([frame]), 2));
  assertEquals([...second!.samples], [30_000, 1]);
  await assertRejects(() => collect(toMono(streamOf([frame]), 3)), RangeError);
});

Deno.test("toMono() passes on what is mono already", async () => {
  const frame = frameOf([1], 0);
  const [same] = await collect(toMono(streamOf([frame])));
  assert(same === frame);
});
