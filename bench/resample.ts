/**
 * Our resampler beside a WASM library and `sox rate -v`: quality and cost, in one
 * run. `deno task bench:resample`; what is not installed is left out.
 *
 * Cost is the time for a second of audio, the median of some runs; trust the
 * ratios.
 *
 * @module
 */

import { Resampler } from "../src/resampler.ts";
import { wavHeader } from "../src/wav.ts";
import { median } from "./live/statistics.ts";

const TO = 24_000;
const RATES = [48_000, 44_100, 96_000, 16_000];
const SPEEX = "npm:@echogarden/speex-resampler-wasm@0.3.0/simd";
const SPEEX_QUALITY = 7;

/** Converts everything at once; quality only. */
type Convert = (samples: Int16Array, from: number) => Promise<Int16Array>;

function tone(rate: number, hz: number): Int16Array<ArrayBuffer> {
  return Int16Array.from(
    { length: 2 * rate },
    (_, i) => Math.round(16_384 * Math.sin(2 * Math.PI * hz * i / rate)),
  );
}

/** The level of a frequency against the tone's, in dB, under a Hann window. */
function levelOf(samples: Int16Array, hz: number): number {
  const margin = 2000;
  const count = samples.length - 2 * margin;
  let re = 0;
  let im = 0;
  for (let i = 0; i < count; i++) {
    const angle = 2 * Math.PI * hz * (i + margin) / TO;
    const value = samples[i + margin]! *
      (0.5 - 0.5 * Math.cos(2 * Math.PI * i / count));
    re += value * Math.cos(angle);
    im += value * Math.sin(angle);
  }
  return 20 * Math.log10(4 * Math.hypot(re, im) / count / 16_384);
}

/** All that a tone leaves in the output, in dB of the tone. */
function powerOf(samples: Int16Array): number {
  const middle = samples.subarray(2000, -2000);
  const sum = middle.reduce((sum, sample) => sum + sample * sample, 0);
  return 10 * Math.log10(sum / middle.length / (16_384 ** 2 / 2));
}

/** Milliseconds for a second of audio, in blocks of 20 ms. */
function costOf(from: number, push: (block: Int16Array) => unknown): number {
  const block = tone(from, 440).subarray(0, from / 50);
  const runs = Array.from({ length: 9 }, () => {
    const startMs = performance.now();
    for (let i = 0; i < 1000; i++) push(block);
    return (performance.now() - startMs) / 20;
  });
  return median(runs.slice(1));
}

const ours: Convert = (samples, from) => {
  const resampler = new Resampler(from, TO);
  const parts = [resampler.push(samples), resampler.flush()];
  return Promise.resolve(
    Int16Array.from(parts.flatMap((part) => [...part])),
  );
};

const sox: Convert = async (samples, from) => {
  const folder = await Deno.makeTempDir();
  try {
    const header = wavHeader(
      { sampleRate: from, channelCount: 1 },
      samples.length * 2,
    );
    const bytes = new Uint8Array(samples.buffer as ArrayBuffer);
    await Deno.writeFile(
      `${folder}/in.wav`,
      new Uint8Array([...header, ...bytes]),
    );
    await new Deno.Command("sox", {
      args: ["-D", "in.wav", "-t", "s16", "out.raw", "rate", "-v", String(TO)],
      cwd: folder,
    }).output();
    const raw = await Deno.readFile(`${folder}/out.raw`);
    return new Int16Array(raw.buffer);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
};

/** The whole process for some minutes of audio, less one that only reads it. */
async function costOfSox(from: number): Promise<number> {
  const seconds = 240;
  const path = await Deno.makeTempFile({ suffix: ".wav" });
  const format = ["-r", String(from), "-c", "1", "-b", "16"];
  const run = async (...args: string[]) => {
    const startMs = performance.now();
    const { success } = await new Deno.Command("sox", {
      args: ["-D", ...args],
    }).output();
    if (!success) throw new Error("sox failed");
    return performance.now() - startMs;
  };
  try {
    await run("-n", ...format, path, "synth", String(seconds), "sine", "440");
    const runs: number[] = [];
    const sink = ["-t", "s16", "/dev/null"];
    for (let i = 0; i < 5; i++) {
      const converting = await run(path, ...sink, "rate", "-v", String(TO));
      runs.push((converting - await run(path, ...sink)) / seconds);
    }
    return median(runs);
  } finally {
    await Deno.remove(path);
  }
}

interface Speex {
  _malloc(size: number): number;
  _speex_resampler_init(
    channels: number,
    from: number,
    to: number,
    quality: number,
    error: number,
  ): number;
  _speex_resampler_process_int(
    state: number,
    channel: number,
    input: number,
    inputLength: number,
    output: number,
    outputLength: number,
  ): number;
  readonly HEAP16: Int16Array;
  readonly HEAP32: Int32Array;
}

async function loadSpeex(): Promise<Speex | undefined> {
  try {
    const module = await import(SPEEX);
    return await module.default();
  } catch {
    return undefined;
  }
}

function speexPush(
  speex: Speex,
  from: number,
): (block: Int16Array) => Int16Array {
  const state = speex._speex_resampler_init(1, from, TO, SPEEX_QUALITY, 0);
  const input = speex._malloc(2 * from);
  const output = speex._malloc(4 * TO);
  const lengths = speex._malloc(8);
  return (block) => {
    speex.HEAP16.set(block, input >> 1);
    speex.HEAP32[lengths >> 2] = block.length;
    speex.HEAP32[(lengths >> 2) + 1] = TO;
    speex._speex_resampler_process_int(
      state,
      0,
      input,
      lengths,
      output,
      lengths + 4,
    );
    const count = speex.HEAP32[(lengths >> 2) + 1]!;
    return speex.HEAP16.slice(output >> 1, (output >> 1) + count);
  };
}

async function qualityOf(name: string, from: number, convert: Convert) {
  const flat = [];
  for (const hz of [1000, 7000, 10_000, 10_500, 11_000]) {
    if (hz > from / 2 * 11 / 12) continue;
    flat.push(levelOf(await convert(tone(from, hz), from), hz));
  }
  let worstAlias = -Infinity;
  for (let hz = 13_000; hz < from / 2; hz += 1700) {
    const alias = powerOf(await convert(tone(from, hz), from));
    worstAlias = Math.max(worstAlias, alias);
  }
  console.log(
    `${String(from).padStart(6)}  ${name.padEnd(12)}  ${
      flat.map((level) => level.toFixed(2).padStart(6)).join(" ").padEnd(36)
    }  ${Number.isFinite(worstAlias) ? worstAlias.toFixed(1) : "–"}`,
  );
}

const speex = await loadSpeex();
const speexConvert: Convert = (samples, from) => {
  const push = speexPush(speex!, from);
  const parts: number[] = [];
  for (let i = 0; i < samples.length; i += from / 100) {
    parts.push(...push(samples.subarray(i, i + from / 100)));
  }
  return Promise.resolve(Int16Array.from(parts));
};
const hasSox = await new Deno.Command("sox", { args: ["--version"] }).output()
  .then(() => true, () => false);

console.log(
  "  from  by            dB at 1, 7, 10, 10.5, 11 kHz          all that is left of tones from 13 kHz up, dB",
);
for (const from of RATES) {
  await qualityOf("ours", from, ours);
  if (speex !== undefined) await qualityOf("speex WASM 7", from, speexConvert);
  if (hasSox) await qualityOf("sox rate -v", from, sox);
}
console.log("\n  from  by            ms of CPU per second of audio (× ours)");
for (const from of RATES) {
  const resampler = new Resampler(from, TO);
  const own = costOf(from, (block) => resampler.push(block));
  const line = (name: string, ms: number) =>
    console.log(
      `${String(from).padStart(6)}  ${name.padEnd(12)}  ${ms.toFixed(2)} (${
        (ms / own).toFixed(2)
      })`,
    );
  line("ours", own);
  if (speex !== undefined) {
    line("speex WASM 7", costOf(from, speexPush(speex, from)));
  }
  if (hasSox) line("sox rate -v", await costOfSox(from));
}
