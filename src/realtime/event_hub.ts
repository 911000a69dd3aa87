/**
 * Who is told of what a connection hears.
 *
 * @module
 */

import type { RealtimeError } from "./errors.ts";
import { EventQueue } from "./event_queue.ts";
import type {
  RealtimeServerEvent,
  RealtimeServerEventOf,
  RealtimeServerEventType,
} from "./events.ts";

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
    /**
     * Every error of the service and the connection, also of a transcription or
     * a response that failed.
     */
    error: RealtimeError;
    /** The end of the connection, whether asked for or not. */
    close: RealtimeClose;
  };

type Listener = (value: never) => void;

/** What is told by these names is ours; no server can say it. */
const OWN_NAMES: readonly string[] = ["event", "error", "close"];

/** Tells listeners and iterators, and notices when there are none. */
export class EventHub {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #queues = new Set<EventQueue<RealtimeServerEvent>>();
  #droppedEventCount = 0;

  /** Events that were dropped because an iterator was too slow. */
  get droppedEventCount(): number {
    return this.#droppedEventCount;
  }

  /**
   * Adds a listener.
   *
   * @param type What it listens to.
   * @param listener Called with each.
   * @returns A function that removes it.
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

  /** Adds an iterator over the server's events. */
  iterate(): EventQueue<RealtimeServerEvent> {
    const queue = new EventQueue<RealtimeServerEvent>(
      () => this.#queues.delete(queue),
      () => this.#droppedEventCount++,
    );
    this.#queues.add(queue);
    return queue;
  }

  /**
   * Tells of an event of the server.
   *
   * @param event The event.
   */
  deliver(event: RealtimeServerEvent): void {
    for (const queue of this.#queues) queue.push(event);
    this.#emit("event", event);
    if (!OWN_NAMES.includes(event.type)) this.#emit(event.type, event);
  }

  /**
   * Tells of an error. One that nobody hears of becomes an unhandled rejection:
   * there is no silence.
   *
   * @param error The error, of which iterators are told in another way.
   */
  report(error: RealtimeError): void {
    const isHeard = this.#queues.size > 0 ||
      (this.#listeners.get("error")?.size ?? 0) > 0;
    this.#emit("error", error);
    if (!isHeard) Promise.reject(error);
  }

  /**
   * Tells of the end of the connection.
   *
   * @param close How it ended.
   */
  close(close: RealtimeClose): void {
    this.#emit("close", close);
  }

  /**
   * Ends all iterators.
   *
   * @param error What they throw, if given.
   */
  endIterators(error?: RealtimeError): void {
    for (const queue of this.#queues) queue.end(error);
    this.#queues.clear();
  }

  #emit(name: string, value: unknown): void {
    for (const listener of [...this.#listeners.get(name) ?? []]) {
      try {
        listener(value as never);
      } catch (error) {
        console.error(`A listener of "${name}" failed:`, error);
      }
    }
  }
}
