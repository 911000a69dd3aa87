import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Timeline } from "../src/timeline.ts";
import { frameOf } from "./frames.ts";

const RATE = 24_000;

Deno.test("Timeline counts positions, and smooths what a device says of time", () => {
  const timeline = new Timeline(RATE, 0);
  for (let block = 0; block < 100; block++) {
    const jitterMs = block % 2 === 0 ? 8 : -8;
    const { position, timestampMs, discontinuity } = timeline.place(
      480,
      block * 20 + jitterMs,
    );
    assertEquals(position, block * 480);
    assertEquals(discontinuity, undefined);
    assert(Math.abs(timestampMs - block * 20) < 1);
  }
});

Deno.test("Timeline measures a gap by the device's clock, and marks the block behind it", () => {
  const timeline = new Timeline(RATE, 0);
  timeline.place(480, 0);
  timeline.openGap("xrun");
  timeline.openGap("suspend");
  assertEquals(timeline.closeGap(120), {
    cause: "xrun",
    lostFrames: 2400,
    position: 2880,
  });
  const { position, timestampMs, discontinuity } = timeline.place(480, 120);
  assertEquals([position, timestampMs], [2880, 120]);
  assertEquals(discontinuity, { cause: "xrun", lostFrames: 2400 });
  assertEquals(timeline.lostFrames.xrun, 2400);
});

Deno.test("Timeline adds what was skipped to the mark of the next block", () => {
  const timeline = new Timeline(RATE, 0);
  timeline.openGap("device_lost");
  timeline.closeGap(100);
  const skipped = timeline.place(480, 100);
  timeline.skip(
    frameOf(new Int16Array(480), skipped.position, {
      discontinuity: skipped.discontinuity,
    }),
  );
  assertEquals(timeline.place(480, 120).discontinuity, {
    cause: "device_lost",
    lostFrames: 2400 + 480,
  });
  assertEquals(timeline.place(480, 140).discontinuity, undefined);
});

Deno.test("Timeline says of a gap that the device was opened again, rather than how that began", () => {
  const timeline = new Timeline(RATE, 0);
  timeline.openGap("xrun");
  timeline.openGap("device_lost");
  timeline.openGap("error");
  assertEquals(timeline.closeGap(1000)!.cause, "device_lost");
});

Deno.test("Timeline goes forward also when a device corrects itself backwards", () => {
  const timeline = new Timeline(RATE, 0);
  let last = -Infinity;
  for (const measuredMs of [500, 40, 60, 80, 540, 560]) {
    const { timestampMs } = timeline.place(480, measuredMs);
    assert(timestampMs > last, `${timestampMs} behind ${last}`);
    last = timestampMs;
  }
  assertAlmostEquals(last, 560, 25);
});
