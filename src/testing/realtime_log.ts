/**
 * What went over the connections of a local Realtime server, and the means to
 * wait for more of it.
 *
 * @module
 */

import { BoundedList } from "./bounded_list.ts";

/**
 * A decoded message. One that was no JSON object stands as its text in
 * `malformed`.
 */
export interface RealtimeMessage {
  /** The event's name. */
  readonly type?: unknown;
  /** Everything else that it holds. */
  readonly [field: string]: unknown;
}

/** One message. */
export interface RealtimeLogEntry {
  /** Which connection it belongs to, 1 for the server's first. */
  readonly connection: number;
  /** Whether a client sent it to the server, or the other way round. */
  readonly direction: "received" | "sent";
  /** The message. */
  readonly message: RealtimeMessage;
}

interface Waiter {
  readonly look: () => boolean;
  readonly reject: (reason: Error) => void;
}

/** The messages of all connections in the order of their arrival. */
export class RealtimeLog {
  readonly #list: BoundedList<RealtimeLogEntry>;
  #waiters: Waiter[] = [];
  #isClosed = false;

  /** @param limitBytes How much text is remembered. */
  constructor(limitBytes: number) {
    this.#list = new BoundedList(limitBytes);
  }

  /** What is remembered, oldest first. */
  get entries(): readonly RealtimeLogEntry[] {
    return this.#list.elements;
  }

  /**
   * Adds a message.
   *
   * @param entry The message.
   * @param length The length of its text.
   */
  push(entry: RealtimeLogEntry, length: number): void {
    this.#list.push(entry, length);
    this.changed();
  }

  /** Lets everybody who waits look again. */
  changed(): void {
    this.#waiters = this.#waiters.filter(({ look }) => !look());
  }

  /**
   * Waits until something is found.
   *
   * @param find Looks for it, now and after every change.
   * @returns What was found.
   */
  waitFor<T>(find: () => T | undefined | null | false): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        try {
          const found = find();
          if (!found) return false;
          resolve(found);
        } catch (error) {
          reject(error);
        }
        return true;
      };
      if (look()) return;
      if (this.#isClosed) reject(nothingComes());
      else this.#waiters.push({ look, reject });
    });
  }

  /** Disappoints everybody who waits. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiters) reject(nothingComes());
    this.#waiters = [];
  }
}

function nothingComes(): Error {
  return new Error(
    "Cannot wait any longer as the Realtime server was closed",
  );
}
