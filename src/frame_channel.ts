/**
 * The one queue of the pipeline: it stands between the device, which does not
 * wait, and the consumer, who may.
 *
 * @module
 */

import { type AudioFrame, frameCountOf } from "./frame.ts";

/**
 * A bounded queue with one producer, who is told when there is no room, and one
 * consumer, who waits for the next block.
 */
export class FrameChannel {
  readonly #capacityFrames: number;
  readonly #blocks: AudioFrame[] = [];
  #queuedFrames = 0;
  #end: { error?: unknown } | undefined;
  #consumer: PromiseWithResolvers<void> | undefined;
  #producer: PromiseWithResolvers<void> | undefined;

  /** @param capacityFrames Frames that may wait; one block always may. */
  constructor(capacityFrames: number) {
    this.#capacityFrames = capacityFrames;
  }

  /** Frames that wait to be taken. */
  get queuedFrames(): number {
    return this.#queuedFrames;
  }

  /** Whether the queue is over: `take` gives what is left, and then nothing. */
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
    if (block.interrupted && this.#blocks.at(-1)?.interrupted) return;
    this.#blocks.push(block);
    this.#queuedFrames += frameCountOf(block);
    this.#wakeConsumer();
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
   * @param error What `take` throws behind the last block, if given.
   */
  end(error?: unknown): void {
    this.#end ??= { error };
    this.#wakeConsumer();
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
   * Takes the next block, if there is one.
   *
   * @returns The block, or `undefined`: there is none yet, or none any more.
   * @throws The error that the queue was ended with, once, behind the last block.
   */
  take(): AudioFrame | undefined {
    const block = this.#blocks.shift();
    if (block !== undefined) {
      this.#queuedFrames -= frameCountOf(block);
      this.wakeProducer();
    } else if (this.#end !== undefined) {
      const { error } = this.#end;
      this.#end = {};
      if (error !== undefined) throw error;
    }
    return block;
  }

  /**
   * Waits until there is something to take, or the queue ended.
   *
   * @returns A promise that resolves then.
   */
  filled(): Promise<void> {
    this.#consumer ??= Promise.withResolvers<void>();
    return this.#consumer.promise;
  }

  #wakeConsumer(): void {
    this.#consumer?.resolve();
    this.#consumer = undefined;
  }
}
