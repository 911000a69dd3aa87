/**
 * A session with the OpenAI Realtime API, or a server compatible with it, over
 * Deno's own `WebSocket`.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import { Backoff } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import {
  isBetaSession,
  type LooseClientEvent,
  toGaClientEvent,
} from "./beta.ts";
import {
  type ConnectionSettings,
  type RealtimeConnectionOptions,
  type RealtimeReconnectOptions,
  settleConnectionOptions,
} from "./connection_options.ts";
import type {
  RealtimeConnectionState,
  RealtimeConnectionStats,
} from "./connection_status.ts";
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
} from "./events.ts";
import { History } from "./history.ts";
import { RealtimeLink } from "./link.ts";
import { PeerWatch } from "./peer_watch.ts";
import { HEARING_MS, Sender } from "./sender.ts";
import { initialSession, mergeSessions } from "./session.ts";
import { BYTES_PER_MS } from "./turns.ts";
import { DEFAULT_URL, endpointUrl, isAzure, isLoopback } from "./url.ts";

export type {
  RealtimeClose,
  RealtimeConnectionOptions,
  RealtimeConnectionState,
  RealtimeConnectionStats,
  RealtimeListenerEvents,
  RealtimeReconnected,
  RealtimeReconnecting,
  RealtimeReconnectOptions,
  RealtimeUtterance,
};

/** How often it is looked whether everything is answered, at the end. */
const DRAIN_POLL_MS = 50;

/** A session that lasted this long shows that the trouble is over. */
const STABLE_MS = 10_000;

/** A session is renewed this long before its end, to find a quiet moment. */
const RENEWAL_MARGIN_MS = 300_000;

/** Without a quiet moment it is renewed this long before its end. */
const FORCED_RENEWAL_MARGIN_MS = 20_000;

/** How often it is looked for a quiet moment. */
const QUIET_POLL_MS = 100;

/** How long a session that was replaced may still answer. */
const RETIREMENT_MS = 5000;

/** There was no socket that could have ended in another way. */
const NO_CLOSE: RealtimeClose = { code: 1006, reason: "" };

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
  readonly #settings: ConnectionSettings;
  readonly #url: URL;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #hub = new EventHub();
  readonly #sender: Sender;
  readonly #history: History;
  readonly #initialSession: RealtimeSession;
  /** What the next session is asked to be: with all changes so far. */
  #session: RealtimeSession;
  /** Changes that the server has not accepted or refused yet. */
  #changes: SessionChange[] = [];

  #state: RealtimeConnectionState = { status: "idle" };
  /** The session in use. */
  #link: RealtimeLink | undefined;
  /** Every session that is not closed yet. */
  readonly #links = new Set<RealtimeLink>();
  /** Those that were replaced and may still answer. */
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

  /** What links that are gone have counted. */
  readonly #gone: LinkCounts = {
    silencePaddingMs: 0,
    sentEventCount: 0,
    receivedEventCount: 0,
  };
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
    const settings = settleConnectionOptions(options);
    const { mode, clock, reconnect } = settings;
    const type = mode === "conversation" ? "realtime" : "transcription";
    this.#options = options;
    this.#settings = settings;
    this.#clock = clock;
    this.#backoff = new Backoff({
      initialMs: reconnect.initialDelayMs,
      maxMs: reconnect.maxDelayMs,
      jitter: 0.25,
      random: Math.random,
    });
    // A header that is none is refused now, and not by every attempt.
    new Headers(options.headers);
    this.#url = endpointUrl({
      url: options.url ?? DEFAULT_URL,
      query: mode === "conversation"
        ? { model: settings.model }
        : { intent: "transcription" },
      allowInsecure: options.allowInsecure ?? false,
    });
    this.#session = this.#initialSession = initialSession(type, options);
    this.#sender = new Sender({
      ...settings,
      onUtterance: (utterance) => this.#hub.tell("utterance", utterance),
    });
    this.#history = new History(
      type === "realtime" ? settings.carriedItemCount : 0,
    );
    if (isBetaSession(options.session ?? {})) this.#warnOfBeta();
  }

  /** What it is doing. */
  get state(): RealtimeConnectionState {
    return this.#state;
  }

  /**
   * Connects and configures the session. When this resolves, audio flows; what is
   * captured meanwhile is kept, and sent first.
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
    this.#sender.abandon();
    this.#history.clear();
    this.#session = this.#initialSession;
    try {
      this.#use(await this.#openLink(signal));
      this.#options.signal?.addEventListener("abort", this.#stopNow);
    } catch (error) {
      this.#sender.abandon();
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
   * @throws {TypeError} When audio that is to be kept is not base64.
   */
  sendEvent(
    event: RealtimeClientEvent | LooseClientEvent,
    captured: CapturedAudio = {},
  ): boolean {
    if (event.type === "input_audio_buffer.append") {
      const capturedMs = captured.timestampMs ?? this.#clock.now();
      return this.#sender.append(event, capturedMs, this.#isTaking);
    }
    const ga = toGaClientEvent(event, this.#session.type);
    if (ga.wasBeta) this.#warnOfBeta();
    if (this.#isTaking && this.#sender.takeInOrder(ga.event)) return true;
    if (
      ga.event.type === "session.update" &&
      this.#state.status === "reconnecting"
    ) {
      // It is a part of the session that is being made.
      this.#change(ga.event.session);
      return true;
    }
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
    this.#sender.endTurn();
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
    const counts = this.#sender.counts;
    const { notConnected, bufferFull } = counts.unsentBytes;
    const links = [...this.#links];
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
      committedUtteranceCount: counts.committedUtteranceCount,
      refusedUtteranceCount: counts.refusedUtteranceCount,
      droppedUtteranceCount: counts.droppedUtteranceCount,
      shortUtteranceCount: counts.shortUtteranceCount,
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
    return status === "ready" || status === "reconnecting" ||
      status === "connecting" || status === "configuring";
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
      setupTimeoutMs: this.#settings.setupTimeoutMs,
      maxBufferedBytes: this.#settings.maxBufferedBytes,
      clock: this.#clock,
      createWebSocket: this.#options.createWebSocket ?? createNativeWebSocket,
      // V8 keeps thousands of decimal numerals, each in memory of its own.
      nextEventId: () => `earshot_${(++this.#eventNumber).toString(36)}`,
      onConfiguring: () => {
        if (this.#state.status === "connecting") {
          this.#state = { status: "configuring" };
        }
      },
      onEvent: (event, length) => this.#onEvent(link, event, length),
      onCommitted: (itemId, eventId) =>
        this.#sender.committed(link, itemId, eventId),
      onRefused: (eventId) => this.#sender.refused(link, eventId),
      onLost: (error, close) => this.#onLost(link, error, close),
    });
    this.#links.add(link);
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
    this.#state = {
      status: "ready",
      sessionId: link.sessionId,
      expiresAtMs: link.expiresAtMs,
    };
    for (const event of this.#history.events) link.tellOf(event);
    this.#sender.use(link);
    this.#watchPeer(link);
    this.#renewInTime(link);
  }

  /** Closes a session that is not used any more. */
  async #retire(link: RealtimeLink): Promise<RealtimeClose> {
    const close = await link.close();
    this.#retiring.delete(link);
    if (!this.#links.delete(link)) return close;
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
      if (isInUse) {
        this.#followChanges(event);
        this.#sender.received(event);
      }
    }
    this.#hub.deliver(event ?? UNREADABLE, length);
    const failure = failureIn(event ?? UNREADABLE);
    // During set-up an error ends the attempt, which throws it.
    if (failure !== undefined && link.isReady) {
      this.#hub.report(errorOfEvent(failure, { secret: this.#secret }));
    }
  }

  /** Keeps up with the settings of the session. */
  #followChanges(event: RealtimeServerEvent): void {
    if (event.type === "session.updated") {
      const change = this.#changes.shift();
      if (change !== undefined) this.#change(change.session);
    } else if (event.type === "error") {
      const { event_id } = event.error ?? {};
      this.#changes = this.#changes.filter(({ eventId }) =>
        eventId !== event_id
      );
    }
  }

  /** A change that was accepted is a part of every session from now on. */
  #change(change: RealtimeSession): void {
    this.#session = mergeSessions(this.#session, change);
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
    this.#sender.lose();
    if (this.#clock.now() - link.readyMs >= STABLE_MS) this.#backoff.reset();
    if (this.#settings.reconnect.maxAttempts > 0 && isRetryable(error)) {
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
    const { maxAttempts } = this.#settings.reconnect;
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      this.#state = { status: "reconnecting", error, attempt };
      const delayMs = this.#backoff.next();
      this.#hub.tell("reconnecting", {
        error,
        attempt,
        delayMs,
        keptAudioMs: this.#sender.keptAudioMs,
      });
      try {
        await this.#clock.sleep(delayMs, { signal });
        const link = await this.#openLink(signal);
        this.#reconnectCount++;
        const reconnected = {
          attemptCount: attempt,
          outageMs: this.#clock.now() - lostMs,
          keptAudioMs: this.#sender.keptAudioMs,
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
    this.#sender.abandon();
    this.#hub.fail(error);
    this.#hub.tell("close", close);
  }

  /** Notices a peer that is gone without a word. */
  async #watchPeer(link: RealtimeLink): Promise<void> {
    const { signal } = link.retired;
    const { deadPeerMs } = this.#settings;
    const watch = new PeerWatch(deadPeerMs, this.#clock.now());
    try {
      for (;;) {
        await this.#clock.sleep(deadPeerMs / 3, { signal });
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
            `The server has shown no sign of life for ${deadPeerMs} ms`,
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
    const { renewalMs, forcedMs } = this.#renewalTimes(link);
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
        this.#sender.release();
      }
    } catch {
      // The link was lost or stopped: that is another story.
    }
  }

  /** When a session is best renewed, and when at the latest, from now. */
  #renewalTimes(
    { expiresAtMs = 0 }: RealtimeLink,
  ): { renewalMs: number; forcedMs: number } {
    const { renewAfterMs } = this.#settings;
    const lifeMs = expiresAtMs - Date.now();
    // A server whose clock is wrong names an end that cannot be.
    const endMs = lifeMs > 0 ? lifeMs : renewAfterMs * 60 / 55;
    const renewalMs = Math.min(
      renewAfterMs,
      endMs - Math.min(RENEWAL_MARGIN_MS, endMs / 12),
    );
    const marginMs = (endMs - renewalMs) / 4;
    return {
      renewalMs,
      forcedMs: endMs - Math.min(FORCED_RENEWAL_MARGIN_MS, marginMs),
    };
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
    const sender = this.#sender;
    // A commit on its way is waited for: in a second session it would be another.
    while (this.#clock.now() < untilMs || link.turns.isCommitOwed) {
      if (sender.isQuiet) {
        if (!link.turns.areServers) return;
        // It may hear speech in what it was sent last.
        sender.hold();
        await this.#clock.sleep(HEARING_MS, { signal });
        if (sender.isQuiet) return;
        sender.release();
      }
      await this.#clock.sleep(QUIET_POLL_MS, { signal });
    }
  }

  /** Goes on with the next session; what the old one owes may still come. */
  async #replace(link: RealtimeLink, next: RealtimeLink): Promise<void> {
    this.#renewalCount++;
    this.#retiring.add(link);
    const { keptAudioMs } = this.#sender;
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
    ) {
      const { signal } = link.retired;
      await this.#clock.sleep(DRAIN_POLL_MS, { signal }).catch(() => {});
    }
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
    this.#sender.abandon();
    const links = [...this.#links];
    await Promise.all(links.map((link) => this.#retire(link)));
    const close = await link?.close() ?? NO_CLOSE;
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
    if (!this.#sender.isSent) return false;
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

function invalidState(message: string): DOMException {
  return new DOMException(message, "InvalidStateError");
}
