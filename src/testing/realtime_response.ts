/**
 * A reply of the local Realtime server, from `response.created` to
 * `response.done`.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type {
  RealtimeAudioFormat,
  RealtimeServerEventType,
} from "../realtime/events.ts";
import { concatenate, encodeAudio, sampleRateOf } from "./realtime_audio.ts";
import type { Fields } from "./realtime_checks.ts";
import type {
  ContentPart,
  Conversation,
  ConversationItem,
} from "./realtime_conversation.ts";

/** An event on its way out, before it gets its `event_id`. */
export interface OutgoingEvent extends Fields {
  /** The event's name. */
  readonly type: RealtimeServerEventType;
}

/** Why a reply was cut off. */
export type CancelReason = "turn_detected" | "client_cancelled";

/** How a reply is to be given. */
export interface ReplyRequest {
  /** Id of the response. */
  readonly id: string;
  /** Id of its only item. */
  readonly itemId: string;
  /** The conversation it goes into; nothing when it is out of band. */
  readonly conversationId?: string;
  /** With voice or in writing. */
  readonly modality: "audio" | "text";
  /** The encoding of the voice. */
  readonly format: RealtimeAudioFormat;
  /** The speaker. */
  readonly voice: unknown;
  /** The longest answer; told, not obeyed. */
  readonly maxOutputTokens: number | "inf";
  /** What the client wants to find again in the response. */
  readonly metadata: Fields | null;
  /** Says something; an error makes the response fail. */
  readonly speak: () => string;
}

/** Where a reply goes. */
export interface ReplySurroundings {
  /** The history. */
  readonly conversation: Conversation;
  /** Sends an event. */
  readonly emit: (event: OutgoingEvent) => void;
  /** What pauses are made with. */
  readonly clock: Clock;
  /** Milliseconds between two words, 0 for none. */
  readonly paceMs: number;
}

/** The voice is a tone, this long for every word, in milliseconds. */
const WORD_MS = 100;
const TONE_HZ = 440;
/** -18 dBFS. */
const TONE_AMPLITUDE = 4_096;

/** The assistant's audio is billed as one token for this many milliseconds. */
const OUTPUT_TOKEN_MS = 50;
/** The users' audio is billed as one token for this many milliseconds. */
const INPUT_TOKEN_MS = 100;
/** A guess that is good enough for a number nobody pays for. */
const TOKEN_CHARACTERS = 4;

/** The rate limit that every response takes its own tokens from. */
const TOKEN_LIMIT = 1_000_000;

/** One reply, which consists of one message. */
export class RealtimeResponse {
  readonly #request: ReplyRequest;
  readonly #conversation: Conversation;
  readonly #emit: (event: OutgoingEvent) => void;
  readonly #clock: Clock;
  readonly #paceMs: number;
  readonly #abort = new AbortController();
  readonly #words: string[] = [];
  readonly #tones: Int16Array[] = [];
  #item: ConversationItem;
  #cancelReason?: CancelReason;
  #isDone = false;

  /**
   * @param request How the reply is to be given.
   * @param surroundings Where it goes.
   */
  constructor(request: ReplyRequest, surroundings: ReplySurroundings) {
    this.#request = request;
    this.#conversation = surroundings.conversation;
    this.#emit = surroundings.emit;
    this.#clock = surroundings.clock;
    this.#paceMs = surroundings.paceMs;
    this.#item = {
      id: request.itemId,
      object: "realtime.item",
      type: "message",
      status: "in_progress",
      role: "assistant",
      content: [],
    };
  }

  /** Id of the response. */
  get id(): string {
    return this.#request.id;
  }

  /** Whether it goes into the conversation, where only one fits at a time. */
  get isInConversation(): boolean {
    return this.#request.conversationId !== undefined;
  }

  /** Whether all of it was sent. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /**
   * Cuts the reply off: it ends by itself, soon.
   *
   * @param reason Why.
   */
  cancel(reason: CancelReason): void {
    this.#cancelReason = reason;
    this.#abort.abort();
  }

  /**
   * Gives the reply. Without a pace, all of it is sent before this returns.
   *
   * @returns A promise that resolves behind the last event.
   */
  async run(): Promise<void> {
    this.#emit({
      type: "response.created",
      response: this.#response("in_progress", null),
    });
    let reply: string;
    try {
      reply = this.#request.speak();
    } catch (error) {
      this.#fail(error as Error);
      this.#isDone = true;
      return;
    }
    const previousId = this.#open();
    for (const word of reply.match(/\s*\S+/g) ?? []) {
      this.#say(word);
      // Awaiting without need would let other events slip in between.
      if (this.#paceMs > 0) await this.#pause();
      if (this.#cancelReason !== undefined) break;
    }
    this.#close(previousId);
    this.#isDone = true;
  }

  #open(): string | null {
    const { modality } = this.#request;
    this.#emit({
      type: "response.output_item.added",
      ...this.#place,
      item: this.#item,
    });
    let previousId: string | null = null;
    if (this.isInConversation) {
      previousId = this.#conversation.add(this.#item);
      this.#emit({
        type: "conversation.item.added",
        previous_item_id: previousId,
        item: this.#item,
      });
    }
    this.#emit({
      type: "response.content_part.added",
      ...this.#partPlace,
      part: modality === "text"
        ? { type: "text", text: "" }
        : { type: "audio", transcript: "" },
    });
    return previousId;
  }

  #say(word: string): void {
    const { modality, format } = this.#request;
    this.#words.push(word);
    if (modality === "text") {
      this.#emit({
        type: "response.output_text.delta",
        ...this.#partPlace,
        delta: word,
      });
      return;
    }
    const samples = tone(this.#tones.length, sampleRateOf(format));
    this.#tones.push(samples);
    this.#emit({
      type: "response.output_audio_transcript.delta",
      ...this.#partPlace,
      delta: word,
    });
    this.#emit({
      type: "response.output_audio.delta",
      ...this.#partPlace,
      delta: encodeAudio(samples, format),
    });
  }

  #close(previousId: string | null): void {
    const { modality, format } = this.#request;
    const reply = this.#words.join("");
    const content: ContentPart = modality === "text"
      ? { type: "output_text", text: reply }
      : { type: "output_audio", transcript: reply };
    this.#item = {
      ...this.#item,
      status: this.#cancelReason === undefined ? "completed" : "incomplete",
      content: [content],
    };
    if (modality === "text") {
      this.#emit({
        type: "response.output_text.done",
        ...this.#partPlace,
        text: reply,
      });
    } else {
      this.#emit({ type: "response.output_audio.done", ...this.#partPlace });
      this.#emit({
        type: "response.output_audio_transcript.done",
        ...this.#partPlace,
        transcript: reply,
      });
    }
    this.#emit({
      type: "response.content_part.done",
      ...this.#partPlace,
      part: modality === "text"
        ? { type: "text", text: reply }
        : { type: "audio", transcript: reply },
    });
    this.#emit({
      type: "response.output_item.done",
      ...this.#place,
      item: this.#item,
    });
    const usage = this.#usage();
    if (this.isInConversation) {
      this.#conversation.update(
        this.#item,
        modality === "audio"
          ? { samples: concatenate(this.#tones), format }
          : undefined,
      );
      this.#emit({
        type: "conversation.item.done",
        previous_item_id: previousId,
        item: this.#item,
      });
    }
    this.#emit({
      type: "response.done",
      response: this.#cancelReason === undefined
        ? this.#response("completed", usage)
        : this.#response("cancelled", usage, { reason: this.#cancelReason }),
    });
    this.#emit({
      type: "rate_limits.updated",
      rate_limits: [{
        name: "tokens",
        limit: TOKEN_LIMIT,
        remaining: TOKEN_LIMIT - usage.total_tokens,
        reset_seconds: 0.001,
      }],
    });
  }

  #fail({ message }: Error): void {
    this.#emit({
      type: "response.done",
      response: this.#response("failed", null, {
        error: { type: "server_error", code: "server_error", message },
      }),
    });
  }

  get #place() {
    return { response_id: this.#request.id, output_index: 0 };
  }

  get #partPlace() {
    return { ...this.#place, item_id: this.#request.itemId, content_index: 0 };
  }

  #response(
    status: "in_progress" | "completed" | "cancelled" | "failed",
    usage: Fields | null,
    details?: Fields,
  ): Fields {
    const request = this.#request;
    return {
      object: "realtime.response",
      id: request.id,
      status,
      status_details: details === undefined
        ? null
        : { type: status, ...details },
      output: status === "completed" || status === "cancelled"
        ? [this.#item]
        : [],
      conversation_id: request.conversationId,
      output_modalities: [request.modality],
      max_output_tokens: request.maxOutputTokens,
      audio: { output: { format: request.format, voice: request.voice } },
      usage,
      metadata: request.metadata,
    };
  }

  #usage() {
    const textIn = tokensOf(this.#conversation.textLength);
    const audioIn = Math.ceil(this.#conversation.userAudioMs / INPUT_TOKEN_MS);
    const textOut = tokensOf(this.#words.join("").length);
    const audioOut = this.#tones.length * WORD_MS / OUTPUT_TOKEN_MS;
    return {
      total_tokens: textIn + audioIn + textOut + audioOut,
      input_tokens: textIn + audioIn,
      output_tokens: textOut + audioOut,
      input_token_details: {
        text_tokens: textIn,
        audio_tokens: audioIn,
        image_tokens: 0,
        cached_tokens: 0,
        cached_tokens_details: {
          text_tokens: 0,
          audio_tokens: 0,
          image_tokens: 0,
        },
      },
      output_token_details: { text_tokens: textOut, audio_tokens: audioOut },
    };
  }

  async #pause(): Promise<void> {
    try {
      await this.#clock.sleep(this.#paceMs, { signal: this.#abort.signal });
    } catch {
      // The reply was cut off, so that there is nothing left to wait for.
    }
  }
}

/** The next piece of a tone that goes on from piece to piece, without clicks. */
function tone(index: number, sampleRate: number): Int16Array {
  const length = sampleRate * WORD_MS / 1000;
  const step = 2 * Math.PI * TONE_HZ / sampleRate;
  return Int16Array.from(
    { length },
    (_, i) => TONE_AMPLITUDE * Math.sin((index * length + i) * step),
  );
}

function tokensOf(characterCount: number): number {
  return Math.ceil(characterCount / TOKEN_CHARACTERS);
}
