/**
 * Whose turn it is: the ends of utterances, and one response at a time.
 *
 * @module
 */

import type {
  RealtimeClientEvent,
  RealtimeServerEvent,
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

/** The longest waits of `semantic_vad` by its eagerness. */
const SEMANTIC_SILENCE_MS = { low: 8000, medium: 4000, high: 2000, auto: 4000 };

/** What turn-taking needs of a connection. */
export interface TurnsOptions {
  /** Whether a turn is answered: in a conversation, not in a transcription. */
  readonly responds: boolean;
  /** Who finds the ends of turns at first. */
  readonly turnDetection: TurnDetection;
  /** Sends an event; returns its `event_id`. */
  readonly send: (event: RealtimeClientEvent) => string;
  /** Sends silence. */
  readonly sendSilence: (durationMs: number) => void;
}

/**
 * Ends turns as the session wants it, and keeps track of what the server still
 * owes: a commit, a transcript, a response.
 */
export class Turns {
  readonly #options: TurnsOptions;
  #turnDetection: TurnDetection;
  /** Audio since the last commit or clear. */
  #uncommittedBytes = 0;
  /** `event_id`s of our commits that are not answered yet. */
  readonly #commits = new Set<string>();
  /** Items whose transcript is on its way. */
  readonly #transcripts = new Set<string>();
  #transcribes = false;
  #serverHearsSpeech = false;
  #responding = false;
  /** The `event_id` of the `response.create` that made it so. */
  #responseRequest: string | undefined;
  #responseWanted = false;
  readonly #waiting: (() => void)[] = [];

  /** @param options What turn-taking needs of a connection. */
  constructor(options: TurnsOptions) {
    this.#options = options;
    this.#turnDetection = options.turnDetection;
  }

  /** Whether the client finds the ends of turns. */
  get areClients(): boolean {
    return this.#turnDetection === null;
  }

  /**
   * Ends the utterance whose audio was sent.
   *
   * When the client finds the turns, it is committed and answered, or cleared
   * when it is too short to commit. When the server does, it is given the silence
   * that it waits for: a stream that just stops would never end the turn.
   */
  end(): void {
    if (this.#turnDetection !== null) {
      this.#options.sendSilence(silenceOf(this.#turnDetection));
      return;
    }
    if (this.#uncommittedBytes < MIN_COMMIT_MS * BYTES_PER_MS) {
      if (this.#uncommittedBytes > 0) {
        this.#options.send({ type: "input_audio_buffer.clear" });
      }
      return;
    }
    this.#options.send({ type: "input_audio_buffer.commit" });
    if (!this.#options.responds) return;
    // The service takes one response at a time.
    if (this.#responding) this.#responseWanted = true;
    else this.#options.send({ type: "response.create" });
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
        this.#uncommittedBytes += byteCount;
        break;
      case "input_audio_buffer.commit":
        this.#commits.add(event.event_id!);
        this.#uncommittedBytes = 0;
        break;
      case "input_audio_buffer.clear":
        this.#uncommittedBytes = 0;
        break;
      case "response.create":
        if (event.response?.conversation === "none") break;
        this.#responding = true;
        this.#responseRequest = event.event_id;
        break;
      case "session.update":
        this.#configured(event.session.audio?.input?.turn_detection);
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
      case "session.updated": {
        const input = event.session?.audio?.input as
          | { turn_detection?: TurnDetection; transcription?: unknown }
          | undefined;
        this.#configured(input?.turn_detection);
        if (input !== undefined) {
          this.#transcribes = Boolean(input.transcription);
        }
        break;
      }
      case "input_audio_buffer.speech_started":
        this.#serverHearsSpeech = true;
        break;
      case "input_audio_buffer.committed":
        this.#serverHearsSpeech = false;
        deleteFirst(this.#commits);
        if (this.#transcribes) this.#transcripts.add(event.item_id);
        if (
          this.#options.responds &&
          this.#turnDetection?.create_response !== false
        ) {
          this.#responding = true;
        }
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
      case "error": {
        const about = event.error?.event_id;
        if (typeof about !== "string") break;
        this.#commits.delete(about);
        if (about === this.#responseRequest) this.#responseEnded();
        break;
      }
    }
    this.#wakeWhenSettled();
  }

  /**
   * Waits until the server owes nothing any more.
   *
   * @param signal Ends the wait.
   */
  settled(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
      this.#waiting.push(resolve);
      this.#wakeWhenSettled();
    });
  }

  #configured(turnDetection: TurnDetection | undefined): void {
    if (turnDetection !== undefined) this.#turnDetection = turnDetection;
  }

  #responseEnded(): void {
    this.#responding = false;
    this.#responseRequest = undefined;
    if (!this.#responseWanted) return;
    this.#responseWanted = false;
    this.#options.send({ type: "response.create" });
  }

  #wakeWhenSettled(): void {
    const owes = this.#commits.size > 0 || this.#transcripts.size > 0 ||
      this.#serverHearsSpeech || this.#responding;
    if (owes) return;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function silenceOf(turnDetection: NonNullable<TurnDetection>): number {
  const ms = turnDetection.type === "semantic_vad"
    ? SEMANTIC_SILENCE_MS[turnDetection.eagerness ?? "auto"]
    : turnDetection.silence_duration_ms ?? DEFAULT_SILENCE_MS;
  return ms + SILENCE_MARGIN_MS;
}

function deleteFirst(set: Set<string>): void {
  for (const value of set) {
    set.delete(value);
    return;
  }
}
