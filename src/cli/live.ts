/**
 * A live session on the screen: the microphone goes up, words come down. Both
 * `stream` and `demo` are this, with another microphone and another server.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import type { AudioCaptureManager } from "../manager.ts";
import type { RealtimeConnectionManager } from "../realtime/connection.ts";
import { RealtimeError } from "../realtime/errors.ts";
import { Interruption, type World } from "./command.ts";
import { explanationFor } from "./explain.ts";
import { describe, patiently } from "./microphone.ts";
import type { Log } from "./log.ts";
import { Operations } from "./operations.ts";
import type { Options } from "./options.ts";
import { duration, LevelMeter } from "./screen.ts";
import { Transcript } from "./transcript.ts";

/** How often the status line is redrawn. */
const REDRAW_MS = 100;

/** How long the end waits for answers that are on their way. */
const DRAIN_MS = 5000;

/** The same after SIGTERM: whoever sends that will not wait for long. */
const TERMINATION_DRAIN_MS = 1000;

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
 * @param log Where it is said what happens.
 * @throws When the connection or the microphone fails.
 */
export async function runLive(
  session: LiveSession,
  options: Options,
  world: World,
  log: Log,
): Promise<void> {
  const { connection, capture, stopAfterMs } = session;
  const { clock, signal } = world;
  const transcript = new Transcript(options, world, log);
  const meter = new LevelMeter();
  const over = Promise.withResolvers<void>();
  const ended = new AbortController();
  let isListening = false;
  let isConnected = false;
  let stopping = false;
  let lastError: Error | undefined;
  let toldError: Error | undefined;
  const fail = (error: unknown) => {
    lastError = error as Error;
    over.reject(error);
  };
  // A failure before anybody waits for the end is not unhandled.
  over.promise.catch(() => {});

  const { systemd } = world;
  const { sampleRate } = capture.getStats();
  const readStats = () => ({
    capture: capture.getStats(),
    connection: connection.getStats(),
  });
  await using operations = new Operations(options, world, {
    log,
    format: { sampleRate, channelCount: capture.getStats().channels },
    readStats,
  });
  const warn = (text: string, kind?: string) => {
    log.warn(text, kind);
    systemd?.status(text);
  };
  /** Tells programs: whoever reads stdout, and the flight recorder. */
  const note = (type: string, fields: object) => {
    transcript.note(type, fields);
    operations.note(type, fields);
  };

  capture.setCallbacks({
    onAudioFrame: operations.takesFrames
      ? (frame) => operations.take(frame)
      : undefined,
    onVolumeChange: (volume) => {
      meter.update(volume, clock.now());
      systemd?.alive();
    },
    onError: (error) => {
      lastError = error;
      // What ends the session is told at its end.
      const isFatal = error instanceof RealtimeError && error.fatal;
      if (!isListening || stopping || isFatal) return;
      toldError = error;
      log.error(error.message);
      systemd?.status(error.message);
      operations.happened("error", error.message);
    },
    onMicrophoneEvent: (event) => {
      // What is an error is told as such.
      const isError = event.type === "state"
        ? "error" in event.state
        : "error" in event;
      const text = isError ? undefined : describe(event, sampleRate);
      if (text !== undefined) warn(text);
      const { type, ...facts } = event;
      note("earshot.microphone", { event: type, ...facts });
    },
    onVadSpeechStart: () => {
      log.info("Speech begins");
      operations.happened("speech-start");
    },
    onVadSpeechEnd: () => {
      log.info("Speech ends");
      operations.happened("speech-end");
    },
    onStateChange: (state) => {
      if (state === "inactive" && !stopping) fail(lastError);
    },
  });
  connection.on("reconnecting", (event) => {
    const text = event.attempt === 1
      ? `The connection was lost, and audio is kept: ${event.error.message}`
      : `Still no connection, attempt ${event.attempt}: ${event.error.message}`;
    warn(text, event.attempt === 1 ? text : "attempt");
    if (isConnected) operations.happened("disconnected", event.error.message);
    isConnected = false;
    note("earshot.reconnecting", {
      attempt: event.attempt,
      delay_ms: event.delayMs,
      kept_audio_ms: event.keptAudioMs,
      message: event.error.message,
    });
  });
  connection.on("reconnected", (event) => {
    if (!event.isRenewal) {
      warn(
        `Connected again after ${duration(event.outageMs)}, ` +
          `${duration(event.keptAudioMs)} of audio are sent now`,
        "reconnected",
      );
      isConnected = true;
      operations.happened("connected");
    }
    note("earshot.reconnected", {
      attempt_count: event.attemptCount,
      outage_ms: event.outageMs,
      kept_audio_ms: event.keptAudioMs,
      is_renewal: event.isRenewal,
    });
  });
  connection.on("utterance", (event) => {
    const { capturedMs } = event;
    note("earshot.utterance", {
      item_id: event.itemId,
      captured_at: capturedMs === undefined
        ? null
        : new Date(performance.timeOrigin + capturedMs).toISOString(),
      duration_ms: event.durationMs ?? null,
      is_cut: event.isCut,
      is_resent: event.isResent,
    });
  });
  const stopPrinting = world.onSignal("SIGUSR1", () => printStats());
  const startedMs = clock.now();
  try {
    // The microphone first: without one no session need be paid for.
    const explain = explanationFor(
      options,
      world,
      log,
      capture.getStats().vadEnabled,
    );
    await patiently(abortable(capture.initialize(), signal), log, clock);
    explain(capture.deviceParameters!);
    log.info("Connecting");
    // What is said meanwhile is kept, and the first to be sent.
    await Promise.all([
      capture.startRecording(),
      connection.start({ signal }).then(() => {
        isConnected = true;
        operations.happened("connected");
        printEvents().catch(fail);
      }),
    ]);
    isListening = true;
    log.info("Listening; Ctrl-C ends");
    note("earshot.listening", {});
    systemd?.ready("Listening");
    signal.addEventListener("abort", () => over.resolve(), { once: true });
    if (signal.aborted) over.resolve();
    if (stopAfterMs !== undefined) {
      clock.sleep(stopAfterMs, { signal: ended.signal })
        .then(() => over.resolve(), () => {});
    }
    const draw = () => {
      const state = capture.getStats().vadSpeechActive ? "●" : "○";
      const time = duration(clock.now() - startedMs);
      transcript.showStatus(`${state} ${time} ${meter.shortBar}`);
    };
    if (log.status.isDrawn) redraw(draw, ended.signal);
    await over.promise;
  } catch (error) {
    if (!signal.aborted && error !== toldError) {
      operations.happened("error", messageOf(error));
    }
    throw error;
  } finally {
    stopping = true;
    ended.abort();
    systemd?.stopping();
    const reason = signal.reason;
    const isTermination = reason instanceof Interruption &&
      reason.signal === "SIGTERM";
    const endMs = clock.now() +
      (isTermination ? TERMINATION_DRAIN_MS : DRAIN_MS);
    await capture.dispose();
    if (signal.aborted && isConnected) {
      log.info("Waiting for the last answers; Ctrl-C again ends at once");
    }
    await connection.stop({ drainMs: endMs - clock.now() });
    if (isConnected) operations.happened("disconnected");
    transcript.end();
    stopPrinting();
    printStats();
  }

  async function redraw(draw: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      draw();
      await clock.sleep(REDRAW_MS, { signal }).catch(() => {});
    }
  }

  async function printEvents(): Promise<void> {
    for await (const event of connection) {
      transcript.print(event);
      operations.heard(event);
    }
  }

  /** Says what became of the audio: nothing is lost silently. */
  function printStats(): void {
    const stats = readStats();
    transcript.note("earshot.stats", stats);
    if (options.has("json") || !isListening) return;
    const ms = (samples: number) => Math.round(samples * 1000 / sampleRate);
    const { totalSamples, gatedSamples, droppedSamples, lostSamples } =
      stats.capture;
    log.info(
      `Captured ${duration(ms(totalSamples))}, ` +
        `sent ${duration(stats.connection.sentAudioMs)}, ` +
        `${duration(ms(gatedSamples))} were no speech, ` +
        `lost ${ms(droppedSamples + lostSamples)} ms, ` +
        `not sent ${ms(stats.capture.unsentSamples)} ms`,
      stats,
    );
    const { reconnectCount, droppedUtteranceCount } = stats.connection;
    const { reopenCount } = stats.capture;
    if (reconnectCount + droppedUtteranceCount + reopenCount > 0) {
      log.info(
        `The microphone was opened again ${reopenCount} times, the connection made again ${reconnectCount} times; ${droppedUtteranceCount} utterances had to be dropped`,
      );
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
