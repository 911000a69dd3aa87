/** What a microphone sounds like, in figures. */

import { assert, assertEquals } from "@std/assert";
import type { AudioFrame } from "../src/frame.ts";
import { Resampler } from "../src/resampler.ts";
import { SoundReport } from "../src/sound_report.ts";
import { frameOf, MONO } from "./frames.ts";
import { voice } from "./sounds.ts";

const BLOCK = 480;

/** Three seconds of a sound, as a function of the time in seconds. */
function heard(
  sound: (t: number, i: number) => number,
  marks: (block: number) => Partial<AudioFrame> = () => ({}),
) {
  const report = new SoundReport(MONO);
  for (let block = 0; block < 150; block++) {
    const samples = Array.from({ length: BLOCK }, (_, i) => {
      const index = block * BLOCK + i;
      const value = Math.round(sound(index / 24_000, index) * 32_768);
      return Math.max(-32_768, Math.min(32_767, value));
    });
    report.add(frameOf(samples, block * BLOCK, marks(block)));
  }
  return report.figures;
}

/** Noise that is the same in every run (a linear congruential generator). */
function noise(amplitude: number): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * amplitude;
  };
}

const sine = (hz: number, amplitude: number) => (t: number) =>
  amplitude * Math.sin(2 * Math.PI * hz * t);

function assertNear(actual: number, expected: number, tolerance: number): void {
  assert(
    Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected} ± ${tolerance}`,
  );
}

Deno.test("SoundReport measures peak and RMS of a tone", () => {
  const { peakDbfs, rmsDbfs, durationMs, clippedShare, hum } = heard(
    sine(440, 0.5),
  );
  assertEquals(durationMs, 3000);
  assertNear(peakDbfs, -6.02, 0.01);
  assertNear(rmsDbfs, -9.03, 0.01);
  assertEquals(clippedShare, 0);
  assertEquals(hum, undefined);
});

Deno.test("SoundReport tells the noise floor from the loud moments", () => {
  const hiss = noise(0.001);
  const { noiseFloorDbfs, loudDbfs } = heard((t) =>
    hiss() + (t > 1 && t < 2 ? sine(300, 0.2)(t) : 0)
  );
  assertNear(noiseFloorDbfs, -65, 1);
  assertNear(loudDbfs, -17, 1);
});

Deno.test("SoundReport finds DC, and does not take it for sound", () => {
  const { dcOffset, rmsDbfs } = heard((t) => 0.1 + sine(440, 0.01)(t));
  assertNear(dcOffset, 0.1, 0.0001);
  assertNear(rmsDbfs, -43.01, 0.05);
});

Deno.test("SoundReport counts clipping, not loud peaks", () => {
  assertNear(heard(sine(440, 2)).clippedShare, 2 / 3, 0.02);
  const spikes = heard((_t, i) => i % 1000 < 2 ? 1 : 0);
  assertEquals(spikes.clippedShare, 0);
});

/** A sound of 3 s at 48 kHz, clipped by a card there, as it is and converted. */
function clippedShares(sound: (t: number) => number): number[] {
  const card = Int16Array.from(
    { length: 3 * 48_000 },
    (_, i) =>
      Math.max(
        -32_768,
        Math.min(32_767, Math.round(32_767 * sound(i / 48_000))),
      ),
  );
  return [48_000, 24_000, 16_000].map((sampleRate) => {
    const samples = sampleRate === 48_000
      ? card
      : new Resampler(48_000, sampleRate).push(card);
    const format = { sampleRate, channelCount: 1 };
    const report = new SoundReport(format);
    report.add(frameOf(samples, 0, { format }));
    return report.figures.clippedShare;
  });
}

/** A voice whose loudest sample is at a level in dBFS, at 48 kHz. */
function spoken(dbfs: number): (t: number) => number {
  const samples = voice(3, 0.5);
  const louder = new Resampler(24_000, 48_000).push(samples);
  const peak = louder.reduce(
    (peak, sample) => Math.max(peak, sample, -sample),
    0,
  );
  const gain = 10 ** (dbfs / 20) / peak;
  return (t) => (louder[Math.round(t * 48_000)] ?? 0) * gain;
}

Deno.test("SoundReport counts the clipping of a voice alike before and behind a conversion of its rate", () => {
  for (const clippedDb of [1, 3, 6, 12, 18, 24]) {
    const [native, ...converted] = clippedShares(spoken(clippedDb));
    assert(native! > 0.0003, `${native} by ${clippedDb} dB`);
    for (const share of converted) assertNear(share / native!, 1, 0.1);
  }
});

Deno.test("SoundReport takes no loud voice and no loud tone for clipping, converted or not", () => {
  for (const dbfs of [-6, -1, -0.1, 0]) {
    assertEquals(clippedShares(spoken(dbfs)), [0, 0, 0], `voice at ${dbfs}`);
    for (const hz of [50, 100, 440, 1000, 3000]) {
      const tone = sine(hz, 10 ** (dbfs / 20));
      assertEquals(clippedShares(tone), [0, 0, 0], `${hz} Hz at ${dbfs} dBFS`);
    }
  }
});

Deno.test("SoundReport knows digital silence from a quiet room", () => {
  assertEquals(heard(() => 0).isDigitalSilence, true);
  assertEquals(heard(() => 0.25).isDigitalSilence, true);
  assertEquals(heard(noise(0.0001)).isDigitalSilence, false);
  const { peakDbfs, rmsDbfs } = heard(() => 0);
  assertEquals([peakDbfs, rmsDbfs], [-Infinity, -Infinity]);
});

for (const mainsHz of [50, 60] as const) {
  Deno.test(`SoundReport finds a hum of ${mainsHz} Hz and its level under noise`, () => {
    const hiss = noise(0.003);
    const first = sine(mainsHz + 0.1, 0.01);
    const second = sine(2 * mainsHz + 0.2, 0.005);
    const { hum } = heard((t) => hiss() + first(t) + second(t));
    assertEquals(hum?.mainsHz, mainsHz);
    // 10 log10((0.01² + 0.005²) / 2)
    assertNear(hum!.dbfs, -42.04, 0.5);
  });
}

Deno.test("SoundReport finds no hum in noise, in a voice, and in a hum that stops", () => {
  // A voice glides through the mains' harmonics, and pauses.
  const voice = heard((t) => {
    const phase = 2 * Math.PI * (120 * t + 40 / 3 * Math.sin(3 * t));
    const isSpeaking = t % 0.6 < 0.4;
    return isSpeaking ? 0.3 * Math.sin(phase) + 0.1 * Math.sin(2 * phase) : 0;
  });
  assertEquals(voice.hum, undefined);
  assertEquals(heard(noise(0.3)).hum, undefined);
  assertEquals(heard((t) => t < 1 ? sine(50, 0.1)(t) : 0).hum, undefined);
});

Deno.test("SoundReport measures the sample rate by the clock of the frames", () => {
  const { sampleRateHz } = heard(noise(0.1), (block) => ({
    // The card gives a block every 20.2 ms, and is read up to 3 ms late.
    timestampMs: block * 20.2 + (block * 7 % 4),
  }));
  assertNear(sampleRateHz!, 24_000 / 1.01, 24);
});

Deno.test("SoundReport does not measure the sample rate over a hole, nor over half a second", () => {
  const hole = heard(
    noise(0.1),
    (block) =>
      block === 70 ? { discontinuity: { cause: "xrun", lostFrames: 100 } } : {},
  );
  assertEquals(hole.sampleRateHz, undefined);
  const short = new SoundReport(MONO);
  for (let i = 0; i < 25; i++) short.add(frameOf(new Int16Array(480), i * 480));
  assertEquals(short.figures.sampleRateHz, undefined);
});

Deno.test("SoundReport of nothing is silence, but no finding", () => {
  const { figures } = new SoundReport(MONO);
  assertEquals(figures.durationMs, 0);
  assertEquals(figures.isDigitalSilence, false);
  assertEquals(figures.noiseFloorDbfs, -Infinity);
});
