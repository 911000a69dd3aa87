/**
 * The settings of a session: what they are at the start, and what an update
 * makes of them.
 *
 * @module
 */

import type {
  InputAudioTranscription,
  RealtimeAudioFormat,
  RealtimeAudioOutput,
  TurnDetection,
} from "../realtime/events.ts";
import { type Fields, isFields, RequestError } from "./realtime_checks.ts";

/** A session's settings, in full, as the server tells them. */
export interface SessionConfig extends Fields {
  /** The kind of the session. */
  readonly type: "realtime" | "transcription";
  /** The model of a conversation. */
  readonly model?: string;
  /** What a conversation answers with. */
  readonly output_modalities?: readonly ("audio" | "text")[];
  /** The longest answer of a conversation. */
  readonly max_output_tokens?: number | "inf";
  /** The settings of sound. */
  readonly audio: {
    /** From the client. */
    readonly input: {
      /** Its encoding. */
      readonly format: RealtimeAudioFormat;
      /** The speech recogniser, if any. */
      readonly transcription: InputAudioTranscription | null;
      /** How turns are found; `null` when the client marks them. */
      readonly turn_detection: TurnDetection;
    };
    /** To the client; conversations only. */
    readonly output?: RealtimeAudioOutput & { format: RealtimeAudioFormat };
  };
}

const PCM_24K = { type: "audio/pcm", rate: 24_000 } as const;

/**
 * The silence is that of `session.created` samples; the guide says 500.
 */
const SERVER_VAD = {
  type: "server_vad",
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 200,
} as const;

/** What detectors of a conversation do unless told otherwise. */
const TURN_FLAGS = { create_response: true, interrupt_response: true };

/** These transcribe while audio arrives, and do not look for turns. */
const STREAMING_MODELS = ["gpt-live-transcribe", "gpt-realtime-whisper"];

/**
 * Makes the settings that a session starts with.
 *
 * @param id The session.
 * @param model The model of a conversation; nothing for a transcription
 *   session.
 * @param expiresAtS When the session ends, in seconds since 1970.
 * @returns All settings.
 */
export function initialConfig(
  id: string,
  model: string | undefined,
  expiresAtS: number,
): SessionConfig {
  const input = {
    format: PCM_24K,
    transcription: null,
    noise_reduction: null,
  };
  if (model === undefined) {
    return {
      type: "transcription",
      object: "realtime.transcription_session",
      id,
      expires_at: expiresAtS,
      audio: { input: { ...input, turn_detection: SERVER_VAD } },
      include: null,
    };
  }
  return {
    type: "realtime",
    object: "realtime.session",
    id,
    model,
    output_modalities: ["audio"],
    instructions: "You are a local test server",
    tools: [],
    tool_choice: "auto",
    max_output_tokens: "inf",
    truncation: "auto",
    tracing: null,
    prompt: null,
    expires_at: expiresAtS,
    audio: {
      input: {
        ...input,
        turn_detection: { ...SERVER_VAD, idle_timeout_ms: null, ...TURN_FLAGS },
      },
      output: { format: PCM_24K, voice: "alloy", speed: 1 },
    },
    include: null,
  };
}

/**
 * Applies an update: what it does not name stays as it is.
 *
 * @param current The settings so far.
 * @param update The fields of `session.update`, already checked.
 * @returns The settings from now on.
 * @throws {RequestError} When the update does not fit the session.
 */
export function updatedConfig(
  current: SessionConfig,
  update: Fields,
): SessionConfig {
  if (update.type !== current.type) {
    throw new RequestError(
      "invalid_parameter",
      `Cannot apply a ${update.type} session update to a ${current.type} session, whose kind was chosen by the URL`,
      "session.type",
    );
  }
  if (update.model !== undefined && update.model !== current.model) {
    throw new RequestError(
      "invalid_value",
      "Cannot change the model as it was chosen by the URL: open another connection",
      "session.model",
    );
  }
  const updated = merge(current, update) as SessionConfig;
  return current.type === "transcription"
    ? withoutTurns(updated, update)
    : updated;
}

/**
 * Tells whether a model's transcript arrives while its audio does.
 *
 * @param model The transcription model.
 * @returns `true` for the models that stream.
 */
export function isStreamingModel(model: string | undefined): boolean {
  return STREAMING_MODELS.includes(model ?? "");
}

/** Turns detection off for a model that has none, unless it was asked for. */
function withoutTurns(updated: SessionConfig, update: Fields): SessionConfig {
  const { input } = updated.audio;
  if (!isStreamingModel(input.transcription?.model)) return updated;
  const asked = update.audio as { input?: { turn_detection?: unknown } };
  if (asked?.input?.turn_detection) {
    throw new RequestError(
      "invalid_value",
      `Turn detection is not supported by '${input.transcription?.model}': set it to null and commit the audio yourself`,
      "session.audio.input.turn_detection",
    );
  }
  return { ...updated, audio: { input: { ...input, turn_detection: null } } };
}

function merge(current: Fields, update: Fields): Fields {
  const merged: Record<string, unknown> = { ...current };
  for (const [name, value] of Object.entries(update)) {
    merged[name] = mergedField(name, current[name], value);
  }
  return merged;
}

function mergedField(name: string, current: unknown, update: unknown): unknown {
  if (!isFields(update)) return update;
  switch (name) {
    case "audio":
    case "input":
    case "output":
    case "noise_reduction":
    case "transcription":
      return merge(isFields(current) ? current : {}, update);
    case "turn_detection":
      if (isFields(current) && current.type === update.type) {
        return { ...current, ...update };
      }
      return update.type === "server_vad"
        ? { ...SERVER_VAD, idle_timeout_ms: null, ...TURN_FLAGS, ...update }
        : { eagerness: "auto", ...TURN_FLAGS, ...update };
    case "format":
      return update.type === "audio/pcm" ? PCM_24K : update;
    default:
      return update;
  }
}
