/**
 * One session over one WebSocket, from its handshake to its close.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { toGaEventName } from "./beta.ts";
import {
  errorOfClose,
  errorOfEvent,
  RealtimeError,
  type RealtimeFailure,
} from "./errors.ts";
import type { RealtimeClose } from "./event_hub.ts";
import type {
  RealtimeClientEvent,
  RealtimeServerEvent,
  RealtimeSession,
} from "./events.ts";
import { BYTES_PER_MS, Turns } from "./turns.ts";

/** How long the other side may take to answer a close frame. */
const CLOSE_TIMEOUT_MS = 700;

/**
 * Longer frames are not read. The largest of the service hold an item with its
 * audio, of which it takes 15 MiB at a time.
 */
const MAX_FRAME_LENGTH = 64 * 1024 * 1024;

/** What a {@linkcode RealtimeLink} is made with. */
export interface RealtimeLinkOptions {
  /** Where to connect to. */
  readonly url: URL;
  /** The handshake's headers, the credential among them. */
  readonly headers: Headers;
  /** What must not appear in an error. */
  readonly secret: string | undefined;
  /** What the session is asked to be. */
  readonly session: RealtimeSession;
  /** How long setting it up may take. */
  readonly setupTimeoutMs: number;
  /** Bytes that may wait in the socket before silence is left out. */
  readonly maxBufferedBytes: number;
  /** The clock of the timeouts. */
  readonly clock: Clock;
  /** Makes the socket. */
  readonly createWebSocket: (
    url: string,
    options: { headers: Record<string, string> },
  ) => WebSocket;
  /** Makes names for events. */
  readonly nextEventId: () => string;
  /** Is told that the settings are on their way. */
  readonly onConfiguring: () => void;
  /**
   * Is told what the server says; nothing for a frame that cannot be read.
   *
   * @param event The event.
   * @param length The length of its text.
   */
  readonly onEvent: (
    event: RealtimeServerEvent | undefined,
    length: number,
  ) => void;
  /** Is told of a commit that the server made. */
  readonly onCommitted: (itemId: string, eventId: string | undefined) => void;
  /** Is told of an event that the server refused. */
  readonly onRefused: (eventId: string) => void;
  /** Is told of an end that nobody asked for, once the link was ready. */
  readonly onLost: (error: RealtimeError, close: RealtimeClose) => void;
}

/** One session. */
export class RealtimeLink {
  /** Resolves when audio may flow; rejects when it never will. */
  readonly ready: Promise<void>;
  /** Whose turn it is. */
  readonly turns: Turns;
  /** Commits of ours, by their `event_id`: whatever they stand for. */
  readonly commits = new Map<string, object>();
  /** Aborted when the link is not in use any more. */
  readonly retired = new AbortController();
  readonly #options: RealtimeLinkOptions;
  /** Items that it was told of. */
  readonly #knownItems = new Set<string>();
  readonly #setUp = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<RealtimeClose>();
  #phase: "connecting" | "configuring" | "ready" | "closing" | "closed" =
    "connecting";
  #socket: WebSocket | undefined;
  #socketMessage: string | undefined;
  #lastFailure: RealtimeFailure | undefined;
  #sessionId: string | undefined;
  #expiresAtMs: number | undefined;
  #readyMs = Infinity;
  #audioMs = 0;
  #silencePaddingMs = 0;
  #sentEventCount = 0;
  #sentLength = 0;
  #receivedEventCount = 0;

  /**
   * Connects.
   *
   * @param options Where to, what as, and who is told.
   */
  constructor(options: RealtimeLinkOptions) {
    this.#options = options;
    this.turns = new Turns({
      session: options.session,
      send: (event) => this.send(event),
      sendSilence: (durationMs) => this.#sendSilence(durationMs),
      onCommitted: options.onCommitted,
      onRefused: options.onRefused,
    });
    const socket = options.createWebSocket(options.url.href, {
      headers: Object.fromEntries(options.headers),
    });
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onerror = (event) => {
      this.#socketMessage = (event as ErrorEvent).message || undefined;
    };
    socket.onclose = ({ code, reason }) => this.#onClose({ code, reason });
    this.ready = this.#setUpInTime();
    // It may fail before anybody waits for it.
    this.ready.catch(() => {});
  }

  /** The session's id, if the server named one. */
  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  /** When the session ends at the latest, in milliseconds since 1970. */
  get expiresAtMs(): number | undefined {
    return this.#expiresAtMs;
  }

  /** When it became ready, by the clock. */
  get readyMs(): number {
    return this.#readyMs;
  }

  /** Whether audio may flow. */
  get isReady(): boolean {
    return this.#phase === "ready";
  }

  /** Audio that the session was sent, silence of ours included, in milliseconds. */
  get audioMs(): number {
    return this.#audioMs;
  }

  /** Silence of our own in it. */
  get silencePaddingMs(): number {
    return this.#silencePaddingMs;
  }

  /** Events that were sent. */
  get sentEventCount(): number {
    return this.#sentEventCount;
  }

  /** Characters that were handed to the socket. */
  get sentLength(): number {
    return this.#sentLength;
  }

  /** Events that were received. */
  get receivedEventCount(): number {
    return this.#receivedEventCount;
  }

  /** Bytes that wait in the socket. */
  get bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /**
   * Sends an event.
   *
   * @param event The event; it is named unless it has a name.
   * @param byteCount The bytes of PCM16 in it, if it holds audio.
   * @returns The event's name: the only way to tell which one an error is about.
   */
  send(event: RealtimeClientEvent, byteCount = 0): string {
    const event_id = event.event_id ?? this.#options.nextEventId();
    const named = { ...event, event_id };
    this.#sendText(JSON.stringify(named), byteCount);
    this.turns.sent(named, byteCount);
    return event_id;
  }

  /**
   * Sends audio.
   *
   * @param audio Base64 of PCM16, and nothing else.
   * @param byteCount The bytes of PCM16 in it.
   * @param eventId Its name, if it has one.
   */
  sendAudio(audio: string, byteCount: number, eventId?: string): void {
    // What is ours needs no escapes. To look for some with JSON.stringify takes as
    // long as it takes to encode the audio.
    const id = eventId === undefined
      ? `"${this.#options.nextEventId()}"`
      : JSON.stringify(eventId);
    const text =
      `{"type":"input_audio_buffer.append","audio":"${audio}","event_id":${id}}`;
    this.#sendText(text, byteCount);
    this.turns.appended(byteCount);
  }

  #sendText(text: string, byteCount: number): void {
    this.#socket?.send(text);
    this.#sentEventCount++;
    this.#sentLength += text.length;
    this.#audioMs += byteCount / BYTES_PER_MS;
  }

  /**
   * Tells the session of an item of an earlier one.
   *
   * @param event A `conversation.item.create` with the id of the item.
   */
  tellOf(event: RealtimeClientEvent): void {
    if (event.type !== "conversation.item.create") return;
    if (event.item.id !== undefined) this.#knownItems.add(event.item.id);
    this.send(event);
  }

  /**
   * Whether an event only repeats what an earlier session said: that an item of
   * it is there.
   *
   * @param event The event.
   */
  isKnown(event: RealtimeServerEvent): boolean {
    if (event.type === "conversation.item.done") {
      return this.#knownItems.delete(event.item?.id ?? "");
    }
    return event.type === "conversation.item.added" &&
      this.#knownItems.has(event.item?.id ?? "");
  }

  /**
   * Closes the socket and waits for the other side, but not for long.
   *
   * @returns How it ended.
   */
  async close(): Promise<RealtimeClose> {
    if (this.#phase !== "closed") this.#phase = "closing";
    this.retired.abort();
    const socket = this.#socket;
    if (socket !== undefined) {
      socket.close(1000);
      const closed = new AbortController();
      await Promise.race([
        this.#closed.promise,
        this.#options.clock.sleep(CLOSE_TIMEOUT_MS, { signal: closed.signal })
          .catch(() => {}),
      ]);
      closed.abort();
      this.#forget(socket);
    }
    return await this.#closed.promise;
  }

  /**
   * Gives up on a peer that does not answer: the socket is left to the system.
   *
   * @param error Why.
   */
  abandon(error: RealtimeError): void {
    const socket = this.#socket;
    if (socket === undefined || this.#phase !== "ready") return;
    this.#phase = "closing";
    this.#forget(socket);
    socket.close();
    this.#options.onLost(error, { code: 1006, reason: "" });
  }

  #forget(socket: WebSocket): void {
    socket.onmessage = socket.onerror = socket.onclose = null;
    // Without an answer it ends as if the network were lost.
    if (this.#socket !== undefined) this.#onClose({ code: 1006, reason: "" });
  }

  async #setUpInTime(): Promise<void> {
    const { clock, setupTimeoutMs } = this.#options;
    const over = new AbortController();
    const timeout = clock.sleep(setupTimeoutMs, { signal: over.signal })
      .then(() => {
        throw new RealtimeError(
          `The server did not set up the session within ${setupTimeoutMs} ms`,
          { kind: "transient", fatal: true },
        );
      });
    timeout.catch(() => {});
    try {
      await Promise.race([this.#setUp.promise, timeout]);
    } finally {
      over.abort();
    }
  }

  #receive(data: unknown): void {
    const { secret, onEvent } = this.#options;
    const event = parse(data);
    if (event !== undefined) {
      this.#receivedEventCount++;
      if (event.type === "error") {
        this.#lastFailure = event;
      }
      this.turns.received(event);
      this.#advance(event, secret);
    }
    onEvent(event, typeof data === "string" ? data.length : 0);
  }

  /** Goes on with setting up the session. */
  #advance(event: RealtimeServerEvent, secret: string | undefined): void {
    const phase = this.#phase;
    if (phase === "connecting" && event.type === "session.created") {
      this.#phase = "configuring";
      this.#options.onConfiguring();
      this.send({ type: "session.update", session: this.#options.session });
    } else if (phase === "configuring" && event.type === "session.updated") {
      const { id, expires_at } = event.session ?? {};
      this.#sessionId = id ?? undefined;
      this.#expiresAtMs = expires_at ? expires_at * 1000 : undefined;
      this.#phase = "ready";
      this.#readyMs = this.#options.clock.now();
      this.#lastFailure = undefined;
      this.#setUp.resolve();
    } else if (
      event.type === "error" &&
      (phase === "connecting" || phase === "configuring")
    ) {
      this.#setUp.reject(errorOfEvent(event, { fatal: true, secret }));
    }
  }

  #onClose(close: RealtimeClose): void {
    const phase = this.#phase;
    this.#phase = "closed";
    this.#socket = undefined;
    this.retired.abort();
    this.#closed.resolve(close);
    const error = this.#errorOf(close);
    this.#setUp.reject(error);
    this.#setUp.promise.catch(() => {});
    if (phase === "ready") this.#options.onLost(error, close);
  }

  /** The service's own words, if it said them just before it closed. */
  #errorOf(close: RealtimeClose): RealtimeError {
    const { secret } = this.#options;
    const error = errorOfClose(close, this.#socketMessage, secret);
    const last = this.#lastFailure;
    if (last === undefined) return error;
    const said = errorOfEvent(last, {
      fatal: true,
      closeCode: close.code,
      secret,
    });
    const isSame = said.code !== undefined &&
      (said.code === error.code || said.code === "session_expired");
    return isSame ? said : error;
  }

  #sendSilence(durationMs: number): void {
    if (this.bufferedBytes > this.#options.maxBufferedBytes) return;
    // Bytes of zero are As in base64: 3 bytes make 4 characters.
    const audio = "A".repeat(durationMs * BYTES_PER_MS / 3 * 4);
    // It is no audio of the turn.
    this.sendAudio(audio, 0);
    this.#audioMs += durationMs;
    this.#silencePaddingMs += durationMs;
  }
}

/** Reads a frame; anything but an object with a `type` is no event. */
function parse(data: unknown): RealtimeServerEvent | undefined {
  if (typeof data !== "string" || data.length > MAX_FRAME_LENGTH) {
    return undefined;
  }
  try {
    const event = JSON.parse(data);
    if (typeof event?.type !== "string") return undefined;
    const type = toGaEventName(event.type);
    return type === event.type ? event : { ...event, type };
  } catch {
    return undefined;
  }
}
