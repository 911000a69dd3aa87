/**
 * A session with the OpenAI Realtime API, or a server compatible with it, over
 * Deno's own `WebSocket`.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import { type Clock, systemClock } from "../clock.ts";
import { checkInteger, checkNumber, checkOneOf } from "../validation.ts";
import {
  isBetaSession,
  type LooseClientEvent,
  type LooseSession,
  toGaClientEvent,
  toGaEventName,
} from "./beta.ts";
import { readCredential } from "./credential.ts";
import { errorOfClose, errorOfEvent, RealtimeError } from "./errors.ts";
import {
  EventHub,
  type RealtimeClose,
  type RealtimeListenerEvents,
} from "./event_hub.ts";
import type {
  RealtimeClientEvent,
  RealtimeServerEvent,
  RealtimeServerEventOf,
  RealtimeSession,
  SemanticVad,
  ServerVad,
} from "./events.ts";
import { initialSession } from "./session.ts";
import { BYTES_PER_MS, Turns } from "./turns.ts";
import { DEFAULT_URL, endpointUrl, isAzure, isLoopback } from "./url.ts";

export type { RealtimeClose, RealtimeListenerEvents };

/** How long the other side may take to answer a close frame. */
const CLOSE_TIMEOUT_MS = 2000;

/** How often it is looked whether everything is answered, at the end. */
const DRAIN_POLL_MS = 50;

/** How long a server may take to hear speech in what was sent last. */
const HEARING_MS = 1000;

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
  /** Saying goodbye. */
  | { readonly status: "closing" }
  /** Stopped or given up as asked; it can be started again. */
  | { readonly status: "closed" }
  /** Lost; it can be started again. */
  | { readonly status: "failed"; readonly error: RealtimeError };

/** What became of everything that was to be sent, over all sessions. */
export interface RealtimeConnectionStats {
  /** Audio that was sent, in bytes of PCM16. */
  readonly sentAudioBytes: number;
  /** The same in milliseconds, at 24 kHz mono. */
  readonly sentAudioMs: number;
  /**
   * Audio that was not sent, in bytes of PCM16: because there was no session to
   * send it to, or because `maxBufferedBytes` were waiting.
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
  /** Events that were sent, audio included. */
  readonly sentEventCount: number;
  /** Events that were received. */
  readonly receivedEventCount: number;
  /** Events that were dropped because an iterator was too slow. */
  readonly droppedEventCount: number;
  /** Bytes that wait in the socket now. */
  readonly bufferedBytes: number;
}

type RealtimeFailure = Parameters<typeof errorOfEvent>[0];

type RealtimeAppend = Extract<
  RealtimeClientEvent,
  { type: "input_audio_buffer.append" }
>;

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
 * A session with the Realtime API.
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
  readonly #headers: Headers;
  readonly #session: RealtimeSession;
  readonly #maxBufferedBytes: number;
  readonly #setupTimeoutMs: number;
  readonly #clock: Clock;
  readonly #hub = new EventHub();

  #state: RealtimeConnectionState = { status: "idle" };
  #socket: WebSocket | undefined;
  #secret: string | undefined;
  #turns: Turns | undefined;
  /** Ends a start that is under way. */
  #attempt: AbortController | undefined;
  /** Until when an end that is under way waits for answers. */
  #drainUntilMs = 0;
  #attemptOver = Promise.withResolvers<void>();
  #setUp = Promise.withResolvers<void>();
  #closed = Promise.withResolvers<void>();
  #stopping: Promise<void> | undefined;
  #socketMessage: string | undefined;
  #lastFailure: RealtimeFailure | undefined;
  #warnedOfBeta = false;
  #eventNumber = 0;

  #sentAudioBytes = 0;
  #notConnectedBytes = 0;
  #bufferFullBytes = 0;
  #silencePaddingMs = 0;
  #sentEventCount = 0;
  #receivedEventCount = 0;

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
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#headers = new Headers(options.headers);
    this.#url = endpointUrl({
      url: options.url ?? DEFAULT_URL,
      query: mode === "conversation" ? { model } : { intent: "transcription" },
      allowInsecure: options.allowInsecure ?? false,
    });
    this.#session = initialSession(type, options);
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
    const signals = [options.signal, this.#options.signal]
      .filter((signal) => signal !== undefined);
    const signal = AbortSignal.any([attempt.signal, ...signals]);
    this.#reset();
    try {
      signal.throwIfAborted();
      this.#secret = await abortable(
        // A server on this machine need not know who we are.
        readCredential(this.#options.apiKey, isLoopback(this.#url)),
        signal,
      );
      this.#connect();
      const timeout = this.#clock.sleep(this.#setupTimeoutMs, { signal })
        .then(() => {
          throw new RealtimeError(
            `The server did not set up the session within ${this.#setupTimeoutMs} ms`,
            { kind: "transient", fatal: true },
          );
        });
      await Promise.race([this.#setUp.promise, timeout]);
      signal.throwIfAborted();
      this.#options.signal?.addEventListener("abort", this.#stopNow);
    } catch (error) {
      this.#state = { status: "closing" };
      await this.#closeSocket();
      if (error instanceof RealtimeError) {
        this.#state = { status: "failed", error };
        this.#hub.endIterators(error);
      } else {
        this.#state = { status: "closed" };
        this.#hub.endIterators();
      }
      throw error;
    } finally {
      // Ends the timeout; nobody waits for it any more.
      attempt.abort();
      this.#attempt = undefined;
      this.#attemptOver.resolve();
    }
  }

  /**
   * Ends the session. Safe to call in any state; a start under way is given up.
   * Of several calls the least patient one counts.
   *
   * @param options `drainMs` is how long to wait for audio that is still to be
   *   sent and for answers that the server still owes, such as the transcript
   *   of the last utterance, in milliseconds; 0 by default.
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
   * Sends an event. Audio that cannot be sent is counted, not kept.
   *
   * @param event The event; one of the beta is translated. An `event_id` is
   *   added unless it has one.
   * @returns `false` for audio that was not sent, because there is no session
   *   or because `maxBufferedBytes` are waiting; else `true`.
   * @throws {DOMException} `InvalidStateError` when there is no session and the
   *   event is not audio.
   */
  sendEvent(event: RealtimeClientEvent | LooseClientEvent): boolean {
    if (event.type === "input_audio_buffer.append") {
      return this.#append(event);
    }
    if (this.#state.status !== "ready") {
      throw invalidState(
        `Cannot send "${event.type}" as the connection is ${this.#state.status}: call start() first`,
      );
    }
    const ga = toGaClientEvent(event, this.#session.type);
    if (ga.wasBeta) this.#warnOfBeta();
    this.#send(ga.event);
    return true;
  }

  /**
   * Ends the turn whose audio was sent.
   *
   * When the client finds the turns: `input_audio_buffer.commit` and, in a
   * conversation, `response.create` as soon as no other response is active; or
   * `input_audio_buffer.clear` when there are less than 100 ms. When the server
   * finds them: the silence that it waits for. A turn without audio is none.
   */
  endTurn(): void {
    if (this.#state.status === "ready") this.#turns?.end();
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
   * is stopped and throws when it is lost or cannot be made. Up to 1024 events
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
    const notConnected = this.#notConnectedBytes;
    const bufferFull = this.#bufferFullBytes;
    return {
      sentAudioBytes: this.#sentAudioBytes,
      sentAudioMs: this.#sentAudioBytes / BYTES_PER_MS,
      unsentAudioBytes: { notConnected, bufferFull },
      unsentAudioMs: {
        notConnected: notConnected / BYTES_PER_MS,
        bufferFull: bufferFull / BYTES_PER_MS,
      },
      silencePaddingMs: this.#silencePaddingMs,
      sentEventCount: this.#sentEventCount,
      receivedEventCount: this.#receivedEventCount,
      droppedEventCount: this.#hub.droppedEventCount,
      bufferedBytes: this.#bufferedBytes,
    };
  }

  #reset(): void {
    this.#state = { status: "connecting" };
    this.#setUp = Promise.withResolvers<void>();
    // It may fail before anybody waits for it, or after a timeout.
    this.#setUp.promise.catch(() => {});
    this.#attemptOver = Promise.withResolvers<void>();
    this.#closed = Promise.withResolvers<void>();
    this.#socketMessage = undefined;
    this.#lastFailure = undefined;
    this.#turns = new Turns({
      session: this.#session,
      send: (event) => this.#send(event),
      sendSilence: (durationMs) => this.#sendSilence(durationMs),
    });
  }

  #connect(): void {
    const headers = new Headers(this.#headers);
    const authHeader = this.#options.authHeader ??
      (isAzure(this.#url) ? "api-key" : "authorization");
    if (this.#secret !== undefined) {
      headers.set(
        authHeader,
        authHeader === "api-key" ? this.#secret : `Bearer ${this.#secret}`,
      );
    }
    const create = this.#options.createWebSocket ?? createNativeWebSocket;
    const socket = create(this.#url.href, {
      headers: Object.fromEntries(headers),
    });
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onerror = (event) => {
      this.#socketMessage = (event as ErrorEvent).message || undefined;
    };
    socket.onclose = ({ code, reason }) => this.#onClose({ code, reason });
  }

  #receive(data: unknown): void {
    const event = parse(data);
    if (event !== undefined) {
      this.#receivedEventCount++;
      this.#turns?.received(event);
      this.#advance(event);
    }
    this.#hub.deliver(event ?? UNREADABLE);
    const failure = failureIn(event ?? UNREADABLE);
    // During set-up the error ends the start, which throws it.
    if (failure !== undefined && this.#state.status === "ready") {
      this.#lastFailure = failure;
      this.#hub.report(errorOfEvent(failure, { secret: this.#secret }));
    }
  }

  /** Goes on with setting up the session. */
  #advance(event: RealtimeServerEvent): void {
    const { status } = this.#state;
    if (status === "connecting" && event.type === "session.created") {
      this.#state = { status: "configuring" };
      this.#send({ type: "session.update", session: this.#session });
    } else if (status === "configuring" && event.type === "session.updated") {
      const { id, expires_at } = event.session ?? {};
      this.#state = {
        status: "ready",
        sessionId: id ?? undefined,
        expiresAtMs: expires_at ? expires_at * 1000 : undefined,
      };
      this.#setUp.resolve();
    } else if (
      event.type === "error" &&
      (status === "connecting" || status === "configuring")
    ) {
      this.#setUp.reject(
        errorOfEvent(event, { fatal: true, secret: this.#secret }),
      );
    }
  }

  #onClose(close: RealtimeClose): void {
    this.#socket = undefined;
    this.#closed.resolve();
    this.#options.signal?.removeEventListener("abort", this.#stopNow);
    const { status } = this.#state;
    if (status === "connecting" || status === "configuring") {
      this.#setUp.reject(
        errorOfClose(close, this.#socketMessage, this.#secret),
      );
    } else if (status === "ready") {
      const error = this.#errorOf(close);
      this.#state = { status: "failed", error };
      this.#hub.report(error);
      this.#hub.endIterators(error);
    }
    this.#hub.close(close);
  }

  /** The service's own words, if it said them just before it closed. */
  #errorOf(close: RealtimeClose): RealtimeError {
    const error = errorOfClose(close, this.#socketMessage, this.#secret);
    const last = this.#lastFailure;
    if (last === undefined) return error;
    const said = errorOfEvent(last, {
      fatal: true,
      closeCode: close.code,
      secret: this.#secret,
    });
    const isSame = said.code !== undefined &&
      (said.code === error.code || said.code === "session_expired");
    return isSame ? said : error;
  }

  #append(event: RealtimeAppend): boolean {
    const byteCount = decodedLength(event.audio);
    if (this.#state.status !== "ready") {
      this.#notConnectedBytes += byteCount;
      return false;
    }
    const named = this.#named(event);
    const text = JSON.stringify(named);
    if (this.#bufferedBytes + text.length > this.#maxBufferedBytes) {
      this.#bufferFullBytes += byteCount;
      return false;
    }
    this.#transmit(named, text, byteCount);
    this.#sentAudioBytes += byteCount;
    return true;
  }

  #sendSilence(durationMs: number): void {
    if (this.#bufferedBytes > this.#maxBufferedBytes) return;
    // Bytes of zero are As in base64: 3 bytes make 4 characters.
    const audio = "A".repeat(durationMs * BYTES_PER_MS / 3 * 4);
    this.#send({ type: "input_audio_buffer.append", audio });
    this.#silencePaddingMs += durationMs;
  }

  #send(event: RealtimeClientEvent): void {
    const named = this.#named(event);
    this.#transmit(named, JSON.stringify(named));
  }

  #transmit(event: RealtimeClientEvent, text: string, byteCount = 0): void {
    this.#socket?.send(text);
    this.#sentEventCount++;
    this.#turns?.sent(event, byteCount);
  }

  /** A name is the only way to tell which event an error is about. */
  #named<Event extends RealtimeClientEvent>(event: Event): Event {
    const event_id = event.event_id ?? `earshot_${++this.#eventNumber}`;
    return { ...event, event_id };
  }

  get #bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
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
    if (this.#state.status !== "ready") return;
    this.#state = { status: "closing" };
    await this.#closeSocket();
    this.#state = { status: "closed" };
    this.#hub.endIterators();
  }

  /** Waits until everything is sent and answered, or its time is over. */
  async #drain(): Promise<void> {
    const heardByMs = this.#clock.now() + HEARING_MS;
    while (this.#state.status === "ready" && this.#turns !== undefined) {
      const nowMs = this.#clock.now();
      const { areOpen, mayOpen } = this.#turns;
      const isSettled = this.#bufferedBytes === 0 && !areOpen &&
        !(mayOpen && nowMs < heardByMs);
      const leftMs = this.#drainUntilMs - nowMs;
      if (isSettled || !(leftMs > 0)) return;
      await this.#clock.sleep(Math.min(leftMs, DRAIN_POLL_MS));
    }
  }

  /** Closes the socket and waits for the other side, but not for long. */
  async #closeSocket(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.close(1000);
    const closed = new AbortController();
    await Promise.race([
      this.#closed.promise,
      this.#clock.sleep(CLOSE_TIMEOUT_MS, { signal: closed.signal })
        .catch(() => {}),
    ]);
    closed.abort();
    socket.onmessage = socket.onerror = socket.onclose = null;
    // Without an answer it ends as if the network were lost.
    if (this.#socket !== undefined) this.#onClose({ code: 1006, reason: "" });
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

/** Reads a frame; anything but an object with a `type` is no event. */
function parse(data: unknown): RealtimeServerEvent | undefined {
  if (typeof data !== "string") return undefined;
  try {
    const event = JSON.parse(data);
    if (typeof event?.type !== "string") return undefined;
    const type = toGaEventName(event.type);
    return type === event.type ? event : { ...event, type };
  } catch {
    return undefined;
  }
}

/** The bytes that base64 stands for. */
function decodedLength(base64: string): number {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return Math.floor(base64.length / 4 * 3) - padding;
}

function invalidState(message: string): DOMException {
  return new DOMException(message, "InvalidStateError");
}
