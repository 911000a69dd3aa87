/**
 * Real-time capture: speech is played into a PulseAudio null sink, captured from
 * its monitor through the real libasound, and sent over a real WebSocket.
 *
 * `.ci/run` installs and starts what this needs and sets `EARSHOT_LIVE`;
 * elsewhere the tests are skipped.
 */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import {
  createAudioCapture,
  openMicrophone,
  readWav,
  RealtimeConnectionManager,
  takeFrames,
} from "../../mod.ts";
import { startRealtimeServer } from "../../src/testing/mod.ts";

const live = Deno.env.get("EARSHOT_LIVE") === "1";
if (!live) {
  console.log(
    "Left out: the real-time tests, which need PulseAudio (see CONTRIBUTING.md)",
  );
}

const SENTENCE =
  "Hello there. This is a test of the microphone, one, two, three.";

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args })
    .output();
  assert(success, `${command}: ${new TextDecoder().decode(stderr)}`);
}

/** Speech as a WAV to play, and as the 24 kHz samples that should arrive. */
async function makeSpeech(folder: string) {
  const path = `${folder}/speech.wav`;
  const original = `${folder}/original.wav`;
  await run("espeak-ng", "-w", `${folder}/raw.wav`, SENTENCE);
  await run("sox", `${folder}/raw.wav`, "-r", "48000", "-b", "16", path);
  await run("sox", path, "-r", "24000", "-b", "16", original);
  return { path, samples: readWav(await Deno.readFile(original)).samples };
}

/** Averages of 8 samples: 3 kHz are enough to find speech by. */
function thinned(samples: Int16Array): Float64Array {
  const result = new Float64Array(Math.floor(samples.length / 8));
  for (let i = 0; i < result.length * 8; i++) {
    result[i >> 3]! += samples[i]! / 8;
  }
  return result;
}

/** The best normalised correlation (0–1) of a pattern at a range of lags. */
function correlate(
  pattern: Int16Array | Float64Array,
  signal: Int16Array | Float64Array,
  fromLag: number,
  toLag: number,
): { lag: number; correlation: number } {
  let patternEnergy = 0;
  for (const value of pattern) patternEnergy += value * value;
  let best = { lag: 0, correlation: 0 };
  for (let lag = Math.max(0, fromLag); lag <= toLag; lag++) {
    let product = 0;
    let energy = 0;
    for (let i = 0; i < pattern.length; i++) {
      const value = signal[lag + i] ?? 0;
      product += pattern[i]! * value;
      energy += value * value;
    }
    const correlation = product / Math.sqrt(patternEnergy * energy + 1);
    if (correlation > best.correlation) best = { lag, correlation };
  }
  return best;
}

/** How surely a pattern is somewhere within a longer signal, 0–1. */
function likeness(pattern: Int16Array, signal: Int16Array): number {
  const thinSignal = thinned(signal);
  const { lag } = correlate(thinned(pattern), thinSignal, 0, thinSignal.length);
  return correlate(pattern, signal, lag * 8 - 16, lag * 8 + 16).correlation;
}

Deno.test({
  name: "openMicrophone() captures in real time what is played, without a hole",
  ignore: !live,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const speech = await makeSpeech(folder);
      await using mic = await openMicrophone();
      const captured: number[] = [];
      // An idle sink takes its time until the first sample arrives.
      const flowing = Promise.withResolvers<void>();
      const capturing = (async () => {
        let last = -Infinity;
        for await (const frame of takeFrames(mic, 7 * 24_000)) {
          assertEquals(frame.discontinuity, undefined);
          assertEquals(frame.position, captured.length);
          assertGreater(frame.timestampMs, last);
          last = frame.timestampMs;
          captured.push(...frame.samples);
          flowing.resolve();
        }
      })();
      await flowing.promise;
      await run("paplay", "--device=mic", speech.path);
      await capturing;
      assertEquals(captured.length, 7 * 24_000);
      assertGreater(likeness(speech.samples, Int16Array.from(captured)), 0.95);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "Microphone.stop() does not wait for the period to be full",
  ignore: !live,
  async fn() {
    const periodFrames = 2 * 24_000;
    const mic = await openMicrophone({ periodFrames });
    await mic.next();
    await mic.stop();
    let restFrames = 0;
    for await (const { samples } of mic) restFrames += samples.length;
    assertLess(restFrames, periodFrames);
  },
});

Deno.test({
  name:
    "AudioCaptureManager gets spoken words, and only them, to the server in one turn each",
  ignore: !live,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const speech = await makeSpeech(folder);
      await using server = startRealtimeServer();
      await using connection = new RealtimeConnectionManager({
        url: server.url,
        mode: "transcription",
      });
      await connection.start();
      const events: string[] = [];
      await using capture = await createAudioCapture({
        connectionManager: connection,
        vadEnabled: true,
        vadThreshold: 0.01,
        vadHangoverMs: 800,
        callbacks: {
          onVadSpeechStart: () => events.push("start"),
          onVadSpeechEnd: () => events.push("end"),
          onError: (error) => events.push(error.message),
        },
      });
      await capture.startRecording();
      await run("paplay", "--device=mic", speech.path);
      await server.waitFor(() =>
        server.connections[0]!.utterances.length === 1
      );
      await capture.stopRecording();
      await connection.stop();

      assertEquals(events, ["start", "end"]);
      const [utterance] = server.connections[0]!.utterances;
      // The gate may cut silence off both ends; the middle must be there.
      const middle = speech.samples.subarray(12_000, -24_000);
      assertGreater(likeness(middle, utterance!.samples), 0.95);
      const stats = capture.getStats();
      assertGreater(stats.gatedSamples, 0);
      assertEquals(
        stats.droppedSamples + stats.lostSamples + stats.unsentSamples,
        0,
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
