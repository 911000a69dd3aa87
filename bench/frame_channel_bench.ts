/** The queue behind the device: `deno task bench`. */

import { FrameChannel } from "../src/frame_channel.ts";
import type { AudioFrame } from "../mod.ts";
import { consume } from "./sink.ts";
import { inTurn, speechlikeFrames } from "./speechlike.ts";

/** A consumer that was busy for 500 ms finds so many blocks. */
const BLOCKS = 25;

const group = "queue, 25 × 20 ms in and out";
const next = inTurn(speechlikeFrames(480));
const channel = new FrameChannel(48_000);
const queue: AudioFrame[] = [];

Deno.bench("FrameChannel", { group }, async () => {
  for (let i = 0; i < BLOCKS; i++) {
    const block = next();
    if (channel.hasRoomFor(block.samples.length)) channel.push(block);
  }
  while (channel.queuedFrames > 0) {
    consume((await channel.next()).value!.samples.length);
  }
});
Deno.bench("an array without bound", { group, baseline: true }, async () => {
  for (let i = 0; i < BLOCKS; i++) queue.push(next());
  while (queue.length > 0) {
    consume((await Promise.resolve(queue.shift()!)).samples.length);
  }
});
