/**
 * What a live session prints: words as they come, or every event as JSON.
 *
 * @module
 */

import type { RealtimeServerEvent } from "../realtime/events.ts";
import type { World } from "./command.ts";
import type { Log } from "./log.ts";
import type { Options } from "./options.ts";

/** Unfinished texts that are kept, and the characters of each. */
const MAX_PARTIALS = 32;
const MAX_PARTIAL_LENGTH = 100_000;

/** Prints server events as words, or as JSON lines with `--json`. */
export class Transcript {
  readonly #world: World;
  readonly #log: Log;
  readonly #json: boolean;
  /** What was said so far, by item, until the item is complete. */
  readonly #partials = new Map<string, string>();

  /**
   * @param options What the user gave.
   * @param world Where it is printed.
   * @param log Where it is said what else happens.
   */
  constructor(options: Options, world: World, log: Log) {
    this.#world = world;
    this.#log = log;
    this.#json = options.has("json");
  }

  /**
   * Prints an event.
   *
   * @param event What the server sent.
   */
  print(event: RealtimeServerEvent): void {
    if (this.#json) {
      this.line(JSON.stringify(event));
      return;
    }
    this.#log.debug(`< ${event.type}`);
    switch (event.type) {
      case "conversation.item.input_audio_transcription.delta":
        this.#grow("you", event.item_id, event.delta ?? "");
        break;
      case "conversation.item.input_audio_transcription.completed":
        this.#complete("you", event.item_id, event.transcript);
        break;
      case "response.output_text.delta":
      case "response.output_audio_transcript.delta":
        this.#grow("model", event.item_id, event.delta);
        break;
      case "response.output_text.done":
        this.#complete("model", event.item_id, event.text);
        break;
      case "response.output_audio_transcript.done":
        this.#complete("model", event.item_id, event.transcript);
        break;
      case "input_audio_buffer.speech_started":
        this.#log.info("The server hears speech");
        break;
      case "input_audio_buffer.speech_stopped":
        this.#log.info("The server hears the end of speech");
        break;
      case "input_audio_buffer.committed":
        this.#log.info("The server took the utterance");
        break;
    }
  }

  /**
   * Prints an event of our own among those of the server, with `--json` only.
   *
   * @param type Its name, which no server uses.
   * @param fields What is known of it.
   */
  note(type: string, fields: object): void {
    if (this.#json) this.line(JSON.stringify({ type, ...fields }));
  }

  /**
   * Prints a result, on stdout.
   *
   * @param text One line.
   */
  line(text: string): void {
    this.#log.status.clear();
    this.#world.stdout.write(`${text}\n`);
  }

  /**
   * Redraws the status line, behind which unfinished words grow.
   *
   * @param text What stands before the words.
   */
  showStatus(text: string): void {
    const words = [...this.#partials.values()].at(-1) ?? "";
    this.#log.status.show(text, words);
  }

  /** Takes the status line away and prints words that were never completed. */
  end(): void {
    for (const [key, text] of this.#partials) {
      this.line(`${key.split(" ")[0]}: ${text} …`);
    }
    this.#partials.clear();
    this.#log.status.clear();
  }

  #grow(who: string, itemId: string, delta: string): void {
    const key = `${who} ${itemId}`;
    const text = (this.#partials.get(key) ?? "") + delta;
    // What is never completed must not pile up.
    this.#partials.set(key, text.slice(-MAX_PARTIAL_LENGTH));
    const [oldest] = this.#partials.keys();
    if (this.#partials.size > MAX_PARTIALS) this.#partials.delete(oldest!);
  }

  #complete(who: string, itemId: string, text: string): void {
    this.#partials.delete(`${who} ${itemId}`);
    this.line(`${who}: ${text}`);
  }
}
