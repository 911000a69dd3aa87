/**
 * Real-time capture: speech is played into a PulseAudio null sink, captured from
 * its monitor through the real libasound, and sent over a real WebSocket.
 *
 * `.ci/run` installs and starts what this needs and sets `EARSHOT_LIVE`;
 * elsewhere the tests are skipped.
 */

import { assertEquals, assertGreater, assertLess } from "@std/assert";
import {
  createAudioCapture,
  openMicrophone,
  RealtimeConnectionManager,
  takeFrames,
} from "../../mod.ts";
import { startRealtimeServer } from "../../src/testing/mod.ts";
import { likeness, makeSpeech, run } from "./speech.ts";

const live = Deno.env.get("EARSHOT_LIVE") === "1";
if (!live) {
  console.log(
    "Left out: the real-time tests, which need PulseAudio (see CONTRIBUTING.md)",
  );
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
