/**
 * A session with the OpenAI Realtime API, or a server compatible with it, over
 * Deno's own `WebSocket`.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { checkInteger, checkNumber, checkOneOf } from "../validation.ts";
import {
  isBetaSession,
  type LooseClientEvent,
  type LooseSession,
  toGaClientEvent,
  toGaEventName,
  toGaSession,
} from "./beta.ts";
import { errorOfClose, errorOfEvent, RealtimeError } from "./errors.ts";
import { EventQueue } from "./event_queue.ts";
import type {
  RealtimeClientEvent,
  RealtimeServerEvent,
  RealtimeServerEventOf,
  RealtimeServerEventType,
  RealtimeSession,
  SemanticVad,
  ServerVad,
  TurnDetection,
} from "./events.ts";
import { BYTES_PER_MS, Turns } from "./turns.ts";
import { DEFAULT_URL, endpointUrl, isAzure, isLoopback } from "./url.ts";

/** Models that stream transcripts but cannot find the ends of turns. */
const MODELS_WITHOUT_VAD = ["gpt-live-transcribe", "gpt-realtime-whisper"];

/** How long the other side may take to answer a close frame. */
const CLOSE_TIMEOUT_MS = 2000;

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
   * The model of a transcription session. Give a conversation one through
   * `session.audio.input.transcription`.
   *
   * @default {"gpt-live-transcribe"}
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
   * sent, and counted.
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
  /** Stopped as asked; it can be started again. */
  | { readonly status: "closed" }
  /** Lost; it can be started again. */
  | { readonly status: "failed"; readonly error: RealtimeError };

/** How a connection ended. */
export interface RealtimeClose {
  /** The code of the close frame; 0 or 1006 when there was none. */
  readonly code: number;
  /** Its reason. */
  readonly reason: string;
}

/** What can be listened to, by name. */
export type RealtimeListenerEvents =
  & {
    [Type in Exclude<RealtimeServerEventType, "error">]: RealtimeServerEventOf<
      Type
    >;
  }
  & {
    /** Every server event, also those of unlisted types. */
    event: RealtimeServerEvent;
    /** Every error of the service and the connection. */
    error: RealtimeError;
    /** The end of the connection, whether asked for or not. */
    close: RealtimeClose;
  };

/** What became of everything that was to be sent, since the last `start`. */
export interface RealtimeConnectionStats {
  /** Audio that was sent, in bytes of PCM16. */
  readonly sentAudioBytes: number;
  /** The same in milliseconds, at 24 kHz mono. */
  readonly sentAudioMs: number;
  /** Audio that was not sent, in milliseconds, by its reason. */
  readonly unsentAudioMs: {
    /** There was no session to send it to. */
    readonly notConnected: number;
    /** The network was too slow: `maxBufferedBytes` were waiting. */
    readonly bufferFull: number;
  };
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

type Listener = (value: never) => void;

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
  readonly #sessionType: RealtimeSession["type"];
  readonly #session: RealtimeSession;
  readonly #maxBufferedBytes: number;
  readonly #setupTimeoutMs: number;
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #queues = new Set<EventQueue<RealtimeServerEvent>>();

  #state: RealtimeConnectionState = { status: "idle" };
  #socket: WebSocket | undefined;
  #secret: string | undefined;
  #turns: Turns | undefined;
  /** Ends a start that is under way. */
  #attempt: AbortController | undefined;
  #attemptOver = Promise.withResolvers<void>();
  #setUp = Promise.withResolvers<void>();
  #closed = Promise.withResolvers<void>();
  #stopping: Promise<void> | undefined;
  #socketMessage: string | undefined;
  #lastServiceError: RealtimeServerEventOf<"error"> | undefined;
  #warnedOfBeta = false;
  #eventNumber = 0;

  #sentAudioBytes = 0;
  #notConnectedBytes = 0;
  #bufferFullBytes = 0;
  #silencePaddingMs = 0;
  #sentEventCount = 0;
  #receivedEventCount = 0;
  #droppedEventCount = 0;

  /**
   * Checks the settings; nothing is sent yet.
   *
   * @param options The settings; a text is the API key.
   * @throws {RangeError} When a number is outside its range, or a word is none
   *   of those allowed.
   * @throws {TypeError} When the URL is no `wss:` URL or holds a credential, or
   *   the server is to find turns with a model that cannot.
   */
  constructor(options: RealtimeConnectionOptions | string = {}) {
    if (typeof options === "string") options = { apiKey: options };
    const { mode = "conversation", model = "gpt-realtime-2.1" } = options;
    checkOneOf("mode", mode, ["conversation", "transcription"]);
    this.#maxBufferedBytes = options.maxBufferedBytes ?? 1024 * 1024;
    checkInteger("maxBufferedBytes", this.#maxBufferedBytes, 10_000, 1e9);
    this.#setupTimeoutMs = options.setupTimeoutMs ?? 10_000;
    checkNumber("setupTimeoutMs", this.#setupTimeoutMs, 1, 600_000);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#sessionType = mode === "conversation" ? "realtime" : "transcription";
    this.#url = endpointUrl({
      url: options.url ?? DEFAULT_URL,
      query: mode === "conversation" ? { model } : { intent: "transcription" },
      allowInsecure: options.allowInsecure ?? false,
    });
    this.#session = sessionOf(options, this.#sessionType);
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
    const abort = () => attempt.abort(options.signal?.reason);
    if (options.signal?.aborted) abort();
    options.signal?.addEventListener("abort", abort, { once: true });
    this.#reset();
    try {
      attempt.signal.throwIfAborted();
      const secret = await orAborted(this.#credential(), attempt.signal);
      this.#secret = secret;
      this.#connect(secret);
      const timeout = this.#clock
        .sleep(this.#setupTimeoutMs, { signal: attempt.signal })
        .then(() => {
          throw new RealtimeError(
            `The server did not set up the session within ${this.#setupTimeoutMs} ms`,
            { kind: "transient", fatal: true },
          );
        });
      await Promise.race([this.#setUp.promise, timeout]);
    } catch (error) {
      await this.#closeSocket();
      this.#state = error instanceof RealtimeError
        ? { status: "failed", error }
        : { status: "closed" };
      this.#endIterators(error);
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", abort);
      // Ends the timeout; nobody waits for it any more.
      attempt.abort();
      this.#attempt = undefined;
      this.#attemptOver.resolve();
    }
  }

  /**
   * Ends the session. Safe to call in any state; a start under way is given up.
   *
   * @param options `drainMs` is how long to wait for answers that the server
   *   still owes, such as the transcript of the last utterance; 0 by default.
   * @returns A promise that resolves when the connection is closed.
   */
  stop(options: { drainMs?: number } = {}): Promise<void> {
    this.#stopping ??= this.#stop(options.drainMs ?? 0)
      .finally(() => this.#stopping = undefined);
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
      return this.#append(event as RealtimeClientEvent & { audio: string });
    }
    if (this.#state.status !== "ready") {
      throw invalidState(
        `Cannot send "${event.type}" as the connection is ${this.#state.status}: call start() first`,
      );
    }
    const ga = toGaClientEvent(event as LooseClientEvent, this.#sessionType);
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
   * finds them: the silence that it waits for.
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
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /**
   * Iterates over the server's events from now on. It ends when the connection
   * is stopped and throws when it is lost. Up to 1024 events wait for a slow
   * consumer; older ones are dropped and counted.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<RealtimeServerEvent> {
    const queue = new EventQueue<RealtimeServerEvent>(
      () => this.#queues.delete(queue),
      () => this.#droppedEventCount++,
    );
    if (this.#state.status === "failed") queue.end(this.#state.error);
    else if (this.#state.status === "closed") queue.end();
    else this.#queues.add(queue);
    return queue;
  }

  /** What became of everything that was to be sent. */
  getStats(): RealtimeConnectionStats {
    return {
      sentAudioBytes: this.#sentAudioBytes,
      sentAudioMs: this.#sentAudioBytes / BYTES_PER_MS,
      unsentAudioMs: {
        notConnected: this.#notConnectedBytes / BYTES_PER_MS,
        bufferFull: this.#bufferFullBytes / BYTES_PER_MS,
      },
      silencePaddingMs: this.#silencePaddingMs,
      sentEventCount: this.#sentEventCount,
      receivedEventCount: this.#receivedEventCount,
      droppedEventCount: this.#droppedEventCount,
      bufferedBytes: this.#socket?.bufferedAmount ?? 0,
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
    this.#lastServiceError = undefined;
    this.#sentAudioBytes = 0;
    this.#notConnectedBytes = 0;
    this.#bufferFullBytes = 0;
    this.#silencePaddingMs = 0;
    this.#sentEventCount = 0;
    this.#receivedEventCount = 0;
    this.#droppedEventCount = 0;
    this.#turns = new Turns({
      responds: this.#sessionType === "realtime",
      turnDetection: this.#session.audio?.input?.turn_detection ?? null,
      send: (event) => this.#send(event),
      sendSilence: (durationMs) => this.#sendSilence(durationMs),
    });
  }

  async #credential(): Promise<string | undefined> {
    const { apiKey } = this.#options;
    const given = typeof apiKey === "function" ? await apiKey() : apiKey;
    const environment = keyOfEnvironment();
    const secret = (given ?? environment.key)?.trim();
    if (!secret) {
      // A server on this machine need not know who we are.
      if (isLoopback(this.#url)) return undefined;
      throw new RealtimeError(
        environment.readable
          ? "There is no API key: apiKey was not given and OPENAI_API_KEY is not set"
          : "There is no API key: apiKey was not given and OPENAI_API_KEY cannot be read without --allow-env=OPENAI_API_KEY",
        { kind: "authentication", fatal: true },
      );
    }
    if (!/^[\x21-\x7e]+$/.test(secret)) {
      throw new RealtimeError(
        "The API key holds characters that no key has, such as a line break",
        { kind: "authentication", fatal: true },
      );
    }
    return secret;
  }

  #connect(secret: string | undefined): void {
    const headers: Record<string, string> = { ...this.#options.headers };
    const authHeader = this.#options.authHeader ??
      (isAzure(this.#url) ? "api-key" : "authorization");
    if (secret !== undefined) {
      headers[authHeader] = authHeader === "api-key"
        ? secret
        : `Bearer ${secret}`;
    }
    const create = this.#options.createWebSocket ?? createNativeWebSocket;
    const socket = create(this.#url.href, { headers });
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onerror = (event) => {
      this.#socketMessage = (event as ErrorEvent).message || undefined;
    };
    socket.onclose = ({ code, reason }) => this.#onClose({ code, reason });
  }

  #receive(data: unknown): void {
    const event = parse(data);
    if (event === undefined) {
      // What was sent is not repeated: nobody knows what it holds.
      this.#report(
        new RealtimeError("The server sent something that is no event", {
          kind: "transient",
        }),
      );
      return;
    }
    this.#receivedEventCount++;
    this.#turns?.received(event);
    this.#advance(event);
    for (const queue of this.#queues) queue.push(event);
    this.#emit("event", event);
    if (event.type === "error") {
      this.#lastServiceError = event;
      // During set-up the error ends the start, which throws it.
      if (this.#state.status === "ready") {
        this.#report(errorOfEvent(event, { secret: this.#secret }));
      }
    } else {
      this.#emit(event.type, event);
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
        sessionId: id,
        expiresAtMs: expires_at === undefined ? undefined : expires_at * 1000,
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
    const { status } = this.#state;
    if (status === "connecting" || status === "configuring") {
      this.#setUp.reject(
        errorOfClose(close, this.#socketMessage, this.#secret),
      );
    } else if (status === "ready") {
      this.#fail(this.#errorOf(close));
    }
    this.#emit("close", close);
  }

  /** The service's own words, if it said them just before it closed. */
  #errorOf(close: RealtimeClose): RealtimeError {
    const error = errorOfClose(close, this.#socketMessage, this.#secret);
    const last = this.#lastServiceError;
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

  #fail(error: RealtimeError): void {
    this.#state = { status: "failed", error };
    const heard = this.#queues.size > 0;
    this.#endIterators(error);
    this.#report(error, heard);
  }

  /** Tells listeners of an error; one that nobody hears of is not silent. */
  #report(error: RealtimeError, heard = this.#queues.size > 0): void {
    const listeners = this.#listeners.get("error")?.size ?? 0;
    this.#emit("error", error);
    if (listeners === 0 && !heard) Promise.reject(error);
  }

  #endIterators(error?: unknown): void {
    for (const queue of this.#queues) queue.end(error);
    this.#queues.clear();
  }

  #emit(type: string, value: unknown): void {
    for (const listener of [...this.#listeners.get(type) ?? []]) {
      try {
        listener(value as never);
      } catch (error) {
        console.error(`A listener of "${type}" failed:`, error);
      }
    }
  }

  #append(event: RealtimeClientEvent & { audio: string }): boolean {
    const byteCount = decodedLength(event.audio);
    if (this.#state.status !== "ready") {
      this.#notConnectedBytes += byteCount;
      return false;
    }
    const text = this.#serialise(event);
    if (this.#socket!.bufferedAmount + text.length > this.#maxBufferedBytes) {
      this.#bufferFullBytes += byteCount;
      return false;
    }
    this.#socket!.send(text);
    this.#sentEventCount++;
    this.#sentAudioBytes += byteCount;
    this.#turns?.sent(event, byteCount);
    return true;
  }

  #sendSilence(durationMs: number): void {
    // Bytes of zero are As in base64: 3 bytes make 4 characters.
    const audio = "A".repeat(durationMs * BYTES_PER_MS / 3 * 4);
    this.#send({ type: "input_audio_buffer.append", audio });
    this.#silencePaddingMs += durationMs;
  }

  #send(event: RealtimeClientEvent): string {
    const named = { event_id: this.#nextEventId(), ...event };
    this.#socket?.send(JSON.stringify(named));
    this.#sentEventCount++;
    this.#turns?.sent(named);
    return named.event_id;
  }

  #serialise(event: RealtimeClientEvent): string {
    return JSON.stringify({ event_id: this.#nextEventId(), ...event });
  }

  /** The only way to tell which event an error is about. */
  #nextEventId(): string {
    return `earshot_${++this.#eventNumber}`;
  }

  async #stop(drainMs: number): Promise<void> {
    if (this.#attempt !== undefined) {
      this.#attempt.abort(
        new DOMException("The connection was stopped", "AbortError"),
      );
      await this.#attemptOver.promise;
    }
    if (this.#state.status === "ready" && drainMs > 0) {
      const settled = new AbortController();
      await Promise.race([
        this.#turns!.settled(settled.signal),
        this.#closed.promise,
        this.#clock.sleep(drainMs, { signal: settled.signal }).catch(() => {}),
      ]);
      settled.abort();
    }
    if (this.#state.status !== "ready") return;
    this.#state = { status: "closing" };
    await this.#closeSocket();
    this.#state = { status: "closed" };
    this.#endIterators();
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
    this.#socket = undefined;
  }

  #warnOfBeta(): void {
    if (this.#warnedOfBeta) return;
    this.#warnedOfBeta = true;
    console.warn(
      "The session settings are of the beta interface, which the Realtime API no longer takes: they are translated. Use audio.input, audio.output and output_modalities instead",
    );
  }
}

/** Puts together what `session.update` sends at the start. */
function sessionOf(
  options: RealtimeConnectionOptions,
  type: RealtimeSession["type"],
): RealtimeSession {
  const isConversation = type === "realtime";
  const session = toGaSession(options.session ?? {}, type);
  const input = session.audio?.input;
  const turnDetection = turnDetectionOf(options, type);
  const transcription = input?.transcription !== undefined || isConversation
    ? input?.transcription
    : { model: options.transcriptionModel ?? "gpt-live-transcribe" };
  const model = transcription?.model;
  const settledTurns = options.turnDetection === undefined &&
      input?.turn_detection !== undefined
    ? input.turn_detection
    : turnDetection;
  if (settledTurns !== null && MODELS_WITHOUT_VAD.includes(model ?? "")) {
    throw new TypeError(
      `Cannot let the server find turns with the transcription model "${model}" as it must be one that can, such as "gpt-transcribe"; or set turnDetection to "client"`,
    );
  }
  return {
    ...session,
    type,
    audio: {
      ...session.audio,
      input: {
        format: { type: "audio/pcm", rate: 24_000 },
        ...input,
        ...(transcription === undefined ? {} : { transcription }),
        turn_detection: settledTurns,
      },
    },
  } as RealtimeSession;
}

function turnDetectionOf(
  options: RealtimeConnectionOptions,
  type: RealtimeSession["type"],
): TurnDetection {
  const given = options.turnDetection ??
    (type === "realtime" ? "server" : "client");
  if (typeof given === "string") {
    checkOneOf("turnDetection", given, ["client", "server"]);
  }
  if (given === "client") return null;
  // The documented default and the one in samples differ: it is always said.
  if (given === "server") {
    return { type: "server_vad", silence_duration_ms: 500 };
  }
  return given as ServerVad | SemanticVad;
}

function keyOfEnvironment(): { readable: boolean; key?: string } {
  const variable = "OPENAI_API_KEY";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  const readable = state === "granted";
  return { readable, key: readable ? Deno.env.get(variable) : undefined };
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
  return base64.length / 4 * 3 - padding;
}

/** Waits for a promise, but not longer than a signal allows. */
async function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function invalidState(message: string): DOMException {
  return new DOMException(message, "InvalidStateError");
}
