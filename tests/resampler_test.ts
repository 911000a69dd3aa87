/** Sample rate conversion, measured with tones. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Resampler } from "../src/resampler.ts";

const RATES = [8000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000];

function tone(rate: number, hz: number, count = rate): Int16Array {
  return Int16Array.from(
    { length: count },
    (_, i) => Math.round(16_384 * Math.sin(2 * Math.PI * hz * i / rate)),
  );
}

/** Everything at once. */
function convert(
  samples: Int16Array,
  from: number,
  to: number,
  blockSizes: readonly number[] = [samples.length],
): Int16Array {
  const resampler = new Resampler(from, to);
  const output: number[] = [];
  for (let begin = 0, i = 0; begin < samples.length; i++) {
    const end = begin + blockSizes[i % blockSizes.length]!;
    output.push(...resampler.push(samples.subarray(begin, end)));
    begin = end;
  }
  output.push(...resampler.flush());
  return Int16Array.from(output);
}

/**
 * The level of a frequency against the tone's, in dB, away from the ends, under
 * a Hann window.
 */
function levelOf(samples: Int16Array, rate: number, hz: number): number {
  const margin = 1000;
  const count = samples.length - 2 * margin;
  let re = 0;
  let im = 0;
  for (let i = 0; i < count; i++) {
    const angle = 2 * Math.PI * hz * (i + margin) / rate;
    const value = samples[i + margin]! *
      (0.5 - 0.5 * Math.cos(2 * Math.PI * i / count));
    re += value * Math.cos(angle);
    im += value * Math.sin(angle);
  }
  return 20 * Math.log10(4 * Math.hypot(re, im) / count / 16_384);
}

for (const from of RATES) {
  for (const to of [24_000, 16_000]) {
    const limitHz = Math.min(from, to) / 24_000 * 11_000;

    Deno.test(`Resampler from ${from} to ${to} Hz is flat within 0.01 dB up to ${Math.round(limitHz)} Hz`, () => {
      for (const share of [0.02, 0.3, 0.6, 0.9, 0.954, 1]) {
        const hz = Math.round(limitHz * share);
        const level = levelOf(convert(tone(from, hz), from, to), to, hz);
        assert(Math.abs(level) < 0.01, `${hz} Hz is off by ${level} dB`);
      }
    });

    Deno.test(`Resampler from ${from} to ${to} Hz keeps aliases and images 90 dB down`, () => {
      const lowestHz = Math.min(from, to) / 24_000 * 13_000;
      const count = 8;
      for (let i = 0; i < count; i++) {
        // Going down: tones above fold. Going up: tones below have images.
        const hz = from > to
          ? Math.round(lowestHz + (from / 2 - 100 - lowestHz) * i / (count - 1))
          : Math.round(limitHz * (i + 1) / count);
        if (from > to && from / 2 <= lowestHz) continue;
        const folded = from > to
          ? Math.abs(hz - to * Math.round(hz / to))
          : from - hz;
        if (folded > to / 2) continue;
        const output = convert(tone(from, hz), from, to);
        const level = levelOf(output, to, folded);
        assert(level < -90, `${hz} Hz is at ${folded} Hz with ${level} dB`);
      }
    });
  }

  Deno.test(`Resampler from ${from} Hz lags by at most 5 ms`, () => {
    assert(new Resampler(from, 24_000).latencyMs <= 5);
  });
}

Deno.test("Resampler from 22050 to 24000 Hz is flat as far as the others, to 10500 Hz", () => {
  const level = levelOf(
    convert(tone(22_050, 10_500), 22_050, 24_000),
    24_000,
    10_500,
  );
  assert(Math.abs(level) < 0.01, `it is off by ${level} dB`);
});

Deno.test("Resampler gives exactly as many samples as the time has, and the same for any block sizes", () => {
  for (const from of RATES) {
    const input = tone(from, 440, 12_345);
    const whole = convert(input, from, 24_000);
    assertEquals(whole.length, Math.ceil(12_345 * 24_000 / from), `${from}`);
    for (const blockSizes of [[1], [480], [7, 1000, 3], [4096, 1]]) {
      assertEquals(
        convert(input, from, 24_000, blockSizes),
        whole,
        `${from} Hz in blocks of ${blockSizes}`,
      );
    }
  }
});

Deno.test("Resampler does not drift and does not shift: a tone has the phase that it has to have", () => {
  for (const from of RATES) {
    const output = convert(tone(from, 1000, from * 5), from, 24_000);
    const expected = tone(24_000, 1000, output.length);
    let worst = 0;
    for (let i = 1000; i < output.length - 1000; i++) {
      worst = Math.max(worst, Math.abs(output[i]! - expected[i]!));
    }
    assert(worst <= 2, `${from} Hz is off by ${worst} steps`);
  }
});

Deno.test("Resampler lies on the timeline of its rate, also when it begins in the middle of it", () => {
  for (const [from, begin] of [[48_000, 7], [44_100, 1001], [16_000, 5]]) {
    const resampler = new Resampler(from!, 24_000);
    resampler.reset(begin!);
    assertEquals(resampler.position, Math.ceil(begin! * 24_000 / from!));
    const first = resampler.position;
    const input = tone(from!, 1000, from! + begin!).subarray(begin);
    const output = resampler.push(input);
    const expected = tone(24_000, 1000, 24_000);
    for (let i = 1000; i < 20_000; i++) {
      const difference = output[i]! - expected[first + i]!;
      assert(Math.abs(difference) <= 2, `${from} Hz: ${difference}`);
    }
  }
});

Deno.test("Resampler clips what does not fit, and does not wrap it round", () => {
  const square = Int16Array.from(
    { length: 4800 },
    (_, i) => i % 96 < 48 ? 32_767 : -32_768,
  );
  const output = convert(square, 48_000, 24_000);
  assertEquals([Math.max(...output), Math.min(...output)], [32_767, -32_768]);
  for (let i = 1; i < output.length; i++) {
    const isJump = Math.abs(output[i]! - output[i - 1]!) > 50_000;
    assert(!isJump || i % 24 < 2 || i % 24 > 22, `a wrap at ${i}`);
  }
});

Deno.test("Resampler refuses rates that no device has", () => {
  assertThrows(() => new Resampler(0, 24_000), RangeError);
  assertThrows(() => new Resampler(24_000, 1e9), RangeError);
  assertThrows(() => new Resampler(44_100.5, 24_000), RangeError);
});
