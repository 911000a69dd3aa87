/**
 * The shapes of the beta interface, which OpenAI switched off in May 2026, as
 * those of the GA interface: programs written for it still work, and so do
 * servers that still speak it.
 *
 * @module
 */

import type {
  ConversationSession,
  RealtimeClientEvent,
  RealtimeSession,
  TranscriptionSession,
} from "./events.ts";

/** Settings as they come: of the GA interface, or of the beta. */
export type LooseSession =
  | Partial<ConversationSession>
  | Partial<TranscriptionSession>
  | Readonly<Record<string, unknown>>;

/** An update of the settings as it comes: of the GA interface, or of the beta. */
export type LooseClientEvent =
  & (
    | { readonly type: "session.update" }
    | { readonly type: "transcription_session.update" }
  )
  & {
    /** Names the event in an error about it. */
    readonly event_id?: string;
    readonly session: LooseSession;
  };

/** Where fields of the beta are in the GA interface. */
const MOVED: Readonly<Record<string, readonly string[]>> = {
  modalities: ["output_modalities"],
  voice: ["audio", "output", "voice"],
  speed: ["audio", "output", "speed"],
  input_audio_format: ["audio", "input", "format"],
  output_audio_format: ["audio", "output", "format"],
  input_audio_transcription: ["audio", "input", "transcription"],
  input_audio_noise_reduction: ["audio", "input", "noise_reduction"],
  turn_detection: ["audio", "input", "turn_detection"],
  max_response_output_tokens: ["max_output_tokens"],
};

const FORMATS: Readonly<Record<string, unknown>> = {
  pcm16: { type: "audio/pcm", rate: 24_000 },
  g711_ulaw: { type: "audio/pcmu" },
  g711_alaw: { type: "audio/pcma" },
};

/** Beginnings of event names of the beta, and what they are called now. */
const RENAMED: readonly (readonly [string, string])[] = [
  ["response.audio.", "response.output_audio."],
  ["response.audio_transcript.", "response.output_audio_transcript."],
  ["response.text.", "response.output_text."],
  ["conversation.item.created", "conversation.item.added"],
  ["transcription_session.", "session."],
];

/**
 * Tells settings of the beta from those of the GA interface.
 *
 * @param session The settings.
 * @returns Whether a field is where only the beta had it.
 */
export function isBetaSession(session: LooseSession): boolean {
  return Object.keys(session).some(isBetaField);
}

/**
 * Brings settings into the shape of the GA interface.
 *
 * @param session The settings, of either interface.
 * @param type The kind of session, where the settings do not say it.
 * @returns The settings; `temperature`, which is gone, is left out.
 */
export function toGaSession(
  session: LooseSession,
  type: RealtimeSession["type"],
): RealtimeSession {
  const result: Record<string, unknown> = { type };
  for (const [name, value] of Object.entries(session)) {
    if (!isBetaField(name)) result[name] = structuredClone(value);
  }
  for (const [name, path] of Object.entries(MOVED)) {
    const value = (session as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined) put(result, path, translated(name, value));
  }
  return result as unknown as RealtimeSession;
}

/**
 * Brings a client event into the shape of the GA interface.
 *
 * @param event The event, of either interface.
 * @param type The kind of session that the connection has.
 * @returns The event, and whether it was of the beta.
 */
export function toGaClientEvent(
  event: RealtimeClientEvent | LooseClientEvent,
  type: RealtimeSession["type"],
): { event: RealtimeClientEvent; wasBeta: boolean } {
  if (
    event.type !== "session.update" &&
    event.type !== "transcription_session.update"
  ) {
    return { event, wasBeta: false };
  }
  const isTranscription = event.type === "transcription_session.update";
  const { session } = event;
  return {
    event: {
      ...event,
      type: "session.update",
      session: toGaSession(session, isTranscription ? "transcription" : type),
    },
    wasBeta: isTranscription || isBetaSession(session),
  };
}

/**
 * Gives the name that the GA interface has for a server event.
 *
 * @param type The name, of either interface.
 * @returns The name of the GA interface.
 */
export function toGaEventName(type: string): string {
  for (const [old, current] of RENAMED) {
    if (type.startsWith(old)) return current + type.slice(old.length);
  }
  return type;
}

function isBetaField(name: string): boolean {
  return Object.hasOwn(MOVED, name) || name === "temperature";
}

function translated(name: string, value: unknown): unknown {
  if (name === "modalities" && Array.isArray(value)) {
    return value.includes("audio") ? ["audio"] : ["text"];
  }
  if (name.endsWith("_format") && typeof value === "string") {
    return FORMATS[value] ?? value;
  }
  return value;
}

function put(
  target: Record<string, unknown>,
  path: readonly string[],
  value: unknown,
): void {
  let place = target;
  for (const name of path.slice(0, -1)) {
    place = (place[name] ??= {}) as Record<string, unknown>;
  }
  place[path.at(-1)!] = value;
}
