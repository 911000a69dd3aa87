import { assertEquals } from "@std/assert";
import { Pauses } from "../src/pauses.ts";
import { frameOf } from "./frames.ts";

/** A block of 10 ms that begins at a millisecond. */
function blockAt(ms: number) {
  return frameOf(new Int16Array(240), ms * 24);
}

/** The parts of a block, as [begin, end, is paused] in milliseconds. */
function partsOf(pauses: Pauses, ms: number) {
  return [...pauses.split(blockAt(ms))].map(({ part, isPaused }) => [
    part.position / 24,
    (part.position + part.samples.length) / 24,
    isPaused,
  ]);
}

Deno.test("Pauses.split() leaves a block without a pause whole", () => {
  assertEquals(partsOf(new Pauses(), 0), [[0, 10, false]]);
});

Deno.test("Pauses.split() cuts a block where the pause began and where it ended", () => {
  const pauses = new Pauses();
  pauses.toggle(true, 3);
  pauses.toggle(false, 8);
  assertEquals(partsOf(pauses, 0), [[0, 3, false], [3, 8, true], [
    8,
    10,
    false,
  ]]);
  assertEquals(partsOf(pauses, 10), [[10, 20, false]]);
});

Deno.test("Pauses.split() keeps a pause over blocks that were captured during it", () => {
  const pauses = new Pauses();
  pauses.toggle(true, 15);
  assertEquals(partsOf(pauses, 0), [[0, 10, false]]);
  assertEquals(partsOf(pauses, 10), [[10, 15, false], [15, 20, true]]);
  assertEquals(partsOf(pauses, 20), [[20, 30, true]]);
  pauses.toggle(false, 30);
  assertEquals(partsOf(pauses, 30), [[30, 40, false]]);
});

Deno.test("Pauses.split() forgets a pause that fell between two blocks", () => {
  const pauses = new Pauses();
  pauses.toggle(true, 12);
  pauses.toggle(false, 18);
  assertEquals(partsOf(pauses, 20), [[20, 30, false]]);
});
