/**
 * `earshot demo`: the whole thing without microphone, key or network.
 *
 * @module
 */

import { AudioCaptureManager } from "../manager.ts";
import { RealtimeConnectionManager } from "../realtime/connection.ts";
import { FakePcm, type FakePcmStep } from "../testing/fake_pcm.ts";
import { startRealtimeServer } from "../testing/realtime_server.ts";
import { type Command, COMMON_OPTIONS, VAD_OPTIONS } from "./command.ts";
import { runLive } from "./live.ts";
import { Log } from "./log.ts";
import { OPERATION_OPTIONS } from "./operations.ts";
import { fromOptions } from "./usage_error.ts";
import { readMicrophoneWav } from "./wav_input.ts";
import {
  captureConfigOf,
  SERVER_VAD_TRANSCRIPTION_MODEL,
  stopAfterMsOf,
  TEXT_CONVERSATION,
} from "./stream.ts";

/** Two utterances, one of them with a short pause, among silence. */
const SCRIPT: readonly FakePcmStep[] = [
  { type: "silence", durationMs: 800 },
  { type: "speech", durationMs: 1500, amplitude: 0.5 },
  { type: "silence", durationMs: 1500 },
  { type: "speech", durationMs: 900, amplitude: 0.3 },
  { type: "silence", durationMs: 200 },
  { type: "speech", durationMs: 600, amplitude: 0.7 },
  { type: "silence", durationMs: 1500 },
];

/** Silence behind a WAV, so that its last utterance comes to an end. */
const TAIL_MS = 1500;

/** `earshot demo`. */
export const demo: Command = {
  name: "demo",
  summary: "Show the whole thing without microphone, key or network.",
  options: [
    "input",
    "transcribe",
    "vad",
    "chunk-ms",
    ...VAD_OPTIONS,
    "seconds",
    "json",
    ...OPERATION_OPTIONS,
    ...COMMON_OPTIONS,
  ],
  details:
    `A fake microphone speaks (or plays --input), and a server on this machine that
behaves like the Realtime API listens. Everything between them is what "earshot
stream" runs. The server recognises nothing: its transcripts say how much audio
it got.

Examples:
  earshot demo
  earshot demo --vad server
  earshot demo --input hello.wav --json`,

  async run(options, world) {
    const input = options.text("input");
    const script = input === undefined ? SCRIPT : await scriptOf(input);
    const durationMs = script.reduce(
      (sum, step) => sum + durationMsOf(step),
      0,
    );
    const transcribe = options.has("transcribe");
    const vad = options.text("vad") ?? "client";
    await using server = startRealtimeServer({
      paceMs: 40,
      clock: world.clock,
    });
    const log = new Log(options, world, { indent: "  " });
    log.info(`A local stand-in for the Realtime API listens on ${server.url}`);
    log.info(`A fake microphone plays ${input ?? "speech-like sounds"}`);
    const session = fromOptions(() => {
      const connection = new RealtimeConnectionManager({
        url: server.url,
        mode: transcribe ? "transcription" : "conversation",
        turnDetection: vad as "client" | "server",
        clock: world.clock,
        ...(transcribe
          ? {
            transcriptionModel: vad === "server"
              ? SERVER_VAD_TRANSCRIPTION_MODEL
              : undefined,
          }
          : { session: TEXT_CONVERSATION }),
      });
      const config = captureConfigOf(options, world);
      const capture = new AudioCaptureManager(
        {
          ...config,
          // The fake microphone's sounds are no voice to a network.
          vadEngine: config.vadEngine ??
            (input === undefined ? "energy" : undefined),
          openPcm: new FakePcm({ script, clock: world.clock }).open,
          vadEnabled: vad === "client",
        },
        {},
        connection,
      );
      const stopAfterMs = stopAfterMsOf(options) ?? durationMs;
      return { connection, capture, stopAfterMs };
    });
    await runLive(session, options, world, log);
  },
};

async function scriptOf(path: string): Promise<FakePcmStep[]> {
  return [
    { type: "samples", samples: await readMicrophoneWav(path) },
    { type: "silence", durationMs: TAIL_MS },
  ];
}

function durationMsOf(step: FakePcmStep): number {
  if (step.type === "samples") return step.samples.length / 24;
  return "durationMs" in step ? step.durationMs ?? 0 : 0;
}
