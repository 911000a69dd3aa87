import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { frameCountOf } from "../src/frame.ts";
import { gateSpeech } from "../src/speech_gate.ts";
import { createDetector } from "../src/vad/create_detector.ts";
import type { VoiceActivityDetector } from "../src/vad/detector.ts";
import { EnergyDetector, RmsDetector } from "../src/vad/energy_detector.ts";
import { NeuralDetector } from "../src/vad/neural_detector.ts";
import { PowerSpectrum } from "../src/vad/power_spectrum.ts";
import {
  FEATURE_COUNT,
  HOP,
  SpeechFeatures,
} from "../src/vad/speech_features.ts";
import { collect, frameOf, streamOf } from "./frames.ts";
import { joined, noise, voice } from "./sounds.ts";

const MONO = { sampleRate: 24_000, channelCount: 1 } as const;

async function scoresOf(
  detector: VoiceActivityDetector,
  samples: Int16Array,
  format: { sampleRate: number; channelCount: number } = MONO,
): Promise<number[]> {
  const length = format.sampleRate * format.channelCount * detector.blockMs /
    1000;
  const scores: number[] = [];
  for (let at = 0; at + length <= samples.length; at += length) {
    scores.push(
      await detector.score(samples.subarray(at, at + length), format),
    );
  }
  return scores;
}

function shareAbove(scores: readonly number[], threshold: number): number {
  return scores.filter((score) => score > threshold).length / scores.length;
}

Deno.test("PowerSpectrum gives what the definition of the Fourier transform gives", () => {
  const block = Float64Array.from(
    { length: 64 },
    (_, i) => Math.sin(i * 0.7) + Math.cos(i * i),
  );
  const power = new Float64Array(33);
  new PowerSpectrum(64).compute(block, power);
  for (let bin = 0; bin <= 32; bin++) {
    let [re, im] = [0, 0];
    for (let i = 0; i < 64; i++) {
      re += block[i]! * Math.cos(2 * Math.PI * bin * i / 64);
      im -= block[i]! * Math.sin(2 * Math.PI * bin * i / 64);
    }
    assertAlmostEquals(power[bin]!, re * re + im * im, 1e-9);
  }
});

Deno.test("SpeechFeatures are the same numbers for a microphone 20 dB quieter", () => {
  const [loud, quiet] = [new SpeechFeatures(), new SpeechFeatures()];
  const samples = noise(1, -10);
  const hop = new Float64Array(HOP);
  for (let at = 0; at + HOP <= samples.length; at += HOP) {
    for (let i = 0; i < HOP; i++) hop[i] = samples[at + i]! / 32_768;
    loud.push(hop);
    quiet.push(hop.map((sample) => sample / 10));
  }
  assertEquals(loud.values.length, FEATURE_COUNT);
  for (const [i, value] of loud.values.entries()) {
    assertAlmostEquals(quiet.values[i]!, value, 0.01, `feature ${i}`);
  }
  assertAlmostEquals(loud.noiseFloorDbfs - quiet.noiseFloorDbfs, 20, 0.1);
});

Deno.test("SpeechFeatures find the pitch of a voice and the place of a tone", () => {
  const features = new SpeechFeatures();
  const samples = voice(1, 0.5);
  const hop = new Float64Array(HOP);
  let periodic = 0;
  for (let at = 0; at + HOP <= samples.length; at += HOP) {
    for (let i = 0; i < HOP; i++) hop[i] = samples[at + i]! / 32_768;
    features.push(hop);
    if (features.values[50]! > 0.7) periodic++;
  }
  assert(periodic > 50, `${periodic} of 100`);
});

Deno.test("EnergyDetector takes a steady noise for the room, however loud, and what is louder for speech", async () => {
  for (const roomDbfs of [-60, -40, -20]) {
    const detector = new EnergyDetector();
    const room = await scoresOf(detector, noise(4, roomDbfs));
    assertEquals(shareAbove(room.slice(50), detector.threshold), 0);
    assertAlmostEquals(detector.noiseFloorDbfs, roomDbfs, 3);
    const loud = await scoresOf(detector, noise(0.5, roomDbfs + 15));
    assertEquals(shareAbove(loud, detector.threshold), 1);
  }
});

Deno.test("EnergyDetector hears a voice in any channel, as the mean of all", async () => {
  const mono = joined(noise(2, -60), noise(0.5, -20));
  const scores = await scoresOf(new EnergyDetector(), mono);
  for (const channel of [0, 1]) {
    // Twice as loud in one of two channels has the same mean.
    const stereo = Int16Array.from(
      { length: 2 * mono.length },
      (_, i) => i % 2 === channel ? 2 * mono[i >> 1]! : 0,
    );
    assertEquals(
      await scoresOf(new EnergyDetector(), stereo, {
        sampleRate: 24_000,
        channelCount: 2,
      }),
      scores,
    );
  }
});

Deno.test("EnergyDetector gets used to a noise that stays", async () => {
  const detector = new EnergyDetector();
  await scoresOf(detector, noise(4, -60));
  const scores = await scoresOf(detector, noise(8, -30));
  assertEquals(shareAbove(scores.slice(0, 50), detector.threshold), 1);
  assertEquals(shareAbove(scores.slice(-150), detector.threshold), 0);
});

Deno.test("NeuralDetector hears a voice in a quiet room, at any loudness", async () => {
  for (const peak of [0.5, 0.1, 0.02]) {
    const sound = joined(noise(1, -80), voice(2, peak), noise(3, -80));
    const detector = new NeuralDetector();
    const scores = await scoresOf(detector, sound);
    const passed = await collect(
      gateSpeech(streamOf([frameOf(sound, 0)]), detector),
    );

    assert(shareAbove(scores.slice(110, 300), 0.5) > 0.8, `peak ${peak}`);
    assertEquals(shareAbove(scores.slice(0, 95), 0.5), 0);
    assertEquals(shareAbove(scores.slice(-100), 0.5), 0);
    const positions = passed.map(({ position }) => position / 24_000);
    const said = passed.filter((_, i) =>
      positions[i]! >= 1 && positions[i]! < 3
    );
    const saidFrames = said.reduce(
      (sum, frame) => sum + frameCountOf(frame),
      0,
    );
    assert(saidFrames > 0.95 * 2 * 24_000, `peak ${peak}`);
    assert(positions[0]! > 0.5, `peak ${peak}`);
    assert(positions.at(-1)! < 4, `peak ${peak}`);
  }
});

Deno.test("NeuralDetector takes noise, hum, silence and a beep for none", async () => {
  const beep = Int16Array.from(
    { length: 24_000 },
    (_, i) => 8000 * Math.sin(2 * Math.PI * 1000 * i / 24_000),
  );
  const hum = Int16Array.from(
    { length: 48_000 },
    (_, i) => 3000 * Math.sign(Math.sin(2 * Math.PI * 50 * i / 24_000)),
  );
  for (const sound of [noise(3, -20), beep, hum, new Int16Array(48_000)]) {
    const scores = await scoresOf(new NeuralDetector(), sound);
    assert(shareAbove(scores, 0.5) < 0.05);
  }
});

Deno.test("NeuralDetector hears the same at other rates and in several channels", async () => {
  const mono = joined(noise(1, -80), voice(2, 0.3));
  const stereo = Int16Array.from(
    { length: 2 * mono.length },
    (_, i) => mono[i >> 1]!,
  );
  const expected = await scoresOf(new NeuralDetector(), mono);
  assertEquals(
    await scoresOf(new NeuralDetector(), stereo, {
      sampleRate: 24_000,
      channelCount: 2,
    }),
    expected,
  );
  // The same samples played twice as fast, at twice the rate, with repeats.
  const doubled = Int16Array.from(
    { length: 2 * mono.length },
    (_, i) => mono[i >> 1]!,
  );
  const scores = await scoresOf(new NeuralDetector(), doubled, {
    sampleRate: 48_000,
    channelCount: 1,
  });
  assert(shareAbove(scores.slice(110), 0.5) > 0.8);
});

Deno.test("a detector that was reset has forgotten everything", async () => {
  const samples = joined(noise(1, -50), voice(1, 0.3));
  for (const detector of [new NeuralDetector(), new EnergyDetector()]) {
    const first = await scoresOf(detector, samples);
    detector.reset();
    assertEquals(await scoresOf(detector, samples), first);
  }
});

Deno.test("createDetector() gives the engine that is asked for", () => {
  assert(createDetector() instanceof NeuralDetector);
  assert(createDetector({ engine: "energy" }) instanceof EnergyDetector);
  assert(createDetector({ threshold: 0.02 }) instanceof RmsDetector);
  assert(
    createDetector({ engine: "energy", threshold: 0.02 }) instanceof
      RmsDetector,
  );
  const strict = createDetector({ engine: "neural", threshold: 0.8 });
  assert(strict instanceof NeuralDetector);
  assertEquals(strict.threshold, 0.8);
  assertAlmostEquals(strict.offsetThreshold, 0.6);
});

Deno.test("createDetector() says what is wrong and what to do", () => {
  assertThrows(
    () => createDetector({ engine: "loud" as "energy" }),
    RangeError,
    'Cannot use engine as it must be one of neural, energy, silero: current value is "loud"',
  );
  assertThrows(
    () => createDetector({ threshold: 2 }),
    RangeError,
    "Cannot use threshold as it must be a number from 0 to 1: current value is 2",
  );
  assertThrows(
    () => createDetector({ engine: "silero" }),
    TypeError,
    'Cannot use the engine "silero" without a model',
  );
  assertThrows(
    () => createDetector({ model: "x.onnx" }),
    TypeError,
    'Cannot use a model with the engine "neural"',
  );
  assertThrows(
    () => createDetector({ engine: "silero", model: "no/such.onnx" }),
    Error,
    'Cannot read the model "no/such.onnx"',
  );
  assertThrows(
    () => createDetector({ engine: "silero", model: "deno.json" }),
    TypeError,
    'Cannot use the model "deno.json": Cannot read the file as ONNX',
  );
});
