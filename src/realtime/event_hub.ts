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

/** A connection that was lost and is being made again. */
export interface RealtimeReconnecting {
  /** Why it was lost, or why the last attempt failed. */
  readonly error: RealtimeError;
  /** Which attempt comes next, from 1. */
  readonly attempt: number;
  /** When it comes, in milliseconds. */
  readonly delayMs: number;
  /** Audio that waits for it, in milliseconds. */
  readonly keptAudioMs: number;
}

/** A connection that was made again. */
export interface RealtimeReconnected {
  /** The attempts that it took; 0 for a session that was renewed in time. */
  readonly attemptCount: number;
  /** How long there was no connection, in milliseconds. */
  readonly outageMs: number;
  /** Audio that waited for it and is sent now, in milliseconds. */
  readonly keptAudioMs: number;
  /** Whether an old session was replaced before its end. */
  readonly isRenewal: boolean;
}

/** An utterance that the server took. */
export interface RealtimeUtterance {
  /** The id of the item that it became, as in the events about its transcript. */
  readonly itemId: string;
  /**
   * When it began to be captured, in milliseconds of `performance.now()`: long
   * ago, if it waited for a connection. Missing when that is not known.
   */
  readonly capturedMs: number | undefined;
  /** Its duration in milliseconds, if the client found its ends. */
  readonly durationMs: number | undefined;
  /** Whether a part of it was lost, because there was no room to keep it. */
  readonly isCut: boolean;
  /** Whether a lost session was sent a part of it before. */
  readonly isResent: boolean;
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
    /** The connection was lost, or an attempt to make it again failed. */
    reconnecting: RealtimeReconnecting;
    /** The connection is there again, with a new session. */
    reconnected: RealtimeReconnected;
    /** The server took an utterance. */
    utterance: RealtimeUtterance;
  };

type Listener = (value: never) => void;

/** What is told by these names is ours; no server can say it. */
const OWN_NAMES: readonly string[] = [
  "event",
  "error",
  "close",
  "reconnecting",
  "reconnected",
  "utterance",
];

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
   * @param length The length of its text.
   */
  deliver(event: RealtimeServerEvent, length: number): void {
    for (const queue of this.#queues) queue.push(event, length);
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
    const isHeard = this.#isHeard;
    this.#emit("error", error);
    if (!isHeard) Promise.reject(error);
  }

  /**
   * Tells of the connection itself.
   *
   * @param name What happens to it.
   * @param value What is known of it.
   */
  tell<
    Name extends "close" | "reconnecting" | "reconnected" | "utterance",
  >(name: Name, value: RealtimeListenerEvents[Name]): void {
    this.#emit(name, value);
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

  /**
   * Tells of an error that ends everything.
   *
   * @param error The error; iterators throw it.
   */
  fail(error: RealtimeError): void {
    const isHeard = this.#isHeard;
    // A listener may start again, with new iterators.
    this.endIterators(error);
    this.#emit("error", error);
    if (!isHeard) Promise.reject(error);
  }

  get #isHeard(): boolean {
    return this.#queues.size > 0 ||
      (this.#listeners.get("error")?.size ?? 0) > 0;
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
