/** Ten periods of 20 ms become one chunk of 200 ms: `deno task bench`. */

import { type AudioFrame, rechunk, Rechunker } from "../mod.ts";
import { consume } from "./sink.ts";
import { inTurn, speechlikeFrames } from "./speechlike.ts";

const PERIODS = 10;
const CHUNK_FRAMES = 4800;

/** What comes to mind first: a longer array for every period. */
class GrowingArray {
  #samples = new Int16Array(0);

  push(samples: Int16Array): Int16Array | undefined {
    const longer = new Int16Array(this.#samples.length + samples.length);
    longer.set(this.#samples);
    longer.set(samples, this.#samples.length);
    this.#samples = longer;
    if (longer.length < CHUNK_FRAMES) return undefined;
    this.#samples = longer.slice(CHUNK_FRAMES);
    return longer.subarray(0, CHUNK_FRAMES);
  }
}

async function* endless(next: () => AudioFrame): AsyncGenerator<AudioFrame> {
  for (;;) yield next();
}

const group = "rechunk, 10 × 20 ms to 200 ms";
const next = inTurn(speechlikeFrames(480));
const rechunker = new Rechunker(CHUNK_FRAMES);
const growing = new GrowingArray();
const stage = rechunk(endless(next), CHUNK_FRAMES);

Deno.bench("Rechunker", { group }, () => {
  for (let i = 0; i < PERIODS; i++) {
    for (const { samples } of rechunker.push(next())) consume(samples.length);
  }
});
Deno.bench("rechunk(), the stage", { group }, async () => {
  const { value } = await stage.next();
  consume(value.samples.length);
});
Deno.bench("an array that grows", { group, baseline: true }, () => {
  for (let i = 0; i < PERIODS; i++) {
    consume(growing.push(next().samples)?.length ?? 0);
  }
});
