/**
 * Events on their way to one consumer.
 *
 * @module
 */

/** Events that may wait for a slow consumer; the oldest ones make room. */
const CAPACITY = 1024;

/** The most text that may wait: events can be large, and many. */
const MAX_LENGTH = 64 * 1024 * 1024;

/** A bounded queue that is an async iterator. */
export class EventQueue<T> implements AsyncIterableIterator<T> {
  readonly #values: { readonly value: T; readonly length: number }[] = [];
  #length = 0;
  readonly #onReturn: (queue: EventQueue<T>) => void;
  readonly #onDrop: () => void;
  #end: { error?: unknown } | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;

  /**
   * @param onReturn Called when the consumer has had enough.
   * @param onDrop Called for every event that had to make room.
   */
  constructor(onReturn: (queue: EventQueue<T>) => void, onDrop: () => void) {
    this.#onReturn = onReturn;
    this.#onDrop = onDrop;
  }

  /**
   * Adds an event.
   *
   * @param value The event.
   * @param length The length of its text.
   */
  push(value: T, length = 0): void {
    while (
      this.#values.length >= CAPACITY ||
      this.#values.length > 0 && this.#length + length > MAX_LENGTH
    ) {
      this.#take();
      this.#onDrop();
    }
    this.#values.push({ value, length });
    this.#length += length;
    this.#wake();
  }

  /**
   * Ends the iterator behind what waits.
   *
   * @param error What it throws then, if given.
   */
  end(error?: unknown): void {
    this.#end ??= { error };
    this.#wake();
  }

  /** Waits for the next event. */
  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      if (this.#values.length > 0) {
        return { done: false, value: this.#take() };
      }
      if (this.#end !== undefined) {
        const { error } = this.#end;
        this.#end = {};
        if (error !== undefined) throw error;
        return { done: true, value: undefined };
      }
      this.#waiting ??= Promise.withResolvers<void>();
      await this.#waiting.promise;
    }
  }

  /** Ends the iteration, for the consumer's part. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#values.length = 0;
    this.end();
    this.#onReturn(this);
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The iterator is the queue itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): T {
    const { value, length } = this.#values.shift()!;
    this.#length -= length;
    return value;
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
