/** The ring of the last minutes, 20 ms at a time: `deno task bench`. */

import { systemClock } from "../mod.ts";
import { FlightRecorder } from "../src/flight_recorder.ts";
import { consume } from "./sink.ts";
import { FORMAT, inTurn, speechlikeFrames } from "./speechlike.ts";

const MINUTES = 5;
const BLOCKS = MINUTES * 60 * 50;

const group = "the last 5 minutes, 20 ms more";
const next = inTurn(speechlikeFrames(480));
const recorder = new FlightRecorder({
  minutes: MINUTES,
  format: FORMAT,
  clock: systemClock,
});
const copies: Int16Array[] = [];

Deno.bench("FlightRecorder, a ring", { group }, () => {
  const block = next();
  recorder.take(block);
  consume(block.samples.length);
});
Deno.bench("an array of copies", { group, baseline: true }, () => {
  copies.push(next().samples.slice());
  if (copies.length > BLOCKS) consume(copies.shift()!.length);
});
