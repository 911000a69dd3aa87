/**
 * The one queue of the pipeline: it stands between the device, which does not
 * wait, and the consumer, who may.
 *
 * @module
 */

import { type AudioFrame, frameCountOf } from "./frame.ts";

/** A block, or the end. */
type NextFrame = IteratorResult<AudioFrame, undefined>;

/**
 * A bounded queue with one producer, who is told when there is no room, and one
 * consumer, who waits for the next block.
 */
export class FrameChannel {
  readonly #capacityFrames: number;
  readonly #blocks: AudioFrame[] = [];
  #queuedFrames = 0;
  #takenFrames = 0;
  #end: { error?: unknown } | undefined;
  /** Those who wait for a block, while there is none. */
  readonly #consumers: PromiseWithResolvers<NextFrame>[] = [];
  #producer: PromiseWithResolvers<void> | undefined;

  /** @param capacityFrames Frames that may wait; one block always may. */
  constructor(capacityFrames: number) {
    this.#capacityFrames = capacityFrames;
  }

  /** Frames that wait to be taken. */
  get queuedFrames(): number {
    return this.#queuedFrames;
  }

  /** Frames that were taken. */
  get takenFrames(): number {
    return this.#takenFrames;
  }

  /** Whether the queue is over: `next` gives what is left, and then nothing. */
  get ended(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Says whether a block would be accepted.
   *
   * @param frameCount Its frames.
   * @returns `false` when it would have to be dropped.
   */
  hasRoomFor(frameCount: number): boolean {
    return this.#queuedFrames === 0 ||
      this.#queuedFrames + frameCount <= this.#capacityFrames;
  }

  /**
   * Adds a block. Nothing is added once the queue has ended, and of several
   * interruptions in a row only the first.
   *
   * @param block The block.
   */
  push(block: AudioFrame): void {
    if (this.ended) return;
    const consumer = this.#consumers.shift();
    if (consumer !== undefined) {
      consumer.resolve(this.#handedOver(block));
      return;
    }
    if (block.interrupted && this.#blocks.at(-1)?.interrupted) return;
    this.#blocks.push(block);
    this.#queuedFrames += frameCountOf(block);
  }

  /**
   * Waits until the consumer took a block, the queue ended, or `wakeProducer`.
   *
   * @returns A promise that resolves then.
   */
  roomMade(): Promise<void> {
    if (this.ended) return Promise.resolve();
    this.#producer ??= Promise.withResolvers<void>();
    return this.#producer.promise;
  }

  /** Ends the wait of `roomMade`, whether there is room or not. */
  wakeProducer(): void {
    this.#producer?.resolve();
    this.#producer = undefined;
  }

  /**
   * Ends the queue; what is queued can still be taken. Only the first end
   * counts.
   *
   * @param error What `next` rejects with behind the last block, if given.
   */
  end(error?: unknown): void {
    this.#end ??= { error };
    for (const consumer of this.#consumers.splice(0)) {
      consumer.resolve(this.#afterLast());
    }
    this.wakeProducer();
  }

  /**
   * Throws away what is queued.
   *
   * @returns How many frames that were.
   */
  discard(): number {
    const discardedFrames = this.#queuedFrames;
    this.#blocks.length = 0;
    this.#queuedFrames = 0;
    this.wakeProducer();
    return discardedFrames;
  }

  /**
   * Takes the next block, as soon as there is one. Its promise is the only one
   * between the device and who consumes it: each costs as much as a whole stage.
   *
   * @returns The block, or the end.
   * @throws The error that the queue was ended with, once, behind the last block.
   */
  next(): Promise<NextFrame> {
    const block = this.#blocks.shift();
    if (block !== undefined) {
      this.#queuedFrames -= frameCountOf(block);
      this.wakeProducer();
      return Promise.resolve(this.#handedOver(block));
    }
    if (this.ended) return this.#afterLast();
    const consumer = Promise.withResolvers<NextFrame>();
    this.#consumers.push(consumer);
    return consumer.promise;
  }

  #handedOver(block: AudioFrame): NextFrame {
    this.#takenFrames += frameCountOf(block);
    return { done: false, value: block };
  }

  /** The error, once, and then the end. */
  #afterLast(): Promise<NextFrame> {
    const error = this.#end?.error;
    this.#end = {};
    return error === undefined
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(error);
  }
}
