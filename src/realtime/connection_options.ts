/**
 * Settings of a connection, and their checks.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { checkInteger, checkNumber, checkOneOf } from "../validation.ts";
import type { LooseSession } from "./beta.ts";
import type { SemanticVad, ServerVad } from "./events.ts";

/** Settings of a {@linkcode RealtimeConnectionManager}. */
export interface RealtimeConnectionOptions {
  /**
   * The credential, or what gets one before every connection.
   *
   * @default {the environment variable OPENAI_API_KEY, read by `start`}
   */
  apiKey?: string | (() => string | Promise<string>);
  /**
   * Whether a model converses, or speech is only transcribed.
   *
   * @default {"conversation"}
   */
  mode?: "conversation" | "transcription";
  /**
   * The model of a conversation.
   *
   * @default {"gpt-realtime-2.1"}
   */
  model?: string;
  /**
   * The model that transcribes what the user says. More settings of it are in
   * `session.audio.input.transcription`.
   *
   * @default {"gpt-live-transcribe" in a transcription, none in a conversation}
   */
  transcriptionModel?: string;
  /**
   * The endpoint, for compatible servers and Azure; `model` or `intent` is added.
   *
   * @default {"wss://api.openai.com/v1/realtime"}
   */
  url?: string;
  /**
   * Which header carries the credential: `Authorization: Bearer`, or Azure's
   * `api-key`.
   *
   * @default {"api-key" for hosts of Azure, else "authorization"}
   */
  authHeader?: "authorization" | "api-key";
  /** More headers, such as `OpenAI-Project`. */
  headers?: Readonly<Record<string, string>>;
  /**
   * Whether an unencrypted `ws:` is allowed to other machines.
   *
   * @default {false}
   */
  allowInsecure?: boolean;
  /**
   * Who finds the ends of turns. With `"client"` the capture side commits each
   * utterance; with `"server"` or settings of its detector the server does, and
   * wants the stream with its silence.
   *
   * @default {"server" in a conversation, "client" in a transcription}
   */
  turnDetection?: "client" | "server" | ServerVad | SemanticVad;
  /** More settings of the session; those of the beta are translated. */
  session?: LooseSession;
  /**
   * Bytes that may wait in the socket, 10000–1000000000; audio beyond is not
   * sent, and counted. One event is four thirds of its audio.
   *
   * @default {1048576, about 16 seconds of audio}
   */
  maxBufferedBytes?: number;
  /**
   * How long setting up a session may take, in milliseconds, 1–600000.
   *
   * @default {10000}
   */
  setupTimeoutMs?: number;
  /**
   * Whether a connection that was lost is made again, for as long as it takes.
   * A wrong key, an empty account or a wrong model end it at once all the same.
   *
   * @default {true}
   */
  reconnect?: boolean | RealtimeReconnectOptions;
  /**
   * Audio that is kept while there is no connection, or too slow a one, in
   * milliseconds, 0–3600000. Up to 48 bytes of memory for each are taken as they are
   * needed. What no longer fits is dropped oldest utterance first, and counted.
   *
   * @default {60000}
   */
  keepMs?: number;
  /**
   * How fast kept audio is sent, in multiples of real time, 1–100.
   *
   * @default {3, as a service was seen to lose audio above 4}
   */
  catchUpRate?: number;
  /**
   * A peer that takes nothing, or does not answer a commit, for this long is
   * taken for lost, in milliseconds, 1000–3600000.
   *
   * @default {15000}
   */
  deadPeerMs?: number;
  /**
   * Sessions are renewed after this, at a quiet moment, and in any case 5 minutes
   * before the end that the service names, in milliseconds, 1000–86400000.
   *
   * @default {3300000, which is 55 minutes: the service ends them after 60}
   */
  renewAfterMs?: number;
  /**
   * Items of a conversation that a new session is told of, as text, 0–1000.
   * What was said is known as text only if the session transcribes it.
   *
   * @default {20}
   */
  carriedItemCount?: number;
  /** Ends the connection when it is aborted, as `stop` does. */
  signal?: AbortSignal;
  /**
   * Makes the socket: another one in tests.
   *
   * @default {the native WebSocket}
   */
  createWebSocket?: (
    url: string,
    options: { headers: Record<string, string> },
  ) => WebSocket;
  /**
   * The clock of all timeouts.
   *
   * @default {systemClock}
   */
  clock?: Clock;
}

/** How a connection that was lost is made again. */
export interface RealtimeReconnectOptions {
  /**
   * Attempts before giving up, from 1.
   *
   * @default {Infinity}
   */
  maxAttempts?: number;
  /**
   * The delay after the first attempt has failed, in milliseconds, 1–600000. It
   * doubles with every further one, less up to a quarter at random.
   *
   * @default {500}
   */
  initialDelayMs?: number;
  /**
   * The longest delay, in milliseconds, 1–3600000.
   *
   * @default {8000}
   */
  maxDelayMs?: number;
}

/** Settings that every one has a value of. */
export interface ConnectionSettings {
  readonly mode: "conversation" | "transcription";
  readonly model: string;
  readonly maxBufferedBytes: number;
  readonly setupTimeoutMs: number;
  readonly reconnect: Required<RealtimeReconnectOptions>;
  readonly keepMs: number;
  readonly catchUpRate: number;
  readonly deadPeerMs: number;
  readonly renewAfterMs: number;
  readonly carriedItemCount: number;
  readonly clock: Clock;
}

/**
 * Fills in the defaults and refuses what cannot work.
 *
 * @param options What was given.
 * @returns The settings.
 * @throws {RangeError} When a number is outside its range, or a word is none of
 *   those allowed.
 */
export function settleConnectionOptions(
  options: RealtimeConnectionOptions,
): ConnectionSettings {
  const settings = {
    mode: options.mode ?? "conversation",
    model: options.model ?? "gpt-realtime-2.1",
    maxBufferedBytes: options.maxBufferedBytes ?? 1024 * 1024,
    setupTimeoutMs: options.setupTimeoutMs ?? 10_000,
    reconnect: settleReconnectOptions(options.reconnect),
    keepMs: options.keepMs ?? 60_000,
    catchUpRate: options.catchUpRate ?? 3,
    deadPeerMs: options.deadPeerMs ?? 15_000,
    renewAfterMs: options.renewAfterMs ?? 3_300_000,
    carriedItemCount: options.carriedItemCount ?? 20,
    clock: options.clock ?? systemClock,
  };
  checkOneOf("mode", settings.mode, ["conversation", "transcription"]);
  checkInteger("maxBufferedBytes", settings.maxBufferedBytes, 10_000, 1e9);
  checkNumber("setupTimeoutMs", settings.setupTimeoutMs, 1, 600_000);
  checkNumber("keepMs", settings.keepMs, 0, 3_600_000);
  checkNumber("catchUpRate", settings.catchUpRate, 1, 100);
  checkNumber("deadPeerMs", settings.deadPeerMs, 1000, 3_600_000);
  checkNumber("renewAfterMs", settings.renewAfterMs, 1000, 86_400_000);
  checkInteger("carriedItemCount", settings.carriedItemCount, 0, 1000);
  return settings;
}

/** No attempts at all stand for `false`. */
function settleReconnectOptions(
  given: boolean | RealtimeReconnectOptions = true,
): Required<RealtimeReconnectOptions> {
  const {
    maxAttempts = given === false ? 0 : Infinity,
    initialDelayMs = 500,
    maxDelayMs = 8000,
  } = typeof given === "object" ? given : {};
  if (maxAttempts !== Infinity && given !== false) {
    checkInteger("reconnect.maxAttempts", maxAttempts, 1, 1e9);
  }
  checkNumber("reconnect.initialDelayMs", initialDelayMs, 1, 600_000);
  checkNumber("reconnect.maxDelayMs", maxDelayMs, 1, 3_600_000);
  return { maxAttempts, initialDelayMs, maxDelayMs };
}
