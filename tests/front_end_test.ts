/** DC, gain, and gain by itself. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { blockDc } from "../src/dc_block.ts";
import type { AudioFrame } from "../src/frame.ts";
import { frontEnd } from "../src/front_end.ts";
import { applyGain, autoGain } from "../src/gain.ts";
import { rmsVolume, volumeToDbfs } from "../src/volume.ts";
import { collect, frameOf, streamOf } from "./frames.ts";

/** A sound as blocks of 20 ms, as a function of the time in seconds. */
function blocksOf(seconds: number, sound: (t: number) => number): AudioFrame[] {
  return Array.from({ length: seconds * 50 }, (_, block) =>
    frameOf(
      Array.from(
        { length: 480 },
        (_, i) => Math.round(32_767 * sound((block * 480 + i) / 24_000)),
      ),
      block * 480,
    ));
}

function samplesOf(frames: readonly AudioFrame[]): number[] {
  return frames.flatMap(({ samples }) => [...samples]);
}

const sine = (hz: number, amplitude: number) => (t: number) =>
  amplitude * Math.sin(2 * Math.PI * hz * t);

function levelOf(frames: readonly AudioFrame[]): number {
  return volumeToDbfs(rmsVolume(Int16Array.from(samplesOf(frames))));
}

function peakOf(frames: readonly AudioFrame[]): number {
  return samplesOf(frames)
    .reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
}

/** Noise that is the same in every run (a linear congruential generator). */
function noise(amplitude: number): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * amplitude;
  };
}

Deno.test("blockDc() removes an offset, and leaves speech's frequencies as they are", async () => {
  const frames = await collect(
    blockDc(streamOf(blocksOf(2, (t) => 0.2 + sine(200, 0.1)(t)))),
  );
  const late = samplesOf(frames).slice(24_000);
  const mean = late.reduce((sum, sample) => sum + sample, 0) / late.length;
  assert(Math.abs(mean) < 5, `${mean}`);
  assert(Math.abs(levelOf(frames.slice(50)) - -23.01) < 0.1);
});

Deno.test("blockDc() does not click at the start, nor behind a hole", async () => {
  const frames = blocksOf(1, () => 0.3);
  frames[25] = {
    ...blocksOf(1, () => -0.3)[0]!,
    discontinuity: { cause: "xrun", lostFrames: 100 },
  };
  const quiet = await collect(blockDc(streamOf(frames.slice(0, 26))));
  assert(peakOf(quiet) < 2);
});

Deno.test("blockDc() keeps channels apart, and marks and places", async () => {
  const format = { sampleRate: 24_000, channelCount: 2 };
  const samples = Array.from({ length: 960 }, (_, i) => i % 2 ? -500 : 9000);
  const frame = frameOf(samples, 7, { format, speechStart: true });
  const [only] = await collect(blockDc(streamOf([frame])));
  assertEquals([...only!.samples], Array(960).fill(0));
  assertEquals([only!.position, only!.speechStart], [7, true]);
});

Deno.test("applyGain() makes louder by decibels, and clips what does not fit", async () => {
  const [frame] = await collect(
    applyGain(streamOf([frameOf([100, -100, 20_000, -20_000], 0)]), 20),
  );
  assertEquals([...frame!.samples], [1000, -1000, 32_767, -32_768]);
  await assertRejects(
    () => collect(applyGain(streamOf([frameOf([1], 0)]), 61)),
    RangeError,
  );
});

for (const speechDbfs of [-45, -30, -12]) {
  Deno.test(`autoGain() brings a voice of ${speechDbfs} dBFS to -20 dBFS, and holds it in pauses`, async () => {
    const amplitude = 10 ** (speechDbfs / 20) * Math.SQRT2;
    const hiss = noise(amplitude / 100);
    // A voice that pauses for 0.3 of each second.
    const voice = (t: number) =>
      hiss() + (t % 1 < 0.7 ? sine(250, amplitude)(t) : 0);
    const frames = await collect(autoGain(streamOf(blocksOf(12, voice))));
    const spoken = frames.slice(550, 580);
    assert(Math.abs(levelOf(spoken) - -20) < 1.5, `${levelOf(spoken)} dBFS`);
    // The hiss of a pause is as loud as the voice's gain makes it, not louder.
    const pause = frames.slice(587, 599);
    assert(levelOf(spoken) - levelOf(pause) > 35, `${levelOf(pause)} dBFS`);
  });
}

Deno.test("autoGain() does not make noise loud where nobody speaks", async () => {
  const hiss = noise(0.003);
  const input = blocksOf(20, () => hiss());
  const frames = await collect(autoGain(streamOf(input)));
  assert(Math.abs(levelOf(frames.slice(900)) - levelOf(input)) < 1);
});

Deno.test("autoGain() holds peaks below -1 dBFS when somebody shouts after a whisper", async () => {
  const hiss = noise(0.0002);
  const voice = (t: number) =>
    hiss() + (t % 1 < 0.7 ? sine(250, t < 8 ? 0.01 : 0.9)(t) : 0);
  const frames = await collect(autoGain(streamOf(blocksOf(10, voice))));
  const peak = peakOf(frames);
  assert(peak <= Math.ceil(32_768 * 10 ** (-1 / 20)), `${peak}`);
  assert(levelOf(frames.slice(300, 330)) > -30, "the whisper is louder");
});

Deno.test("frontEnd() is nothing unless it is asked for something", async () => {
  const source = streamOf([frameOf([1, 2, 3], 0)]);
  assert(frontEnd(source, {}) === source);
  const frames = await collect(
    frontEnd(source, { dcBlock: true, gainDb: 6, autoGain: true }),
  );
  assertEquals(frames.length, 1);
});
