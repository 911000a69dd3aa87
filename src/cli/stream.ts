/**
 * `earshot stream`: the microphone to the Realtime API.
 *
 * @module
 */

import { holdAlsa, openAlsaPcm } from "../alsa_device.ts";
import type { AudioCaptureConfig } from "../capture_settings.ts";
import { AudioCaptureManager } from "../manager.ts";
import { RealtimeConnectionManager } from "../realtime/connection.ts";
import type { VadEngine } from "../vad/create_detector.ts";
import { apiKeyOf } from "./api_key.ts";
import {
  type Command,
  COMMON_OPTIONS,
  deviceNameOf,
  MICROPHONE_OPTIONS,
  VAD_OPTIONS,
  type World,
} from "./command.ts";
import { runLive } from "./live.ts";
import { Log } from "./log.ts";
import { bufferFramesOf, channelsOf, frontEndOf } from "./microphone.ts";
import { OPERATION_OPTIONS } from "./operations.ts";
import type { Options } from "./options.ts";
import { applyScheduling, offerProfile } from "./profile.ts";
import { startTrimming } from "./trimming.ts";
import { fromOptions } from "./usage_error.ts";

/** The default where the server is to find the turns; the usual one cannot. */
export const SERVER_VAD_TRANSCRIPTION_MODEL = "gpt-transcribe";

/**
 * The screen shows text, of both sides; speech that nobody hears would be paid
 * for.
 */
export const TEXT_CONVERSATION = {
  output_modalities: ["text"],
  audio: { input: { transcription: { model: "gpt-transcribe" } } },
};

/** `earshot stream`. */
export const stream: Command = {
  name: "stream",
  summary: "Stream the microphone to the OpenAI Realtime API.",
  options: [
    "transcribe",
    "model",
    "vad",
    "url",
    "insecure",
    "key-file",
    "profile",
    ...MICROPHONE_OPTIONS,
    ...VAD_OPTIONS,
    "seconds",
    "keep-seconds",
    "fill-gaps",
    "fail-fast",
    "json",
    ...OPERATION_OPTIONS,
    ...COMMON_OPTIONS,
  ],
  details:
    `The API key is read from the environment variable OPENAI_API_KEY, or --key-file.
Words go to stdout, everything else to stderr. --json prints every event of the
server as one line, and the statistics as the last and at SIGUSR1.

With --vad client (the default of --transcribe) this program finds the ends of
turns and sends only speech; with --vad server (the default otherwise) everything
is sent and the server finds them.

--profile low-latency sends chunks of 20 ms, balanced of 100, low-power of 500;
the first also asks the kernel to go before other programs. --chunk-ms goes before
them.

A microphone or a connection that is lost is waited for; what is said meanwhile
is kept, up to --keep-seconds, and sent later. As a service of systemd it says
when it is ready and feeds the watchdog while audio flows.

The commands of --on-… are run by the shell, one after another, for 10 seconds at
most; what happened is in $EARSHOT_EVENT, $EARSHOT_TEXT and $EARSHOT_TIME. The
flight recorder keeps what was said in the room: tell those who are in it.

Examples:
  earshot stream --transcribe
  earshot stream --vad client --vad-hangover-ms 800
  earshot stream --profile low-latency
  earshot stream --url ws://127.0.0.1:8000/v1/realtime --model my-model`,

  async run(options, world) {
    const transcribe = options.has("transcribe");
    const vad = options.text("vad") ?? (transcribe ? "client" : "server");
    const model = options.text("model");
    const log = new Log(options, world, { indent: "  " });
    offerProfile(options);
    applyScheduling(options, world, log);
    const session = fromOptions(() => {
      const connection = new RealtimeConnectionManager({
        mode: transcribe ? "transcription" : "conversation",
        apiKey: apiKeyOf(options, world, log),
        url: options.text("url"),
        allowInsecure: options.has("insecure"),
        turnDetection: vad as "client" | "server",
        reconnect: !options.has("fail-fast"),
        keepMs: keepMsOf(options),
        clock: world.clock,
        ...(transcribe
          ? {
            transcriptionModel: model ??
              (vad === "server" ? SERVER_VAD_TRANSCRIPTION_MODEL : undefined),
          }
          : { model, session: TEXT_CONVERSATION }),
      });
      const config = captureConfigOf(options, world);
      const capture = new AudioCaptureManager(
        { ...config, vadEnabled: vad === "client" },
        {},
        connection,
      );
      return { connection, capture, stopAfterMs: stopAfterMsOf(options) };
    });
    // The device is opened twice, and loading the library takes as long as that.
    using _library = world.openPcm === openAlsaPcm ? holdAlsa() : undefined;
    using _trimming = startTrimming(world, options.number("chunk-ms"));
    await runLive(session, options, world, log);
  },
};

/**
 * Turns options into the settings of a capture.
 *
 * @param options What the user gave.
 * @param world Where it runs.
 * @returns The settings.
 */
export function captureConfigOf(
  options: Options,
  world: World,
): AudioCaptureConfig {
  const sampleRate = options.number("rate");
  const chunkMs = options.number("chunk-ms");
  return {
    device: deviceNameOf(options, world),
    sampleRate,
    ...channelsOf(options),
    ...frontEndOf(options),
    chunkSize: chunkMs === undefined
      ? undefined
      : Math.round((sampleRate ?? 24_000) * chunkMs / 1000),
    bufferSize: bufferFramesOf(options),
    fillGaps: options.has("fill-gaps"),
    reopen: !options.has("fail-fast"),
    vadEngine: options.text("vad-engine") as VadEngine | undefined,
    vadModel: options.text("vad-model"),
    vadThreshold: options.number("vad-threshold"),
    vadOffsetThreshold: options.number("vad-offset-threshold"),
    vadMinSpeechMs: options.number("vad-min-speech-ms"),
    vadPreRollMs: options.number("vad-pre-roll-ms"),
    vadHangoverMs: options.number("vad-hangover-ms"),
    vadMaxUtteranceMs: options.number("vad-max-utterance-ms"),
    openPcm: world.openPcm,
    clock: world.clock,
  };
}

/**
 * Reads when a session is to stop by itself.
 *
 * @param options What the user gave.
 * @returns Milliseconds, or `undefined` for never.
 */
export function stopAfterMsOf(options: Options): number | undefined {
  const seconds = options.number("seconds");
  return seconds === undefined ? undefined : seconds * 1000;
}

function keepMsOf(options: Options): number | undefined {
  const seconds = options.number("keep-seconds");
  return seconds === undefined ? undefined : seconds * 1000;
}
