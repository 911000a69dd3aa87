/**
 * What a Realtime server knows and does during one connection, without the
 * connection: events in, events out.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type {
  RealtimeClientEvent,
  ResponseSettings,
} from "../realtime/events.ts";
import { concatenate, decodeAudio, sampleRateOf } from "./realtime_audio.ts";
import { type Fields, RequestError } from "./realtime_checks.ts";
import { checkClientEvent } from "./realtime_client_events.ts";
import {
  Conversation,
  type ConversationItem,
  type ItemAudio,
  type NewItem,
} from "./realtime_conversation.ts";
import { InputBuffer } from "./realtime_input_buffer.ts";
import { type OutgoingEvent, RealtimeResponse } from "./realtime_response.ts";
import {
  initialConfig,
  isStreamingModel,
  type SessionConfig,
  updatedConfig,
} from "./realtime_session_config.ts";
import { TurnDetector } from "./realtime_turn_detector.ts";

/** What a session needs from outside. */
export interface SessionSurroundings {
  /** The model of a conversation; nothing for a transcription session. */
  readonly model?: string;
  /** Gives the next id that begins with a prefix, such as `item`. */
  readonly nextId: (prefix: string) => string;
  /** Sends an event. */
  readonly emit: (event: OutgoingEvent) => void;
  /** What pauses are made with. */
  readonly clock: Clock;
  /** Milliseconds between two words of a reply, 0 for none. */
  readonly paceMs: number;
  /** About how many bytes the history and the input buffer may take, each. */
  readonly memoryLimitBytes: number;
  /** Is given everything that was appended. */
  readonly onAudio: (samples: Int16Array) => void;
  /** Is given everything that was committed. */
  readonly onCommit: (itemId: string, audio: ItemAudio) => void;
  /** Says what was said; nothing when the transcript shall not come. */
  readonly transcribe: (audio: ItemAudio) => string | undefined;
  /** Says what is replied to a conversation. */
  readonly respond: (items: readonly NewItem[]) => string;
}

/** Events that make no sense while transcribing only. */
const CONVERSATION_EVENTS = [
  "conversation.item.create",
  "conversation.item.truncate",
  "response.create",
  "response.cancel",
];

/** The shortest audio that can be committed, in milliseconds. */
const MIN_COMMIT_MS = 100;

/** A session ends this long after it began, in seconds. */
const SESSION_LIMIT_S = 3_600;

/** A session. */
export class RealtimeSession {
  readonly #surroundings: SessionSurroundings;
  readonly #emit: (event: OutgoingEvent) => void;
  readonly #conversationId: string;
  readonly #conversation: Conversation;
  #config: SessionConfig;
  #buffer = new InputBuffer();
  #detector?: TurnDetector;
  /** Id of the item that the turn under way will become. */
  #turnItemId?: string;
  #responses: RealtimeResponse[] = [];
  /** Whether the voice was heard, which fixes it. */
  #hasSpoken = false;

  /** @param surroundings What the session needs from outside. */
  constructor(surroundings: SessionSurroundings) {
    this.#surroundings = surroundings;
    this.#emit = surroundings.emit;
    this.#conversationId = surroundings.nextId("conv");
    this.#conversation = new Conversation(surroundings.memoryLimitBytes);
    this.#config = initialConfig(
      surroundings.nextId("sess"),
      surroundings.model,
      Math.floor(Date.now() / 1000) + SESSION_LIMIT_S,
    );
    this.#detector = this.#newDetector();
  }

  /** The settings in force. */
  get config(): SessionConfig {
    return this.#config;
  }

  /** Welcomes the client. */
  open(): void {
    this.#emit({ type: "session.created", session: this.#config });
  }

  /** Ends whatever goes on by itself. */
  close(): void {
    for (const response of this.#responses) response.cancel("client_cancelled");
  }

  /**
   * Does what a client asks for, or tells it why not.
   *
   * @param message The decoded JSON.
   */
  receive(message: Fields): void {
    const eventId = message.event_id;
    try {
      checkClientEvent(message);
      this.#handle(message);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.refuse(error, eventId);
    }
  }

  /**
   * Tells the client that something it sent was refused.
   *
   * @param error What was wrong.
   * @param eventId The client's id of what it sent.
   */
  refuse({ code, message, param }: RequestError, eventId?: unknown): void {
    this.#emit({
      type: "error",
      error: {
        type: "invalid_request_error",
        code,
        message,
        param,
        event_id: typeof eventId === "string" ? eventId : null,
      },
    });
  }

  get #input() {
    return this.#config.audio.input;
  }

  get #sampleRate(): number {
    return sampleRateOf(this.#input.format);
  }

  get #activeResponse(): RealtimeResponse | undefined {
    return this.#responses.find((each) =>
      each.isInConversation && !each.isDone
    );
  }

  #handle(event: RealtimeClientEvent): void {
    if (
      this.#config.type === "transcription" &&
      CONVERSATION_EVENTS.includes(event.type)
    ) {
      throw new RequestError(
        "invalid_event",
        `Cannot use '${event.type}' in a transcription session: open a conversation with ?model= instead`,
        "type",
      );
    }
    switch (event.type) {
      case "session.update":
        return this.#update({ ...event.session });
      case "input_audio_buffer.append":
        return this.#append(event.audio);
      case "input_audio_buffer.commit":
        return this.#commitBuffer();
      case "input_audio_buffer.clear":
        return this.#clearBuffer();
      case "conversation.item.create":
        return this.#createItem(event.item, event.previous_item_id);
      case "conversation.item.retrieve":
        return this.#emit({
          type: "conversation.item.retrieved",
          item: this.#conversation.retrieve(event.item_id),
        });
      case "conversation.item.delete":
        return this.#deleteItem(event.item_id);
      case "conversation.item.truncate":
        return this.#truncateItem(
          event.item_id,
          event.content_index,
          event.audio_end_ms,
        );
      case "response.create":
        return this.#createResponse(event.response ?? {});
      case "response.cancel":
        return this.#cancelResponse(event.response_id);
    }
  }

  #update(update: Fields): void {
    const { input: before, output } = this.#config.audio;
    const config = updatedConfig(this.#config, update);
    if (
      this.#hasSpoken &&
      JSON.stringify(config.audio.output?.voice) !==
        JSON.stringify(output?.voice)
    ) {
      throw new RequestError(
        "cannot_update_voice",
        "Cannot change the voice as it was heard already: open another connection",
        "session.audio.output.voice",
      );
    }
    this.#config = config;
    const { format, turn_detection } = this.#input;
    // Samples of another rate cannot stand in the same buffer.
    if (format.type !== before.format.type) this.#buffer = new InputBuffer();
    if (
      format.type !== before.format.type ||
      turn_detection !== before.turn_detection
    ) {
      this.#detector = this.#newDetector();
      this.#turnItemId = undefined;
    }
    this.#emit({ type: "session.updated", session: config });
  }

  #append(audio: string): void {
    const samples = decodeAudio(audio, this.#input.format, "audio");
    const { memoryLimitBytes, onAudio } = this.#surroundings;
    const sampleCount = this.#buffer.length + samples.length;
    if (sampleCount * samples.BYTES_PER_ELEMENT > memoryLimitBytes) {
      throw new RequestError(
        "input_audio_buffer_full",
        `Cannot append as the input audio buffer must stay under ${memoryLimitBytes} bytes: commit or clear it`,
        "audio",
      );
    }
    onAudio(samples);
    this.#buffer.append(samples);
    this.#listen(samples);
  }

  #listen(samples: Int16Array): void {
    const detector = this.#detector;
    if (detector === undefined) return;
    for (const edge of detector.push(samples)) {
      if (edge.kind === "stop") this.#endTurn(edge.position);
      else this.#beginTurn(edge.position);
    }
    // Silence is not kept, but for what the next turn would begin with.
    if (!detector.isSpeech) this.#buffer.take(detector.earliestStart);
  }

  #beginTurn(position: number): void {
    this.#buffer.take(position);
    this.#turnItemId = this.#surroundings.nextId("item");
    this.#emit({
      type: "input_audio_buffer.speech_started",
      audio_start_ms: this.#toMs(this.#buffer.start),
      item_id: this.#turnItemId,
    });
    if (this.#input.turn_detection?.interrupt_response) {
      this.#activeResponse?.cancel("turn_detected");
    }
  }

  #endTurn(position: number): void {
    this.#emit({
      type: "input_audio_buffer.speech_stopped",
      audio_end_ms: this.#toMs(position),
      item_id: this.#turnItemId,
    });
    this.#commit(this.#buffer.take(position));
    // A reply that was not to be interrupted leaves no room for another one.
    if (
      this.#config.type === "realtime" &&
      this.#input.turn_detection?.create_response &&
      this.#activeResponse === undefined
    ) {
      this.#createResponse({});
    }
  }

  #commitBuffer(): void {
    const isSilence = this.#detector?.isSpeech === false;
    const lengthMs = isSilence
      ? 0
      : this.#buffer.length * 1000 / this.#sampleRate;
    if (lengthMs < MIN_COMMIT_MS) {
      throw new RequestError(
        "input_audio_buffer_commit_empty",
        `Cannot commit the input audio buffer: buffer too small, expected at least ${MIN_COMMIT_MS}ms of audio, but it only has ${
          lengthMs.toFixed(2)
        }ms`,
      );
    }
    this.#detector?.cut();
    this.#commit(this.#buffer.take(this.#buffer.end));
  }

  #clearBuffer(): void {
    this.#buffer.take(this.#buffer.end);
    this.#detector?.cut();
    this.#turnItemId = undefined;
    this.#emit({ type: "input_audio_buffer.cleared" });
  }

  #commit(samples: Int16Array): void {
    const id = this.#turnItemId ?? this.#surroundings.nextId("item");
    this.#turnItemId = undefined;
    const audio = { samples, format: this.#input.format };
    this.#surroundings.onCommit(id, audio);
    const { transcription } = this.#input;
    const transcript = transcription === null
      ? undefined
      : this.#transcribe(audio);
    const isStreaming = isStreamingModel(transcription?.model);
    if (isStreaming) this.#emitTranscriptDeltas(id, transcript);
    const previousId = this.#conversation.lastId;
    this.#emit({
      type: "input_audio_buffer.committed",
      previous_item_id: previousId,
      item_id: id,
    });
    this.#addItem({
      id,
      object: "realtime.item",
      type: "message",
      status: "completed",
      role: "user",
      content: [{ type: "input_audio", transcript: null }],
    }, audio);
    if (!isStreaming) this.#emitTranscriptDeltas(id, transcript);
    this.#emitTranscript(id, transcript, audio);
  }

  #transcribe(audio: ItemAudio): string | Error | undefined {
    try {
      return this.#surroundings.transcribe(audio);
    } catch (error) {
      return error as Error;
    }
  }

  #emitTranscriptDeltas(
    itemId: string,
    transcript: string | Error | undefined,
  ): void {
    if (typeof transcript !== "string") return;
    for (const delta of transcript.match(/\s*\S+/g) ?? []) {
      this.#emit({
        type: "conversation.item.input_audio_transcription.delta",
        item_id: itemId,
        content_index: 0,
        delta,
      });
    }
  }

  #emitTranscript(
    itemId: string,
    transcript: string | Error | undefined,
    { samples }: ItemAudio,
  ): void {
    if (transcript === undefined) return;
    if (typeof transcript !== "string") {
      this.#emit({
        type: "conversation.item.input_audio_transcription.failed",
        item_id: itemId,
        content_index: 0,
        error: {
          type: "transcription_error",
          code: "transcription_failed",
          message: transcript.message,
        },
      });
      return;
    }
    this.#conversation.setTranscript(itemId, transcript);
    this.#emit({
      type: "conversation.item.input_audio_transcription.completed",
      item_id: itemId,
      content_index: 0,
      transcript,
      // Whole seconds are billed.
      usage: {
        type: "duration",
        seconds: Math.ceil(samples.length / this.#sampleRate),
      },
    });
  }

  #createItem(item: NewItem, previousId: string | null | undefined): void {
    const format = this.#input.format;
    const blocks: Int16Array[] = [];
    const content = item.content?.map(({ audio, ...part }, index) => {
      if (typeof audio !== "string") return part;
      blocks.push(decodeAudio(audio, format, `item.content[${index}].audio`));
      return { ...part, transcript: part.transcript ?? null };
    });
    this.#addItem(
      {
        ...item,
        id: item.id ?? this.#surroundings.nextId("item"),
        object: "realtime.item",
        status: "completed",
        ...content && { content },
      },
      blocks.length > 0 ? { samples: concatenate(blocks), format } : undefined,
      previousId,
    );
  }

  #addItem(
    item: ConversationItem,
    audio?: ItemAudio,
    previousId?: string | null,
  ): void {
    const before = this.#conversation.add(item, { audio, previousId });
    const place = { previous_item_id: before, item };
    this.#emit({ type: "conversation.item.added", ...place });
    this.#emit({ type: "conversation.item.done", ...place });
  }

  #deleteItem(itemId: string): void {
    this.#conversation.delete(itemId);
    this.#emit({ type: "conversation.item.deleted", item_id: itemId });
  }

  #truncateItem(
    itemId: string,
    contentIndex: number,
    audioEndMs: number,
  ): void {
    this.#conversation.truncate(itemId, contentIndex, audioEndMs);
    this.#emit({
      type: "conversation.item.truncated",
      item_id: itemId,
      content_index: contentIndex,
      audio_end_ms: audioEndMs,
    });
  }

  #createResponse(settings: ResponseSettings): void {
    const { nextId, respond } = this.#surroundings;
    const isInConversation = settings.conversation !== "none";
    const active = this.#activeResponse;
    if (isInConversation && active !== undefined) {
      throw new RequestError(
        "conversation_already_has_active_response",
        `Conversation already has an active response '${active.id}': wait for its response.done`,
      );
    }
    const output = { ...this.#config.audio.output, ...settings.audio?.output };
    const modality = settings.output_modalities?.[0] ??
      this.#config.output_modalities![0]!;
    this.#hasSpoken ||= modality === "audio";
    const response = new RealtimeResponse({
      id: nextId("resp"),
      itemId: nextId("item"),
      conversationId: isInConversation ? this.#conversationId : undefined,
      modality,
      format: output.format!,
      voice: output.voice,
      maxOutputTokens: settings.max_output_tokens ??
        this.#config.max_output_tokens!,
      metadata: settings.metadata ?? null,
      speak: () => respond(settings.input ?? this.#conversation.items),
    }, { ...this.#surroundings, conversation: this.#conversation });
    this.#responses = this.#responses.filter((each) => !each.isDone);
    this.#responses.push(response);
    response.run();
  }

  #cancelResponse(responseId: string | undefined): void {
    const response = responseId === undefined
      ? this.#activeResponse
      : this.#responses.find(({ id, isDone }) => id === responseId && !isDone);
    if (response === undefined) {
      throw new RequestError(
        "response_cancel_not_active",
        "Cancellation failed: no active response found",
      );
    }
    response.cancel("client_cancelled");
  }

  #newDetector(): TurnDetector | undefined {
    const { turn_detection } = this.#input;
    if (turn_detection === null) return undefined;
    return new TurnDetector(turn_detection, this.#sampleRate, this.#buffer.end);
  }

  #toMs(position: number): number {
    return Math.round(position * 1000 / this.#sampleRate);
  }
}
