/** Sample rate conversion, 20 and 200 ms at a time: `deno task bench`. */

import { Resampler } from "../mod.ts";
import { consume } from "./sink.ts";
import { inTurn, speechlikeFrames } from "./speechlike.ts";

const TO = 24_000;

/** No filter at all: cheap, and it aliases. */
class LinearInterpolation {
  readonly #step: number;
  #place = 0;
  #last = 0;

  constructor(fromRate: number, toRate: number) {
    this.#step = fromRate / toRate;
  }

  push(input: Int16Array): Int16Array {
    const step = this.#step;
    const output = new Int16Array(
      Math.ceil((input.length - this.#place) / step),
    );
    let place = this.#place;
    for (let i = 0; i < output.length; i++, place += step) {
      const index = Math.floor(place);
      const before = index === 0 ? this.#last : input[index - 1]!;
      output[i] = before + (input[index]! - before) * (place - index);
    }
    this.#place = place - input.length;
    this.#last = input[input.length - 1]!;
    return output;
  }
}

for (const from of [48_000, 44_100]) {
  for (const blockMs of [20, 200]) {
    const what = `${from / 1000} to ${TO / 1000} kHz, ${blockMs} ms`;
    const group = `resampler, ${what}`;
    const next = inTurn(speechlikeFrames(from * blockMs / 1000));
    const resampler = new Resampler(from, TO);
    const linear = new LinearInterpolation(from, TO);
    Deno.bench(`Resampler, ${what}`, { group }, () => {
      consume(resampler.push(next().samples)[0]!);
    });
    Deno.bench(`linear, ${what}`, { group, baseline: true }, () => {
      consume(linear.push(next().samples)[0]!);
    });
  }
}
