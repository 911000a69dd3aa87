/**
 * What was said in a conversation, as text: all that a new session can be told
 * of an old one.
 *
 * @module
 */

import type {
  RealtimeClientEvent,
  RealtimeItem,
  RealtimeItemEcho,
  RealtimeServerEvent,
} from "./events.ts";
import { BYTES_PER_MS } from "./turns.ts";

/** Longer texts are cut: the end of what was said is what matters. */
const MAX_TEXT_LENGTH = 8000;

interface Entry {
  readonly role: "user" | "assistant" | "system";
  text: string;
  /** Milliseconds of speech that were received for it. */
  audioMs: number;
}

/** Keeps the last items of a conversation. */
export class History {
  readonly #maxItemCount: number;
  /** By the item's id, oldest first. */
  readonly #entries = new Map<string, Entry>();

  /** @param maxItemCount Items that are kept; 0 keeps none. */
  constructor(maxItemCount: number) {
    this.#maxItemCount = maxItemCount;
  }

  /**
   * Takes note of what a server says.
   *
   * @param event The event, of which nothing can be relied on.
   */
  received(event: RealtimeServerEvent): void {
    switch (event.type) {
      case "conversation.item.added":
      case "conversation.item.done":
        this.#note(event.item);
        break;
      case "conversation.item.deleted":
        this.#entries.delete(event.item_id);
        break;
      case "conversation.item.truncated":
        this.#truncate(event.item_id, event.audio_end_ms);
        break;
      case "conversation.item.input_audio_transcription.completed":
      case "response.output_audio_transcript.done":
        this.#say(event.item_id, event.transcript);
        break;
      case "response.output_text.done":
        this.#say(event.item_id, event.text);
        break;
      case "response.output_audio.delta": {
        const entry = this.#entries.get(event.item_id);
        const length = Number(event.delta?.length) || 0;
        if (entry !== undefined) {
          entry.audioMs += length * 3 / 4 / BYTES_PER_MS;
        }
        break;
      }
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
  }

  /** The events that tell a new session of it, with the items' own ids. */
  get events(): RealtimeClientEvent[] {
    return [...this.#entries]
      .filter(([, { text }]) => text !== "")
      .map(([id, entry]) => ({
        type: "conversation.item.create",
        item: toItem(id, entry),
      }));
  }

  #note(item: RealtimeItemEcho | null | undefined): void {
    const { id, type, role } = item ?? {};
    if (type !== "message" || typeof id !== "string") return;
    if (role !== "user" && role !== "assistant" && role !== "system") return;
    if (!this.#entries.has(id)) {
      this.#entries.set(id, { role, text: "", audioMs: 0 });
      const [oldest] = this.#entries.keys();
      if (this.#entries.size > this.#maxItemCount) {
        this.#entries.delete(oldest!);
      }
    }
    const { content } = item!;
    if (!Array.isArray(content)) return;
    const texts = content
      .map((part) => part?.text ?? part?.transcript)
      .filter((text) => typeof text === "string");
    if (texts.length > 0) this.#say(id, texts.join("\n"));
  }

  #say(id: string, text: unknown): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || typeof text !== "string") return;
    entry.text = text.slice(-MAX_TEXT_LENGTH);
  }

  /** The service forgets the text, too; what was heard of it is estimated. */
  #truncate(id: string, audioEndMs: unknown): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || typeof audioEndMs !== "number") return;
    const heard = entry.audioMs > 0 ? audioEndMs / entry.audioMs : 0;
    const length = Math.floor(entry.text.length * Math.min(1, heard));
    entry.text = entry.text.slice(0, Math.max(0, length));
  }
}

function toItem(id: string, { role, text }: Entry): RealtimeItem {
  return role === "assistant"
    ? {
      id,
      type: "message",
      role,
      content: [{ type: "output_text", text }],
    }
    : { id, type: "message", role, content: [{ type: "input_text", text }] };
}
