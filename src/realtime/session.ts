/**
 * What a session is asked to be when it begins.
 *
 * @module
 */

import { checkInteger, checkNumber, checkOneOf } from "../validation.ts";
import { type LooseSession, toGaSession } from "./beta.ts";
import type {
  InputAudioTranscription,
  RealtimeSession,
  SemanticVad,
  ServerVad,
  TurnDetection,
} from "./events.ts";

/** Models that stream transcripts but cannot find the ends of turns. */
const MODELS_WITHOUT_VAD = ["gpt-live-transcribe", "gpt-realtime-whisper"];

/** What a session is made of. */
export interface SessionOptions {
  /** The model of the transcription. */
  readonly transcriptionModel?: string;
  /** Who finds the ends of turns. */
  readonly turnDetection?: "client" | "server" | ServerVad | SemanticVad;
  /** More settings, of either interface. */
  readonly session?: LooseSession;
}

/**
 * Makes the settings of a session's first `session.update`.
 *
 * @param type The kind of session.
 * @param options What it is made of; what they name themselves goes before what
 *   `options.session` says.
 * @returns The settings.
 * @throws {RangeError} When the input format is not PCM, the turn detection is
 *   none, or a setting of it is outside its range.
 * @throws {TypeError} When the server is to find turns with a model that cannot.
 */
export function initialSession(
  type: RealtimeSession["type"],
  options: SessionOptions,
): RealtimeSession {
  const session = toGaSession(options.session ?? {}, type);
  const input = session.audio?.input;
  const format = input?.format?.type ?? "audio/pcm";
  // What is captured, counted and sent as silence is PCM16.
  checkOneOf("session.audio.input.format.type", format, ["audio/pcm"]);
  const transcription = transcriptionOf(type, options, input?.transcription);
  const turnDetection = turnDetectionOf(type, options, input?.turn_detection);
  const model = transcription?.model ?? "";
  if (turnDetection !== null && MODELS_WITHOUT_VAD.includes(model)) {
    throw new TypeError(
      `Cannot let the server find turns with the transcription model "${model}" as it must be one that can, such as "gpt-transcribe"; or set turnDetection to "client"`,
    );
  }
  session.audio = {
    ...session.audio,
    input: {
      format: { type: "audio/pcm", rate: 24_000 },
      ...input,
      transcription,
      turn_detection: turnDetection,
    },
  };
  return session;
}

/**
 * Adds to the settings of a session what was changed later, the way the service
 * does: what is not named stays.
 *
 * @param session The settings.
 * @param change What a later `session.update` named.
 * @returns The settings for the next session.
 */
export function mergeSessions(
  session: RealtimeSession,
  change: RealtimeSession,
): RealtimeSession {
  return merge(session, change) as RealtimeSession;
}

function merge(base: unknown, change: unknown): unknown {
  if (!isObject(base) || !isObject(change)) return change;
  const merged = { ...base };
  for (const [name, value] of Object.entries(change)) {
    // Turn detection of another kind shares no settings with the one before.
    const isReplaced = isObject(value) && isObject(merged[name]) &&
      value.type !== undefined && value.type !== merged[name].type;
    merged[name] = isReplaced ? value : merge(merged[name], value);
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function transcriptionOf(
  type: RealtimeSession["type"],
  options: SessionOptions,
  given: InputAudioTranscription | null | undefined,
): InputAudioTranscription | null | undefined {
  if (given === null) return null;
  const model = options.transcriptionModel ?? given?.model ??
    (type === "transcription" ? "gpt-live-transcribe" : undefined);
  return model === undefined ? given : { ...given, model };
}

function turnDetectionOf(
  type: RealtimeSession["type"],
  options: SessionOptions,
  given: TurnDetection | undefined,
): TurnDetection {
  const choice = options.turnDetection;
  if (choice === undefined && given !== undefined) return given;
  if (typeof choice === "object") {
    checkTurnDetection(choice);
    return choice;
  }
  const side = choice ?? (type === "realtime" ? "server" : "client");
  checkOneOf("turnDetection", side, ["client", "server"]);
  // The documented default and the one in samples differ: it is always said.
  return side === "client"
    ? null
    : { type: "server_vad", silence_duration_ms: 500 };
}

/**
 * Checks the ranges of the service's reference, and our own where it has none.
 */
function checkTurnDetection(settings: ServerVad | SemanticVad): void {
  const { type } = settings;
  checkOneOf("turnDetection.type", type, ["server_vad", "semantic_vad"]);
  if (settings.type === "semantic_vad") {
    const { eagerness = "auto" } = settings;
    checkOneOf("turnDetection.eagerness", eagerness, [
      "low",
      "medium",
      "high",
      "auto",
    ]);
    return;
  }
  const { threshold, prefix_padding_ms, silence_duration_ms } = settings;
  checkNumber("turnDetection.threshold", threshold ?? 0.5, 0, 1);
  checkInteger(
    "turnDetection.prefix_padding_ms",
    prefix_padding_ms ?? 300,
    0,
    60_000,
  );
  checkInteger(
    "turnDetection.silence_duration_ms",
    silence_duration_ms ?? 500,
    0,
    10_000,
  );
  checkInteger(
    "turnDetection.idle_timeout_ms",
    settings.idle_timeout_ms ?? 5_000,
    5_000,
    30_000,
  );
}
