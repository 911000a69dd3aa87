/**
 * A sound server's device, which delivers in lumps and must be heeded.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type {
  CardIdentity,
  PcmDevice,
  PcmParameters,
  PcmStatus,
} from "./pcm.ts";
import { SampleQueue } from "./sample_queue.ts";

/** How often the plugin must be heeded: its pipe has room for some seconds. */
const HEED_INTERVAL_MS = 500;

/** A device whose plugin has something to say that somebody must listen to. */
export interface HeededPcm extends PcmDevice {
  /** Takes note of it. */
  heed(): void;
}

/**
 * Reads all that a sound server has delivered, at once, and holds back what nobody
 * has asked for yet. The server's library would hold on to a delivery that was read
 * in part, and if the server dies then, every further call blocks for good.
 */
export class ServerPcm implements PcmDevice {
  readonly #device: HeededPcm;
  readonly #serverPeriodFrames: number;
  readonly #clock: Pick<Clock, "now">;
  /** What was read and not asked for yet. */
  readonly #held = new SampleQueue();
  #heededMs = -Infinity;
  /** Whether the stream was begun where a delivery begins. */
  #isAligned = false;

  /**
   * @param device A device in the state `prepared`; it belongs to this one.
   * @param serverPeriodFrames What the server delivers at once.
   * @param clock The clock.
   */
  constructor(
    device: HeededPcm,
    serverPeriodFrames: number,
    clock: Pick<Clock, "now"> = performance,
  ) {
    this.#device = device;
    this.#clock = clock;
    this.#serverPeriodFrames = serverPeriodFrames;
  }

  get parameters(): PcmParameters {
    return this.#device.parameters;
  }

  get card(): CardIdentity | undefined {
    return this.#device.card;
  }

  start(): void {
    this.#device.start();
  }

  async wait(timeoutMs: number): Promise<boolean> {
    const awoken = await this.#device.wait(timeoutMs);
    if (awoken && !this.#isAligned) this.#align();
    return awoken;
  }

  status(): PcmStatus {
    const status = this.#device.status();
    const heldFrames = this.#held.length / this.parameters.channelCount;
    return {
      ...status,
      availableFrames: status.availableFrames + heldFrames,
      delayFrames: status.delayFrames + heldFrames,
    };
  }

  read(samples: Int16Array): number {
    this.#readAll(samples.length);
    return this.#held.take(samples) / this.parameters.channelCount;
  }

  prepare(): void {
    this.#isAligned = false;
    this.#held.clear();
    this.#device.prepare();
  }

  resume(): boolean {
    return this.#device.resume();
  }

  drop(): void {
    this.#held.clear();
    this.#device.drop();
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  /** Reads what is there: more than is wanted, unless there is less. */
  #readAll(wantedSamples: number): void {
    const { channelCount } = this.parameters;
    let room: Int16Array;
    let count: number;
    do {
      room = this.#held.room(wantedSamples + channelCount);
      count = this.#device.read(room) * channelCount;
      this.#held.add(count);
    } while (count === room.length);
    this.#heed();
  }

  /**
   * Begins the stream where a delivery of the sound server begins: else each chunk
   * would end a few frames behind one, and wait a whole period for the next.
   */
  #align(): void {
    this.#isAligned = true;
    const frameCount = this.#device.status().availableFrames %
      this.#serverPeriodFrames;
    this.#device.read(
      new Int16Array(frameCount * this.parameters.channelCount),
    );
  }

  #heed(): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#heededMs < HEED_INTERVAL_MS) return;
    this.#heededMs = nowMs;
    this.#device.heed();
  }
}
