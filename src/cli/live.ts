/**
 * A live session on the screen: the microphone goes up, words come down. Both
 * `stream` and `demo` are this, with another microphone and another server.
 *
 * @module
 */

import type { AudioCaptureManager } from "../manager.ts";
import type { RealtimeConnectionManager } from "../realtime/connection.ts";
import type { World } from "./command.ts";
import type { Options } from "./options.ts";
import { duration, LevelMeter } from "./screen.ts";
import { Transcript } from "./transcript.ts";

/** How often the status line is redrawn. */
const REDRAW_MS = 100;

/** How long the end waits for answers that are on their way. */
const DRAIN_MS = 5000;

/** What a live session is made of. */
export interface LiveSession {
  /** The connection, not started yet. */
  readonly connection: RealtimeConnectionManager;
  /** The microphone, not initialized yet, which streams to it. */
  readonly capture: AudioCaptureManager;
  /** When to stop by itself, in milliseconds. */
  readonly stopAfterMs?: number;
}

/**
 * Runs a live session until Ctrl-C, its time is over, or something fails.
 *
 * @param session The connection and the microphone.
 * @param options What the user gave.
 * @param world Where it runs.
 * @throws When the connection or the microphone fails.
 */
export async function runLive(
  session: LiveSession,
  options: Options,
  world: World,
): Promise<void> {
  const { connection, capture, stopAfterMs } = session;
  const { clock, signal } = world;
  const transcript = new Transcript(options, world);
  const meter = new LevelMeter();
  const over = Promise.withResolvers<void>();
  const ended = new AbortController();
  let stopping = false;
  let lastError: Error | undefined;
  const fail = (error: unknown) => {
    lastError = error as Error;
    over.reject(error);
  };
  // A failure before anybody waits for the end is not unhandled.
  over.promise.catch(() => {});

  capture.setCallbacks({
    onVolumeChange: (volume) => meter.update(volume, clock.now()),
    onError: (error) => {
      lastError = error;
      if (!stopping) transcript.say(error.message);
    },
    onVadSpeechStart: () => transcript.say("Speech begins"),
    onVadSpeechEnd: () => transcript.say("Speech ends"),
    onStateChange: (state) => {
      if (state === "inactive" && !stopping) fail(lastError);
    },
  });
  const startedMs = clock.now();
  try {
    // The microphone first: without one no session need be paid for.
    await capture.initialize();
    transcript.say("Connecting");
    await connection.start({ signal });
    printEvents(connection, transcript).catch(fail);
    await capture.startRecording();
    transcript.say("Listening; Ctrl-C ends");
    signal.addEventListener("abort", () => over.resolve(), { once: true });
    if (signal.aborted) over.resolve();
    if (stopAfterMs !== undefined) {
      clock.sleep(stopAfterMs, { signal: ended.signal })
        .then(() => over.resolve(), () => {});
    }
    redraw(() => {
      const state = capture.getStats().vadSpeechActive ? "●" : "○";
      const time = duration(clock.now() - startedMs);
      transcript.showStatus(`${state} ${time} ${meter.bar}`);
    }, ended.signal);
    await over.promise;
  } finally {
    stopping = true;
    ended.abort();
    await capture.dispose();
    await connection.stop({ drainMs: DRAIN_MS });
    transcript.end();
    summarise();
  }

  async function redraw(draw: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      draw();
      await clock.sleep(REDRAW_MS, { signal }).catch(() => {});
    }
  }

  /** Says what became of the audio: nothing is lost silently. */
  function summarise(): void {
    const stats = {
      capture: capture.getStats(),
      connection: connection.getStats(),
    };
    if (options.has("json")) {
      transcript.line(JSON.stringify({ type: "earshot.stats", ...stats }));
      return;
    }
    const { sampleRate } = stats.capture;
    if (stats.capture.totalSamples === 0) return;
    const ms = (samples: number) => Math.round(samples * 1000 / sampleRate);
    const { totalSamples, gatedSamples, droppedSamples, lostSamples } =
      stats.capture;
    transcript.say(
      `Captured ${duration(ms(totalSamples))}, ` +
        `sent ${duration(stats.connection.sentAudioMs)}, ` +
        `${duration(ms(gatedSamples))} were no speech, ` +
        `lost ${ms(droppedSamples + lostSamples)} ms, ` +
        `not sent ${ms(stats.capture.unsentSamples)} ms`,
    );
  }
}

async function printEvents(
  connection: RealtimeConnectionManager,
  transcript: Transcript,
): Promise<void> {
  for await (const event of connection) transcript.print(event);
}
