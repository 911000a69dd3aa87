/**
 * Whose turn it is: the ends of utterances, and one response at a time.
 *
 * @module
 */

import type {
  RealtimeClientEvent,
  RealtimeServerEvent,
  RealtimeSession,
  RealtimeSessionEcho,
  TurnDetection,
} from "./events.ts";

/** Bytes of a millisecond of 24 kHz mono PCM16. */
export const BYTES_PER_MS = 48;

/** The service refuses to commit less audio than this. */
const MIN_COMMIT_MS = 100;

/** The service's own default for `silence_duration_ms`. */
const DEFAULT_SILENCE_MS = 500;

/** More silence than the server waits for, as its detector works in steps. */
const SILENCE_MARGIN_MS = 200;

/** Silence is audio to be sent: no setting of a server makes us send more. */
const MAX_SILENCE_MS = 10_000;

/** Items that are remembered: a server could name them without end. */
const MAX_ITEM_COUNT = 256;

/** The longest waits of `semantic_vad` by its eagerness. */
const SEMANTIC_SILENCE_MS = { low: 8000, medium: 4000, high: 2000, auto: 4000 };

/** What turn-taking needs of a connection. */
export interface TurnsOptions {
  /** What the session is asked to be. */
  readonly session: RealtimeSession;
  /** Sends an event and says its `event_id`. */
  readonly send: (event: RealtimeClientEvent) => string;
  /** Sends silence. */
  readonly sendSilence: (durationMs: number) => void;
  /** Is told of a commit: whose it was, if it was ours. */
  readonly onCommitted: (itemId: string, eventId: string | undefined) => void;
  /** Is told of an event of ours that was refused. */
  readonly onRefused: (eventId: string) => void;
}

/**
 * Ends turns as the session wants it, and keeps track of what the server still
 * owes: a commit, a transcript, a response.
 */
export class Turns {
  readonly #options: TurnsOptions;
  /** In a transcription nobody answers. */
  readonly #areAnswered: boolean;
  #turnDetection: TurnDetection;
  #transcribes: boolean;
  /** Audio of the turn that is not over yet. */
  #turnBytes = 0;
  /** `event_id`s of our commits that are not answered yet. */
  readonly #commits = new Set<string>();
  /** Items whose transcript is on its way. */
  readonly #transcripts = new Set<string>();
  /** Items that were committed lately. */
  readonly #committedItems = new Set<string>();
  #serverMayHearSpeech = false;
  #serverHearsSpeech = false;
  #responding = false;
  /** The `event_id` of the `response.create` that made it so. */
  #responseRequest: string | undefined;
  #responseWanted = false;

  /** @param options What turn-taking needs of a connection. */
  constructor(options: TurnsOptions) {
    this.#options = options;
    const { type, audio } = options.session;
    this.#areAnswered = type === "realtime";
    this.#turnDetection = audio?.input?.turn_detection ?? null;
    this.#transcribes = Boolean(audio?.input?.transcription);
  }

  /** Whether the server finds the turns. */
  get areServers(): boolean {
    return this.#turnDetection !== null;
  }

  /** Whether the server has not answered a commit of ours yet. */
  get isCommitOwed(): boolean {
    return this.#commits.size > 0;
  }

  /** Whether the server hears speech now. */
  get isSpeechHeard(): boolean {
    return this.#serverHearsSpeech;
  }

  /** Whether the server still owes a commit, a transcript or a response. */
  get areOpen(): boolean {
    return this.#commits.size > 0 || this.#transcripts.size > 0 ||
      this.#serverHearsSpeech || this.#responding;
  }

  /**
   * Whether the server was given a turn in which it did not find speech yet; it
   * never says that there was none.
   */
  get mayOpen(): boolean {
    return this.#serverMayHearSpeech;
  }

  /**
   * Ends the turn whose audio was sent; one without audio is none.
   *
   * When the client finds the turns, it is committed and answered, or cleared
   * when it is too short to commit. When the server does, it is given the silence
   * that it waits for: a stream that just stops would never end the turn.
   *
   * @returns The `event_id` of the commit, if it was committed.
   */
  end(): string | undefined {
    const turnMs = this.#turnBytes / BYTES_PER_MS;
    this.#turnBytes = 0;
    if (turnMs === 0) return undefined;
    if (this.#turnDetection !== null) {
      this.#options.sendSilence(silenceOf(this.#turnDetection));
      this.#serverMayHearSpeech = true;
      return undefined;
    }
    if (turnMs < MIN_COMMIT_MS) {
      this.#options.send({ type: "input_audio_buffer.clear" });
      return undefined;
    }
    const eventId = this.#options.send({ type: "input_audio_buffer.commit" });
    if (this.#areAnswered) this.#respond();
    return eventId;
  }

  /**
   * Takes note of audio that was sent.
   *
   * @param byteCount The bytes of PCM16 in it.
   */
  appended(byteCount: number): void {
    this.#turnBytes += byteCount;
  }

  /**
   * Takes note of an event that was sent.
   *
   * @param event The event.
   * @param byteCount The bytes of PCM16 in it, if it holds audio.
   */
  sent(event: RealtimeClientEvent, byteCount = 0): void {
    switch (event.type) {
      case "input_audio_buffer.append":
        this.appended(byteCount);
        break;
      case "input_audio_buffer.commit":
        this.#commits.add(event.event_id!);
        this.#turnBytes = 0;
        break;
      case "input_audio_buffer.clear":
        this.#turnBytes = 0;
        break;
      case "response.create":
        if (event.response?.conversation === "none") break;
        this.#responding = true;
        this.#responseRequest = event.event_id;
        break;
      case "session.update":
        this.#configured(event.session);
        break;
    }
  }

  /**
   * Takes note of an event that was received.
   *
   * @param event The event.
   */
  received(event: RealtimeServerEvent): void {
    switch (event.type) {
      case "session.created":
      case "session.updated":
        this.#configured(event.session);
        break;
      case "input_audio_buffer.speech_started":
        this.#serverHearsSpeech = true;
        this.#serverMayHearSpeech = false;
        break;
      case "input_audio_buffer.committed":
        this.#committed(event.item_id);
        break;
      case "conversation.item.input_audio_transcription.completed":
      case "conversation.item.input_audio_transcription.failed":
        this.#transcripts.delete(event.item_id);
        break;
      case "response.created":
        this.#responding = true;
        break;
      case "response.done":
        this.#responseEnded();
        break;
      case "error":
        if (typeof event.error?.event_id === "string") {
          this.#refused(event.error.event_id, event.error.code);
        }
        break;
    }
  }

  #configured(session: RealtimeSession | RealtimeSessionEcho | null): void {
    // A server may leave out what did not change.
    const { turn_detection, transcription } = session?.audio?.input ?? {};
    if (turn_detection !== undefined) this.#turnDetection = turn_detection;
    if (transcription !== undefined) this.#transcribes = Boolean(transcription);
  }

  #committed(itemId: string): void {
    // Said twice, it would be taken for the answer to the next commit.
    if (this.#committedItems.has(itemId)) return;
    addBounded(this.#committedItems, itemId);
    this.#serverHearsSpeech = false;
    this.#serverMayHearSpeech = false;
    if (this.#transcribes) addBounded(this.#transcripts, itemId);
    const [ours] = this.#commits;
    if (ours !== undefined) this.#commits.delete(ours);
    this.#options.onCommitted(itemId, ours);
    if (ours !== undefined) return;
    // The server's own commits are answered unless it was told otherwise.
    this.#responding ||= this.#areAnswered &&
      this.#turnDetection !== null &&
      this.#turnDetection.create_response !== false;
  }

  #refused(eventId: string, code: string | null | undefined): void {
    if (this.#commits.delete(eventId)) this.#options.onRefused(eventId);
    if (eventId !== this.#responseRequest) return;
    if (code === "conversation_already_has_active_response") {
      this.#responseWanted = true;
    } else {
      this.#responseEnded();
    }
  }

  #respond(): void {
    // The service takes one response at a time.
    if (this.#responding) this.#responseWanted = true;
    else this.#options.send({ type: "response.create" });
  }

  #responseEnded(): void {
    this.#responding = false;
    this.#responseRequest = undefined;
    if (!this.#responseWanted) return;
    this.#responseWanted = false;
    this.#respond();
  }
}

function addBounded(items: Set<string>, itemId: string): void {
  items.add(itemId);
  const [oldest] = items;
  if (items.size > MAX_ITEM_COUNT) items.delete(oldest!);
}

function silenceOf(turnDetection: NonNullable<TurnDetection>): number {
  const ms = turnDetection.type === "semantic_vad"
    ? SEMANTIC_SILENCE_MS[turnDetection.eagerness ?? "auto"]
    : turnDetection.silence_duration_ms;
  // An echoed setting can be anything.
  const wantedMs = Number.isFinite(ms) ? Math.ceil(ms!) : DEFAULT_SILENCE_MS;
  return Math.min(Math.max(wantedMs, 0), MAX_SILENCE_MS) + SILENCE_MARGIN_MS;
}
