/**
 * A session with the OpenAI Realtime API, or a server compatible with it, over
 * Deno's own `WebSocket`.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import { Backoff } from "../backoff.ts";
import { type Clock, systemClock } from "../clock.ts";
import { checkInteger, checkNumber, checkOneOf } from "../validation.ts";
import {
  isBetaSession,
  type LooseClientEvent,
  type LooseSession,
  toGaClientEvent,
} from "./beta.ts";
import { readCredential } from "./credential.ts";
import {
  errorOfEvent,
  isRetryable,
  RealtimeError,
  type RealtimeFailure,
} from "./errors.ts";
import {
  EventHub,
  type RealtimeClose,
  type RealtimeListenerEvents,
  type RealtimeReconnected,
  type RealtimeReconnecting,
  type RealtimeUtterance,
} from "./event_hub.ts";
import type {
  RealtimeClientEvent,
  RealtimeServerEvent,
  RealtimeServerEventOf,
  RealtimeSession,
  SemanticVad,
  ServerVad,
} from "./events.ts";
import { History } from "./history.ts";
import { RealtimeLink } from "./link.ts";
import { Outbox } from "./outbox.ts";
import { PeerWatch } from "./peer_watch.ts";
import { initialSession, mergeSessions } from "./session.ts";
import { BYTES_PER_MS } from "./turns.ts";
import { DEFAULT_URL, endpointUrl, isAzure, isLoopback } from "./url.ts";

export type {
  RealtimeClose,
  RealtimeListenerEvents,
  RealtimeReconnected,
  RealtimeReconnecting,
  RealtimeUtterance,
};

/** How often it is looked whether everything is answered, at the end. */
const DRAIN_POLL_MS = 50;

/** How long a server may take to hear speech in what was sent last. */
const HEARING_MS = 1000;

/** A session that lasted this long shows that the trouble is over. */
const STABLE_MS = 10_000;

/** How often a full socket is asked whether it has room again: it tells nobody. */
const BUFFER_POLL_MS = 50;

/** Audio that may be ahead of the pace of catching up. */
const CATCH_UP_LEAD_MS = 200;

/** A session is renewed this long before its end, to find a quiet moment. */
const RENEWAL_MARGIN_MS = 300_000;

/** Without a quiet moment it is renewed this long before its end. */
const FORCED_RENEWAL_MARGIN_MS = 20_000;

/** How often it is looked for a quiet moment. */
const QUIET_POLL_MS = 100;

/** How long a session that was replaced may still answer. */
const RETIREMENT_MS = 5000;

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
   * milliseconds, 0–3600000. 64 bytes of memory for each are reserved once. What
   * no longer fits is dropped oldest utterance first, and counted.
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

/** What a connection is doing. */
export type RealtimeConnectionState =
  /** Not started. */
  | { readonly status: "idle" }
  /** Waiting for the socket and the session. */
  | { readonly status: "connecting" }
  /** Waiting for the session's settings to be accepted. */
  | { readonly status: "configuring" }
  /** Ready for audio. */
  | {
    readonly status: "ready";
    /** The session's id, if the server named one. */
    readonly sessionId: string | undefined;
    /** When the session ends at the latest, in milliseconds since 1970. */
    readonly expiresAtMs: number | undefined;
  }
  /** Lost, and being made again; audio is kept meanwhile. */
  | {
    readonly status: "reconnecting";
    /** Why it was lost, or why the last attempt failed. */
    readonly error: RealtimeError;
    /** Which attempt comes next, from 1. */
    readonly attempt: number;
  }
  /** Saying goodbye. */
  | { readonly status: "closing" }
  /** Stopped or given up as asked; it can be started again. */
  | { readonly status: "closed" }
  /** Lost; it can be started again. */
  | { readonly status: "failed"; readonly error: RealtimeError };

/** What became of everything that was to be sent, over all sessions. */
export interface RealtimeConnectionStats {
  /**
   * Audio that was to be sent, in bytes of PCM16: the sum of `sentAudioBytes`,
   * `keptAudioBytes` and `unsentAudioBytes`.
   */
  readonly appendedAudioBytes: number;
  /**
   * Audio that was sent, in bytes of PCM16: to the present session, or to an
   * earlier one that took it.
   */
  readonly sentAudioBytes: number;
  /** The same in milliseconds, at 24 kHz mono. */
  readonly sentAudioMs: number;
  /** Audio that waits to be sent, in bytes of PCM16. */
  readonly keptAudioBytes: number;
  /** The same in milliseconds, at 24 kHz mono. */
  readonly keptAudioMs: number;
  /** Audio that was sent again after a loss, in bytes of PCM16. */
  readonly resentAudioBytes: number;
  /**
   * Audio that was not sent, in bytes of PCM16: because there was no session to
   * send it to, or too slow a one, and no more room to keep it.
   */
  readonly unsentAudioBytes: Readonly<
    Record<"notConnected" | "bufferFull", number>
  >;
  /** The same in milliseconds, at 24 kHz mono. */
  readonly unsentAudioMs: Readonly<
    Record<"notConnected" | "bufferFull", number>
  >;
  /** Silence of our own that was sent to end turns, in milliseconds. */
  readonly silencePaddingMs: number;
  /** Utterances that the server took. */
  readonly committedUtteranceCount: number;
  /** Utterances that the server refused. */
  readonly refusedUtteranceCount: number;
  /** Utterances that were dropped as a whole; their audio is not sent. */
  readonly droppedUtteranceCount: number;
  /** Utterances under 100 ms, which the service does not take: cleared. */
  readonly shortUtteranceCount: number;
  /** How often a lost connection was made again. */
  readonly reconnectCount: number;
  /** How often a session was replaced before its end. */
  readonly renewalCount: number;
  /** Events that were sent, audio included. */
  readonly sentEventCount: number;
  /** Events that were received. */
  readonly receivedEventCount: number;
  /** Events that were dropped because an iterator was too slow. */
  readonly droppedEventCount: number;
  /** Bytes that wait in the socket now. */
  readonly bufferedBytes: number;
}

type RealtimeAppend = Extract<
  RealtimeClientEvent,
  { type: "input_audio_buffer.append" }
>;

/** There was no socket that could have ended in another way. */
const NO_CLOSE: RealtimeClose = { code: 1006, reason: "" };

/** The most that an `append` has besides its audio: type, name, punctuation. */
const APPEND_LENGTH = 100;

/** What is known of audio besides its samples. */
export interface CapturedAudio {
  /**
   * When its first sample was captured: milliseconds of `performance.now()`.
   *
   * @default {now}
   */
  readonly timestampMs?: number;
}

/** A `session.update` on its way. */
interface SessionChange {
  readonly eventId: string;
  readonly session: RealtimeSession;
}

/** What every link counts. */
interface LinkCounts {
  silencePaddingMs: number;
  sentEventCount: number;
  receivedEventCount: number;
}

/** Told in the place of a frame that nobody can read, and must not repeat. */
const UNREADABLE: RealtimeServerEventOf<"error"> = {
  type: "error",
  error: {
    type: "server_error",
    code: "unreadable_frame",
    message: "The server sent something that is no event",
  },
};

/**
 * A session with the Realtime API, and its successors.
 *
 * A connection that is lost is made again and configured again; what was said
 * meanwhile is kept and sent, beginning with the first sample of the utterance
 * that was cut off. A session is replaced before the service ends it.
 *
 * Errors reach every `"error"` listener; a lost connection is also thrown by the
 * iterators. An error that nobody would hear of becomes an unhandled rejection.
 *
 * @example Transcribing
 * ```ts ignore
 * import { RealtimeConnectionManager } from "@nevil/earshot";
 *
 * await using connection = new RealtimeConnectionManager({ mode: "transcription" });
 * await connection.start();
 * for await (const event of connection) {
 *   if (event.type === "conversation.item.input_audio_transcription.completed") {
 *     console.log(event.transcript);
 *   }
 * }
 * ```
 */
export class RealtimeConnectionManager
  implements AsyncIterable<RealtimeServerEvent>, AsyncDisposable {
  readonly #options: RealtimeConnectionOptions;
  readonly #url: URL;
  readonly #maxBufferedBytes: number;
  readonly #setupTimeoutMs: number;
  readonly #catchUpRate: number;
  readonly #deadPeerMs: number;
  readonly #renewAfterMs: number;
  readonly #maxAttempts: number;
  readonly #backoff: Backoff;
  readonly #clock: Clock;
  readonly #hub = new EventHub();
  readonly #outbox: Outbox;
  readonly #history: History;
  readonly #initialSession: RealtimeSession;
  /** What the next session is asked to be: with all changes so far. */
  #session: RealtimeSession;
  /** Changes that the server has not accepted or refused yet. */
  #changes: SessionChange[] = [];

  #state: RealtimeConnectionState = { status: "idle" };
  /** The session in use. */
  #link: RealtimeLink | undefined;
  /** Sessions that were replaced and may still answer. */
  readonly #retiring = new Set<RealtimeLink>();
  #secret: string | undefined;
  /** Ends a start that is under way. */
  #attempt: AbortController | undefined;
  #attemptOver = Promise.withResolvers<void>();
  /** Ends the attempts to connect again. */
  #retrying: AbortController | undefined;
  /** Until when an end that is under way waits for answers. */
  #drainUntilMs = 0;
  #stopping: Promise<void> | undefined;
  #warnedOfBeta = false;
  #eventNumber = 0;

  /** Whether audio is behind, and since when it catches up at what position. */
  #catchUp: { readonly sinceMs: number; sentMs: number } | undefined;
  #isPumpScheduled = false;
  /** Whether audio is held back until the server said whether it hears speech. */
  #isHolding = false;
  /** Where the speech that the server hears began, and where it ended last. */
  #speechStartMs: number | undefined;
  #speechEndMs: number | undefined;

  /** What links that are gone have counted. */
  readonly #gone: LinkCounts = {
    silencePaddingMs: 0,
    sentEventCount: 0,
    receivedEventCount: 0,
  };
  #committedUtteranceCount = 0;
  #refusedUtteranceCount = 0;
  #shortUtteranceCount = 0;
  #reconnectCount = 0;
  #renewalCount = 0;

  /**
   * Checks the settings; nothing is sent yet.
   *
   * @param options The settings; a text is the API key.
   * @throws {RangeError} When a number is outside its range, or a word is none
   *   of those allowed.
   * @throws {TypeError} When the URL is no `wss:` URL or holds a credential, a
   *   header is none, or the server is to find turns with a model that cannot.
   */
  constructor(options: RealtimeConnectionOptions | string = {}) {
    if (typeof options === "string") options = { apiKey: options };
    const { mode = "conversation", model = "gpt-realtime-2.1" } = options;
    checkOneOf("mode", mode, ["conversation", "transcription"]);
    const type = mode === "conversation" ? "realtime" : "transcription";
    this.#maxBufferedBytes = options.maxBufferedBytes ?? 1024 * 1024;
    checkInteger("maxBufferedBytes", this.#maxBufferedBytes, 10_000, 1e9);
    this.#setupTimeoutMs = options.setupTimeoutMs ?? 10_000;
    checkNumber("setupTimeoutMs", this.#setupTimeoutMs, 1, 600_000);
    this.#catchUpRate = options.catchUpRate ?? 3;
    checkNumber("catchUpRate", this.#catchUpRate, 1, 100);
    this.#deadPeerMs = options.deadPeerMs ?? 15_000;
    checkNumber("deadPeerMs", this.#deadPeerMs, 1000, 3_600_000);
    this.#renewAfterMs = options.renewAfterMs ?? 3_300_000;
    checkNumber("renewAfterMs", this.#renewAfterMs, 1000, 86_400_000);
    const { keepMs = 60_000, carriedItemCount = 20 } = options;
    checkNumber("keepMs", keepMs, 0, 3_600_000);
    checkInteger("carriedItemCount", carriedItemCount, 0, 1000);
    const retry = reconnectOptions(options.reconnect);
    this.#maxAttempts = retry.maxAttempts;
    this.#backoff = new Backoff({
      initialMs: retry.initialDelayMs,
      maxMs: retry.maxDelayMs,
      jitter: 0.25,
      random: Math.random,
    });
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    // A header that is none is refused now, and not by every attempt.
    new Headers(options.headers);
    this.#url = endpointUrl({
      url: options.url ?? DEFAULT_URL,
      query: mode === "conversation" ? { model } : { intent: "transcription" },
      allowInsecure: options.allowInsecure ?? false,
    });
    this.#session = this.#initialSession = initialSession(type, options);
    this.#outbox = new Outbox(
      keepMs,
      () => this.#state.status === "ready" ? "bufferFull" : "notConnected",
    );
    this.#history = new History(type === "realtime" ? carriedItemCount : 0);
    if (isBetaSession(options.session ?? {})) this.#warnOfBeta();
  }

  /** What it is doing. */
  get state(): RealtimeConnectionState {
    return this.#state;
  }

  /**
   * Connects and configures the session. When this resolves, audio may flow.
   *
   * @param options `signal` gives up.
   * @throws {RealtimeError} When the service refuses, does not answer in time,
   *   or cannot be reached; `kind` says what to do.
   * @throws {DOMException} `InvalidStateError` when it is already started;
   *   `AbortError` when `stop` was called meanwhile.
   * @throws The signal's reason, when it is aborted.
   */
  async start(options: { signal?: AbortSignal } = {}): Promise<void> {
    const { status } = this.#state;
    if (status !== "idle" && status !== "closed" && status !== "failed") {
      throw invalidState(
        `Cannot start as the connection is ${status}: call stop() first`,
      );
    }
    const attempt = this.#attempt = new AbortController();
    this.#attemptOver = Promise.withResolvers<void>();
    const signal = this.#anySignal(attempt, options.signal);
    this.#state = { status: "connecting" };
    this.#backoff.reset();
    this.#outbox.abandon();
    this.#history.clear();
    this.#session = this.#initialSession;
    try {
      this.#use(await this.#openLink(signal));
      this.#options.signal?.addEventListener("abort", this.#stopNow);
    } catch (error) {
      if (error instanceof RealtimeError) {
        this.#state = { status: "failed", error };
        this.#hub.endIterators(error);
      } else {
        this.#state = { status: "closed" };
        this.#hub.endIterators();
      }
      throw error;
    } finally {
      this.#attempt = undefined;
      this.#attemptOver.resolve();
    }
  }

  /**
   * Ends the session. Safe to call in any state; a start under way is given up.
   * Of several calls the least patient one counts. Audio that is still kept then
   * is counted as not sent.
   *
   * @param options `drainMs` is how long to wait for audio that is still to be
   *   sent and for answers that the server still owes, such as the transcript
   *   of the last utterance, in milliseconds; 0 by default. A lost connection is
   *   tried to be made again as long.
   * @returns A promise that resolves when the connection is closed.
   */
  stop(options: { drainMs?: number } = {}): Promise<void> {
    const drainUntilMs = this.#clock.now() + (options.drainMs ?? 0);
    if (this.#stopping === undefined) {
      this.#drainUntilMs = drainUntilMs;
      this.#stopping = this.#stop()
        .finally(() => this.#stopping = undefined);
    } else {
      this.#drainUntilMs = Math.min(this.#drainUntilMs, drainUntilMs);
    }
    return this.#stopping;
  }

  /** The same as {@linkcode RealtimeConnectionManager.stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /**
   * Sends an event. Audio keeps its order: what cannot be sent now is kept, and
   * so is a commit or a `response.create` behind it.
   *
   * @param event The event; one of the beta is translated. An `event_id` is
   *   added unless it has one.
   * @param captured What is known of the audio in it.
   * @returns `false` for audio that is neither sent nor kept, because there is no
   *   session and none is being made, or because it is larger than all the room
   *   there is; else `true`.
   * @throws {DOMException} `InvalidStateError` when there is no session and the
   *   event is neither audio nor the end of it.
   */
  sendEvent(
    event: RealtimeClientEvent | LooseClientEvent,
    captured: CapturedAudio = {},
  ): boolean {
    if (event.type === "input_audio_buffer.append") {
      return this.#append(event, captured.timestampMs ?? this.#clock.now());
    }
    const ga = toGaClientEvent(event, this.#session.type);
    if (ga.wasBeta) this.#warnOfBeta();
    if (this.#isTaking && this.#inOrder(ga.event)) return true;
    const link = this.#link;
    if (this.#state.status !== "ready" || link === undefined) {
      throw invalidState(
        `Cannot send "${event.type}" as the connection is ${this.#state.status}: call start() first`,
      );
    }
    const eventId = link.send(ga.event);
    if (ga.event.type === "session.update") {
      this.#changes.push({ eventId, session: ga.event.session });
    }
    return true;
  }

  /**
   * Ends the turn whose audio was sent.
   *
   * When the client finds the turns: `input_audio_buffer.commit` and, in a
   * conversation, `response.create` as soon as no other response is active; or
   * `input_audio_buffer.clear` when there are less than 100 ms. When the server
   * finds them: the silence that it waits for. A turn without audio is none. The
   * end follows its audio, also when that has to wait.
   */
  endTurn(): void {
    this.#outbox.end();
    this.#pump();
  }

  /**
   * Listens.
   *
   * @param type A type of server event, `"event"` for all of them, `"error"` or
   *   `"close"`.
   * @param listener Called with each; an error that it throws is printed.
   * @returns A function that ends it.
   */
  on<Type extends keyof RealtimeListenerEvents>(
    type: Type,
    listener: (value: RealtimeListenerEvents[Type]) => void,
  ): () => void {
    return this.#hub.on(type, listener);
  }

  /**
   * Iterates over the server's events from now on. It ends when the connection
   * is stopped and throws when it is lost for good or cannot be made; a connection
   * that is made again does not end it. Up to 1024 events
   * wait for a slow consumer; older ones are dropped and counted.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<RealtimeServerEvent> {
    const iterator = this.#hub.iterate();
    const { status } = this.#state;
    if (status === "failed") this.#hub.endIterators(this.#state.error);
    else if (status === "closed") this.#hub.endIterators();
    return iterator;
  }

  /** What became of everything that was to be sent. */
  getStats(): RealtimeConnectionStats {
    const counts = this.#outbox.counts;
    const { notConnected, bufferFull } = counts.unsentBytes;
    const links = this.#link === undefined
      ? [...this.#retiring]
      : [this.#link, ...this.#retiring];
    const sum = (name: keyof LinkCounts) =>
      links.reduce((sum, link) => sum + link[name], this.#gone[name]);
    return {
      appendedAudioBytes: counts.appendedBytes,
      sentAudioBytes: counts.sentBytes,
      sentAudioMs: counts.sentBytes / BYTES_PER_MS,
      keptAudioBytes: counts.keptBytes,
      keptAudioMs: counts.keptBytes / BYTES_PER_MS,
      resentAudioBytes: counts.resentBytes,
      unsentAudioBytes: { notConnected, bufferFull },
      unsentAudioMs: {
        notConnected: notConnected / BYTES_PER_MS,
        bufferFull: bufferFull / BYTES_PER_MS,
      },
      silencePaddingMs: sum("silencePaddingMs"),
      committedUtteranceCount: this.#committedUtteranceCount,
      refusedUtteranceCount: this.#refusedUtteranceCount,
      droppedUtteranceCount: counts.droppedUtteranceCount,
      shortUtteranceCount: this.#shortUtteranceCount,
      reconnectCount: this.#reconnectCount,
      renewalCount: this.#renewalCount,
      sentEventCount: sum("sentEventCount"),
      receivedEventCount: sum("receivedEventCount"),
      droppedEventCount: this.#hub.droppedEventCount,
      bufferedBytes: this.#link?.bufferedBytes ?? 0,
    };
  }

  /** Whether audio is sent, or kept because it will be. */
  get #isTaking(): boolean {
    const { status } = this.#state;
    return status === "ready" || status === "reconnecting";
  }

  #anySignal(own: AbortController, given?: AbortSignal): AbortSignal {
    return AbortSignal.any(
      [own.signal, given, this.#options.signal]
        .filter((signal) => signal !== undefined),
    );
  }

  /** Makes a session, or leaves nothing behind. */
  async #openLink(signal: AbortSignal): Promise<RealtimeLink> {
    signal.throwIfAborted();
    this.#secret = await abortable(
      // A server on this machine need not know who we are.
      readCredential(this.#options.apiKey, isLoopback(this.#url)),
      signal,
    );
    const link: RealtimeLink = new RealtimeLink({
      url: this.#url,
      headers: this.#headers(),
      secret: this.#secret,
      session: this.#session,
      setupTimeoutMs: this.#setupTimeoutMs,
      maxBufferedBytes: this.#maxBufferedBytes,
      clock: this.#clock,
      createWebSocket: this.#options.createWebSocket ?? createNativeWebSocket,
      nextEventId: () => `earshot_${++this.#eventNumber}`,
      onConfiguring: () => {
        if (this.#state.status === "connecting") {
          this.#state = { status: "configuring" };
        }
      },
      onEvent: (event, length) => this.#onEvent(link, event, length),
      onCommitted: (itemId, eventId) =>
        this.#onCommitted(link, itemId, eventId),
      onRefused: (eventId) => this.#onRefused(link, eventId),
      onLost: (error, close) => this.#onLost(link, error, close),
    });
    try {
      await abortable(link.ready, signal);
      if (link.isReady) return link;
      throw new RealtimeError(
        "The connection was lost as soon as it was made",
        {
          kind: "transient",
          fatal: true,
        },
      );
    } catch (error) {
      if (this.#attempt !== undefined) this.#state = { status: "closing" };
      const close = await this.#retire(link);
      if (this.#attempt !== undefined) this.#hub.tell("close", close);
      throw error;
    }
  }

  #headers(): Headers {
    const headers = new Headers(this.#options.headers);
    const authHeader = this.#options.authHeader ??
      (isAzure(this.#url) ? "api-key" : "authorization");
    if (this.#secret !== undefined) {
      headers.set(
        authHeader,
        authHeader === "api-key" ? this.#secret : `Bearer ${this.#secret}`,
      );
    }
    return headers;
  }

  /** Goes on with a session that is ready. */
  #use(link: RealtimeLink): void {
    this.#link = link;
    this.#isHolding = false;
    this.#speechStartMs = this.#speechEndMs = undefined;
    this.#state = {
      status: "ready",
      sessionId: link.sessionId,
      expiresAtMs: link.expiresAtMs,
    };
    for (const event of this.#history.events) link.tellOf(event);
    this.#catchUp = this.#outbox.isSent
      ? undefined
      : { sinceMs: this.#clock.now(), sentMs: 0 };
    this.#pump();
    this.#watchPeer(link);
    this.#renewInTime(link);
  }

  /** Closes a session that is not used any more. */
  async #retire(link: RealtimeLink): Promise<RealtimeClose> {
    this.#retiring.add(link);
    const close = await link.close();
    if (!this.#retiring.delete(link)) return close;
    this.#gone.silencePaddingMs += link.silencePaddingMs;
    this.#gone.sentEventCount += link.sentEventCount;
    this.#gone.receivedEventCount += link.receivedEventCount;
    return close;
  }

  #onEvent(
    link: RealtimeLink,
    event: RealtimeServerEvent | undefined,
    length: number,
  ): void {
    const isInUse = link === this.#link;
    if (event !== undefined) {
      if (link.isKnown(event)) return;
      if (isInUse || this.#retiring.has(link)) this.#history.received(event);
      if (isInUse) this.#listen(event);
    }
    this.#hub.deliver(event ?? UNREADABLE, length);
    const failure = failureIn(event ?? UNREADABLE);
    // During set-up an error ends the attempt, which throws it.
    if (failure !== undefined && link.isReady) {
      this.#hub.report(errorOfEvent(failure, { secret: this.#secret }));
    }
  }

  /** Keeps up with the session: its settings, and where it hears speech. */
  #listen(event: RealtimeServerEvent): void {
    if (event.type === "session.updated") {
      const change = this.#changes.shift();
      if (change !== undefined) this.#change(change.session);
    } else if (event.type === "error") {
      const { event_id } = event.error ?? {};
      const isOther = ({ eventId }: SessionChange) => eventId !== event_id;
      this.#changes = this.#changes.filter(isOther);
    }
    if (event.type === "input_audio_buffer.speech_started") {
      this.#speechStartMs = event.audio_start_ms;
      this.#speechEndMs = undefined;
    } else if (event.type === "input_audio_buffer.speech_stopped") {
      this.#speechEndMs = event.audio_end_ms;
    }
  }

  /** A change that was accepted is a part of every session from now on. */
  #change(change: RealtimeSession): void {
    this.#session = mergeSessions(this.#session, change);
  }

  #onCommitted(
    link: RealtimeLink,
    itemId: string,
    eventId: string | undefined,
  ): void {
    if (link !== this.#link) return;
    this.#committedUtteranceCount++;
    if (eventId !== undefined) {
      const name = link.commits.get(eventId);
      link.commits.delete(eventId);
      const utterance = name && this.#outbox.settle(name);
      this.#hub.tell("utterance", {
        itemId,
        capturedMs: utterance?.capturedMs,
        durationMs: utterance && utterance.byteCount / BYTES_PER_MS,
        isCut: utterance?.isCut ?? false,
        isResent: utterance?.isResent ?? false,
      });
      return;
    }
    const startMs = this.#speechStartMs;
    this.#hub.tell("utterance", {
      itemId,
      capturedMs: startMs === undefined
        ? undefined
        : this.#outbox.capturedMsAt(startMs),
      durationMs: undefined,
      isCut: false,
      isResent: false,
    });
    this.#outbox.settleUntil(this.#speechEndMs ?? link.audioMs);
    this.#speechStartMs = this.#speechEndMs = undefined;
  }

  /** The service does not want it; nor would it want it again. */
  #onRefused(link: RealtimeLink, eventId: string): void {
    const name = link.commits.get(eventId);
    if (link !== this.#link || name === undefined) return;
    link.commits.delete(eventId);
    this.#outbox.settle(name);
    this.#refusedUtteranceCount++;
  }

  #onLost(
    link: RealtimeLink,
    error: RealtimeError,
    close: RealtimeClose,
  ): void {
    const isInUse = link === this.#link;
    if (isInUse) this.#link = undefined;
    this.#retire(link);
    if (!isInUse || this.#state.status !== "ready") return;
    // What was not refused was wanted.
    for (const { session } of this.#changes.splice(0)) this.#change(session);
    this.#outbox.rewind();
    if (this.#clock.now() - link.readyMs >= STABLE_MS) this.#backoff.reset();
    if (this.#maxAttempts > 0 && isRetryable(error)) {
      this.#reconnect(error, close);
    } else {
      this.#fail(error, close);
    }
  }

  /** Connects again, however often it takes. */
  async #reconnect(
    error: RealtimeError,
    close: RealtimeClose,
  ): Promise<void> {
    const retrying = this.#retrying = new AbortController();
    const signal = this.#anySignal(retrying);
    const lostMs = this.#clock.now();
    for (let attempt = 1; attempt <= this.#maxAttempts; attempt++) {
      this.#state = { status: "reconnecting", error, attempt };
      const delayMs = this.#backoff.next();
      this.#hub.tell("reconnecting", {
        error,
        attempt,
        delayMs,
        keptAudioMs: this.#keptAudioMs,
      });
      try {
        await this.#clock.sleep(delayMs, { signal });
        const link = await this.#openLink(signal);
        this.#reconnectCount++;
        const reconnected = {
          attemptCount: attempt,
          outageMs: this.#clock.now() - lostMs,
          keptAudioMs: this.#keptAudioMs,
          isRenewal: false,
        };
        this.#use(link);
        this.#hub.tell("reconnected", reconnected);
        return;
      } catch (cause) {
        if (signal.aborted) return;
        error = toRealtimeError(cause);
        if (!isRetryable(error)) break;
      }
    }
    this.#fail(error, close);
  }

  #fail(error: RealtimeError, close: RealtimeClose): void {
    this.#options.signal?.removeEventListener("abort", this.#stopNow);
    this.#state = { status: "failed", error };
    this.#outbox.abandon();
    this.#hub.fail(error);
    this.#hub.tell("close", close);
  }

  /** Takes an event that belongs behind the audio, if it has to wait for it. */
  #inOrder(event: RealtimeClientEvent): boolean {
    const outbox = this.#outbox;
    switch (event.type) {
      case "input_audio_buffer.commit":
        if (!outbox.isOpen) return false;
        outbox.end(event);
        this.#pump();
        return true;
      case "input_audio_buffer.clear":
        outbox.clear();
        return this.#state.status !== "ready";
      case "session.update":
        // It is a part of the session that is being made.
        if (this.#state.status === "ready") return false;
        this.#session = mergeSessions(this.#session, event.session);
        return true;
      case "response.create":
        if (outbox.isSent) return false;
        outbox.enqueue(event);
        return true;
      default:
        return false;
    }
  }

  #append(event: RealtimeAppend, capturedMs: number): boolean {
    const byteCount = decodedLength(event.audio);
    if (!this.#isTaking) {
      this.#outbox.refuse(byteCount, capturedMs);
      return false;
    }
    if (!this.#outbox.append(event.audio, byteCount, capturedMs)) {
      return this.#appendPastRing(event, byteCount, capturedMs);
    }
    this.#pump();
    return true;
  }

  /** Audio that there is no room to keep can still be sent at once. */
  #appendPastRing(
    event: RealtimeAppend,
    byteCount: number,
    capturedMs: number,
  ): boolean {
    const link = this.#link;
    if (
      link === undefined || !this.#outbox.isSent || this.#isHolding ||
      !this.#hasRoomFor(event.audio, link)
    ) {
      this.#outbox.refuse(byteCount, capturedMs);
      return false;
    }
    link.send(event, byteCount);
    this.#outbox.pass(byteCount, capturedMs);
    return true;
  }

  /** Sends what is to be sent, as far as it may be sent now. */
  #pump(): void {
    const link = this.#link;
    if (link === undefined || this.#isHolding) return;
    for (;;) {
      const item = this.#outbox.peek();
      if (item === undefined) break;
      if (item.kind === "audio") {
        const waitMs = this.#waitBefore(item.audio, item.byteCount, link);
        if (waitMs > 0) {
          this.#pumpIn(waitMs);
          return;
        }
        const { audio, byteCount } = item;
        link.send({ type: "input_audio_buffer.append", audio }, byteCount);
        this.#outbox.sent(link.audioMs);
      } else if (item.kind === "event") {
        link.send(item.event);
        this.#outbox.sent(link.audioMs);
      } else {
        const eventId = item.event === undefined
          ? link.turns.end()
          : link.send(item.event);
        const name = this.#outbox.sent(link.audioMs);
        if (eventId !== undefined) {
          link.commits.set(eventId, name);
        } else if (!link.turns.areServers) {
          this.#outbox.finish(name);
          this.#shortUtteranceCount++;
        }
      }
    }
    this.#catchUp = undefined;
    if (link.turns.areServers) {
      // What it did not take for speech by now is none.
      this.#outbox.settleUntil(
        this.#speechStartMs ?? link.audioMs - HEARING_MS,
      );
    }
  }

  /** How long audio has to wait, in milliseconds. */
  #waitBefore(audio: string, byteCount: number, link: RealtimeLink): number {
    const nowMs = this.#clock.now();
    if (!this.#hasRoomFor(audio, link)) {
      this.#catchUp ??= { sinceMs: nowMs, sentMs: 0 };
      return BUFFER_POLL_MS;
    }
    const catchUp = this.#catchUp;
    if (catchUp === undefined) return 0;
    const dueMs = catchUp.sinceMs +
      (catchUp.sentMs - CATCH_UP_LEAD_MS) / this.#catchUpRate;
    if (dueMs > nowMs) return dueMs - nowMs;
    catchUp.sentMs += byteCount / BYTES_PER_MS;
    return 0;
  }

  #hasRoomFor(audio: string, link: RealtimeLink): boolean {
    return link.bufferedBytes + audio.length + APPEND_LENGTH <=
      this.#maxBufferedBytes;
  }

  #pumpIn(ms: number): void {
    const link = this.#link;
    if (this.#isPumpScheduled || link === undefined) return;
    this.#isPumpScheduled = true;
    this.#clock.sleep(ms, { signal: link.retired.signal })
      .catch(() => {})
      .then(() => {
        this.#isPumpScheduled = false;
        this.#pump();
      });
  }

  get #keptAudioMs(): number {
    return this.#outbox.counts.keptBytes / BYTES_PER_MS;
  }

  /** Notices a peer that is gone without a word. */
  async #watchPeer(link: RealtimeLink): Promise<void> {
    const { signal } = link.retired;
    const watch = new PeerWatch(this.#deadPeerMs, this.#clock.now());
    try {
      for (;;) {
        await this.#clock.sleep(this.#deadPeerMs / 3, { signal });
        const { sentLength, bufferedBytes, receivedEventCount } = link;
        const isDead = watch.isDead({
          nowMs: this.#clock.now(),
          sentLength,
          bufferedBytes,
          receivedEventCount,
          isAnswerOwed: link.turns.isCommitOwed,
        });
        if (!isDead) continue;
        link.abandon(
          new RealtimeError(
            `The server has shown no sign of life for ${this.#deadPeerMs} ms`,
            { kind: "transient", fatal: true },
          ),
        );
      }
    } catch {
      // The link is not in use any more.
    }
  }

  /** Replaces a session before its end, at a quiet moment if there is one. */
  async #renewInTime(link: RealtimeLink): Promise<void> {
    const { signal } = link.retired;
    const lifeMs = (link.expiresAtMs ?? 0) - Date.now();
    // A server whose clock is wrong names an end that cannot be.
    const endMs = lifeMs > 0 ? lifeMs : this.#renewAfterMs * 60 / 55;
    const renewalMs = Math.min(
      this.#renewAfterMs,
      endMs - Math.min(RENEWAL_MARGIN_MS, endMs / 12),
    );
    const forcedMs = endMs -
      Math.min(FORCED_RENEWAL_MARGIN_MS, (endMs - renewalMs) / 4);
    const nowMs = this.#clock.now();
    try {
      await this.#clock.sleep(renewalMs, { signal });
      for (;;) {
        const next = await this.#openNext(signal);
        try {
          await this.#quiet(link, nowMs + forcedMs);
        } catch (error) {
          await this.#retire(next);
          throw error;
        }
        if (next.isReady) return await this.#replace(link, next);
        // It was lost before it was needed.
        this.#isHolding = false;
        this.#pump();
      }
    } catch {
      // The link was lost or stopped: that is another story.
    }
  }

  /** Makes the session that is to replace one that still works. */
  async #openNext(signal: AbortSignal): Promise<RealtimeLink> {
    for (;;) {
      try {
        return await this.#openLink(signal);
      } catch (error) {
        if (signal.aborted) throw error;
        // There is time, and what cannot be helped shows at the end.
        await this.#clock.sleep(STABLE_MS, { signal });
      }
    }
  }

  /** Waits until no utterance would be cut, or until it is high time. */
  async #quiet(link: RealtimeLink, untilMs: number): Promise<void> {
    const { signal } = link.retired;
    // A commit on its way is waited for: in a second session it would be another.
    while (this.#clock.now() < untilMs || link.turns.isCommitOwed) {
      if (this.#isQuiet(link)) {
        if (!link.turns.areServers) return;
        // It may hear speech in what it was sent last.
        this.#isHolding = true;
        let isStillQuiet = false;
        try {
          await this.#clock.sleep(HEARING_MS, { signal });
          isStillQuiet = this.#isQuiet(link);
        } finally {
          this.#isHolding = isStillQuiet;
        }
        if (isStillQuiet) return;
        this.#pump();
      }
      await this.#clock.sleep(QUIET_POLL_MS, { signal });
    }
  }

  #isQuiet(link: RealtimeLink): boolean {
    const { areServers, areOpen, mayOpen } = link.turns;
    return !areOpen && !mayOpen && link.bufferedBytes === 0 &&
      (areServers || this.#outbox.isEmpty);
  }

  /** Goes on with the next session; what the old one owes may still come. */
  async #replace(link: RealtimeLink, next: RealtimeLink): Promise<void> {
    const isQuiet = this.#isQuiet(link);
    // What a quiet server did not take for speech is not sent again.
    if (isQuiet) this.#outbox.settleUntil(Infinity);
    this.#outbox.rewind();
    this.#renewalCount++;
    const keptAudioMs = this.#keptAudioMs;
    this.#retiring.add(link);
    this.#use(next);
    this.#hub.tell("reconnected", {
      attemptCount: 0,
      outageMs: 0,
      keptAudioMs,
      isRenewal: true,
    });
    const untilMs = this.#clock.now() + RETIREMENT_MS;
    // One that hears speech now would make another utterance of its half.
    while (
      link.isReady && link.turns.areOpen && !link.turns.isSpeechHeard &&
      this.#clock.now() < untilMs && this.#link === next
    ) await this.#clock.sleep(DRAIN_POLL_MS);
    await this.#retire(link);
  }

  readonly #stopNow = () => void this.stop();

  async #stop(): Promise<void> {
    if (this.#attempt !== undefined) {
      this.#attempt.abort(
        new DOMException("The connection was stopped", "AbortError"),
      );
      await this.#attemptOver.promise;
    }
    await this.#drain();
    this.#retrying?.abort();
    if (!this.#isTaking) return;
    this.#options.signal?.removeEventListener("abort", this.#stopNow);
    const link = this.#link;
    this.#state = { status: "closing" };
    this.#link = undefined;
    this.#outbox.abandon();
    const links = [...this.#retiring];
    const [close] = await Promise.all([
      link === undefined ? NO_CLOSE : this.#retire(link),
      ...links.map((retiring) => this.#retire(retiring)),
    ]);
    this.#hub.tell("close", close);
    this.#state = { status: "closed" };
    this.#hub.endIterators();
  }

  /** Waits until everything is sent and answered, or its time is over. */
  async #drain(): Promise<void> {
    const heardByMs = this.#clock.now() + HEARING_MS;
    while (this.#isTaking) {
      const nowMs = this.#clock.now();
      const leftMs = this.#drainUntilMs - nowMs;
      if (this.#isSettled(nowMs < heardByMs) || !(leftMs > 0)) return;
      await this.#clock.sleep(Math.min(leftMs, DRAIN_POLL_MS));
    }
  }

  #isSettled(mayBeHeard: boolean): boolean {
    const link = this.#link;
    if (!this.#outbox.isSent) return false;
    if (link === undefined) return true;
    const { areOpen, mayOpen } = link.turns;
    return link.bufferedBytes === 0 && !areOpen && !(mayOpen && mayBeHeard);
  }

  #warnOfBeta(): void {
    if (this.#warnedOfBeta) return;
    this.#warnedOfBeta = true;
    console.warn(
      "The session settings are of the beta interface, which the Realtime API no longer takes: they are translated. Use audio.input, audio.output and output_modalities instead",
    );
  }
}

/** Finds what went wrong on the service's side, in an event of whatever type. */
function failureIn(event: RealtimeServerEvent): RealtimeFailure | undefined {
  switch (event.type) {
    case "error":
    case "conversation.item.input_audio_transcription.failed":
      return event;
    case "response.done": {
      const { status, status_details } = event.response ?? {};
      const error = status_details?.error ??
        { type: "server_error", message: "The response failed" };
      return status === "failed" ? { error } : undefined;
    }
  }
}

function createNativeWebSocket(
  url: string,
  options: { headers: Record<string, string> },
): WebSocket {
  return new WebSocket(url, options);
}

/** Fills in the defaults and refuses what cannot work. */
function reconnectOptions(
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

/** Whoever gets the credential may need the network for it. */
function toRealtimeError(cause: unknown): RealtimeError {
  if (cause instanceof RealtimeError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new RealtimeError(`The connection could not be made: ${message}`, {
    kind: cause instanceof Deno.errors.NotCapable
      ? "configuration"
      : "transient",
    fatal: true,
  });
}

/** The bytes that base64 stands for. */
function decodedLength(base64: string): number {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return Math.floor(base64.length / 4 * 3) - padding;
}

function invalidState(message: string): DOMException {
  return new DOMException(message, "InvalidStateError");
}
