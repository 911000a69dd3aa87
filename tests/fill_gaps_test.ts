import { assertEquals, assertRejects } from "@std/assert";
import { fillGaps } from "../src/fill_gaps.ts";
import { collect, frameOf, streamOf } from "./frames.ts";

const LOST = { cause: "xrun", lostFrames: 5 } as const;

Deno.test("fillGaps() puts silence where samples were lost, so that nothing jumps", async () => {
  const frames = await collect(fillGaps(streamOf([
    frameOf([1, 2], 0),
    frameOf([3, 4], 7, { discontinuity: LOST }),
  ])));

  assertEquals(
    frames.map(({ position, samples, filled }) => [
      position,
      [...samples],
      filled,
    ]),
    [
      [0, [1, 2], undefined],
      [2, [0, 0], "xrun"],
      [4, [0, 0], "xrun"],
      [6, [0], "xrun"],
      [7, [3, 4], undefined],
    ],
  );
  assertEquals(frames.at(-1)!.discontinuity, undefined);
  for (const { position, timestampMs } of frames) {
    assertEquals(Math.round(timestampMs * 24), position);
  }
});

Deno.test("fillGaps() leaves pauses and gaps that are too long as they are", async () => {
  const given = [
    frameOf([1], 10, { discontinuity: { cause: "paused", lostFrames: 10 } }),
    frameOf([2], 40_011, {
      discontinuity: { cause: "device_lost", lostFrames: 40_000 },
    }),
  ];
  assertEquals(
    await collect(fillGaps(streamOf(given), { maxGapMs: 1000 })),
    given,
  );
});

Deno.test("fillGaps() refuses a gap that is no duration", async () => {
  await assertRejects(
    () => collect(fillGaps(streamOf([]), { maxGapMs: -1 })),
    RangeError,
    "maxGapMs",
  );
});
