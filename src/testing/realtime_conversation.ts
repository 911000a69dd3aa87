/**
 * The history of a session.
 *
 * @module
 */

import type { RealtimeAudioFormat } from "../realtime/events.ts";
import { encodeAudio, sampleRateOf } from "./realtime_audio.ts";
import { type Fields, RequestError } from "./realtime_checks.ts";

/** A part of a message. */
export interface ContentPart extends Fields {
  /** `input_audio`, `output_text` and the like. */
  readonly type: string;
  /** What is written. */
  readonly text?: string;
  /** What was said. */
  readonly transcript?: string | null;
}

/** An item before it must have an id. */
export interface NewItem extends Fields {
  /** Its id, if it was chosen. */
  readonly id?: string;
  /** `message`, `function_call` and the like. */
  readonly type: string;
  /** Who speaks, in a message. */
  readonly role?: string;
  /** What a message consists of. */
  readonly content?: readonly ContentPart[];
}

/** An item as it is told: without sound. */
export interface ConversationItem extends NewItem {
  /** Its id. */
  readonly id: string;
}

/** The sound of an item. */
export interface ItemAudio {
  /** PCM16. */
  readonly samples: Int16Array;
  /** How it goes over the wire, which also tells its rate. */
  readonly format: RealtimeAudioFormat;
}

interface Entry {
  item: ConversationItem;
  audio?: ItemAudio;
}

/** Items in order, the oldest of which are forgotten when there are too many. */
export class Conversation {
  readonly #limitBytes: number;
  readonly #entries: Entry[] = [];

  /** @param limitBytes About how much memory the items may take. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** All items, without sound. */
  get items(): readonly ConversationItem[] {
    return this.#entries.map(({ item }) => item);
  }

  /** How long all sound of the users' items is, in milliseconds. */
  get userAudioMs(): number {
    return this.#entries
      .filter(({ item }) => item.role === "user")
      .reduce((sum, { audio }) => sum + durationMs(audio), 0);
  }

  /** How many characters all written parts of messages have. */
  get textLength(): number {
    return this.items
      .flatMap(({ content }) => content ?? [])
      .reduce((sum, { text }) => sum + (text?.length ?? 0), 0);
  }

  /** The latest item, or `null`. */
  get lastId(): string | null {
    return this.#entries.at(-1)?.item.id ?? null;
  }

  /**
   * Adds an item.
   *
   * @param item The item.
   * @param options `audio` is its sound; `previousId` is the item to stand
   *   behind, or `"root"` for the very beginning.
   * @returns The item before it, or `null`.
   * @throws {RequestError} When the place is unknown or the id is taken.
   */
  add(
    item: ConversationItem,
    { audio, previousId }: { audio?: ItemAudio; previousId?: string | null } =
      {},
  ): string | null {
    if (this.#find(item.id) >= 0) {
      throw new RequestError(
        "invalid_value",
        `Cannot add the item '${item.id}' as the conversation has one with this id`,
        "item.id",
      );
    }
    const index = this.#placeBehind(previousId);
    this.#entries.splice(index, 0, { item, audio });
    const before = this.#entries[index - 1]?.item.id ?? null;
    this.#forget();
    return before;
  }

  /**
   * Replaces what is known of an item; nothing happens when it is gone.
   *
   * @param item The item as it is now.
   * @param audio Its sound, if it has changed.
   */
  update(item: ConversationItem, audio?: ItemAudio): void {
    const entry = this.#entries[this.#find(item.id)];
    if (entry === undefined) return;
    entry.item = item;
    if (audio !== undefined) entry.audio = audio;
  }

  /**
   * Notes what a user said; nothing happens when the item is gone.
   *
   * @param id The item.
   * @param transcript What was said.
   */
  setTranscript(id: string, transcript: string): void {
    const item = this.#entries[this.#find(id)]?.item;
    if (item === undefined) return;
    this.update({ ...item, content: [{ type: "input_audio", transcript }] });
  }

  /**
   * Gives an item with its sound.
   *
   * @param id The item.
   * @returns The item as it goes over the wire.
   * @throws {RequestError} When there is no such item.
   */
  retrieve(id: string): ConversationItem {
    const { item, audio } = this.#get(id, "retrieve");
    if (audio === undefined) return item;
    return {
      ...item,
      content: item.content?.map((part) =>
        part.type.endsWith("_audio")
          ? { ...part, audio: encodeAudio(audio.samples, audio.format) }
          : part
      ),
    };
  }

  /**
   * Removes an item.
   *
   * @param id The item.
   * @throws {RequestError} When there is no such item.
   */
  delete(id: string): void {
    this.#get(id, "delete");
    this.#entries.splice(this.#find(id), 1);
  }

  /**
   * Cuts off the end of what the assistant said, and forgets its transcript.
   *
   * @param id The item.
   * @param contentIndex Which of its parts.
   * @param audioEndMs How much stays, in milliseconds.
   * @throws {RequestError} When that part has no sound, or less of it.
   */
  truncate(id: string, contentIndex: number, audioEndMs: number): void {
    const entry = this.#get(id, "truncate");
    const { item, audio } = entry;
    const part = item.content?.[contentIndex];
    if (part?.type !== "output_audio" || !audio || audioEndMs === 0) {
      throw new RequestError(
        "unsupported_content_type",
        "Only model output audio messages can be truncated",
      );
    }
    const lengthMs = Math.floor(durationMs(audio));
    if (audioEndMs > lengthMs) {
      throw new RequestError(
        "invalid_value",
        `Audio content of ${lengthMs}ms is already shorter than ${audioEndMs}ms`,
        "audio_end_ms",
      );
    }
    const length = audioEndMs * sampleRateOf(audio.format) / 1000;
    entry.audio = { ...audio, samples: audio.samples.slice(0, length) };
    entry.item = {
      ...item,
      content: item.content?.map((each, index) =>
        index === contentIndex ? { type: "output_audio" } : each
      ),
    };
  }

  #find(id: string): number {
    return this.#entries.findIndex(({ item }) => item.id === id);
  }

  #get(id: string, action: "retrieve" | "delete" | "truncate"): Entry {
    const entry = this.#entries[this.#find(id)];
    if (entry === undefined) {
      throw new RequestError(
        `item_${action}_invalid_item_id`,
        `Cannot ${action} the item '${id}' as it does not exist`,
        "item_id",
      );
    }
    return entry;
  }

  #placeBehind(previousId: string | null | undefined): number {
    if (previousId === "root") return 0;
    if (previousId === undefined || previousId === null) {
      return this.#entries.length;
    }
    const index = this.#find(previousId);
    if (index < 0) {
      throw new RequestError(
        "invalid_value",
        `Cannot add an item behind '${previousId}' as it does not exist`,
        "previous_item_id",
      );
    }
    return index + 1;
  }

  #forget(): void {
    let total = this.#entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
    while (total > this.#limitBytes) {
      total -= bytesOf(this.#entries.shift()!);
    }
  }
}

function bytesOf({ item, audio }: Entry): number {
  return JSON.stringify(item).length + (audio?.samples.byteLength ?? 0);
}

function durationMs(audio: ItemAudio | undefined): number {
  if (audio === undefined) return 0;
  return audio.samples.length * 1000 / sampleRateOf(audio.format);
}
