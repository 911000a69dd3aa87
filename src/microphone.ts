/**
 * Capture as an async iterator.
 *
 * A background loop reads the device whenever a period is there and puts the
 * blocks into one bounded channel; the iterator takes them out. The loop never
 * waits for a consumer of a device that runs in real time: what does not fit is
 * dropped, counted, and marked on the next block.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import { openAlsaPcm } from "./alsa_device.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { AudioFrame, Discontinuity, DiscontinuityCause } from "./frame.ts";
import { frameCountOf } from "./frame.ts";
import { FrameChannel } from "./frame_channel.ts";
import { AlsaError, type OpenPcm, type PcmDevice } from "./pcm.ts";
import type { PcmParameters, PcmState, PcmStatus } from "./pcm.ts";
import { checkInteger } from "./validation.ts";

/**
 * The longest single wait on the device. A wait cannot be cancelled, so this
 * bounds how long a stop takes while no audio arrives.
 */
const MAX_WAIT_MS = 80;

/** How long a stop waits for a device that does not let go of us. */
const RELEASE_TIMEOUT_MS = 2000;

/** How often a suspended device is asked whether it is awake again. */
const RESUME_POLL_MS = 50;

/** A timestamp farther than this from where it is due is no jitter. */
const MAX_JITTER_MS = 100;

/** How fast timestamps follow the device's: half of a change in 14 blocks. */
const JITTER_GAIN = 0.05;

/** A rest after a wake-up without audio, so that a stream of them cannot spin. */
const IDLE_WAKE_MS = 5;

/** Recoveries without a single frame between them before giving up. */
const MAX_FRUITLESS_RECOVERIES = 5;

/** The ring is never shorter: at 500 ms no load test lost a sample. */
const MIN_RING_MS = 500;

/** The ring holds at least this many periods. */
const MIN_RING_PERIODS = 4;

/** An error event can be missed, but not the state that it leaves behind. */
const ERRNO_OF_STATE: Partial<Record<PcmState, number>> = {
  xrun: 32,
  suspended: 86,
  disconnected: 19,
};

/** Settings of {@linkcode openMicrophone}. */
export interface MicrophoneOptions {
  /**
   * ALSA's name of the device; `earshot devices` and `listDevices` list them.
   *
   * @default {"default"}
   */
  device?: string;
  /**
   * Frames per second, 4000–384000 Hz.
   *
   * @default {24000}
   */
  sampleRate?: number;
  /**
   * Interleaved channels, 1–32.
   *
   * @default {1}
   */
  channelCount?: number;
  /**
   * Frames in one period: the device wakes the reader after each, so this is
   * the latency and the inverse of the wake-ups. 16–480000; the device may
   * choose a near value.
   *
   * @default {20 ms, which is 480 frames at 24000 Hz}
   */
  periodFrames?: number;
  /**
   * Audio that may wait in memory for a slow consumer, in milliseconds, 0–600000.
   *
   * @default {2000}
   */
  queueMs?: number;
  /** Ends the capture: the iterator throws `signal.reason`. */
  signal?: AbortSignal;
  /**
   * Opens the device: a fake one in tests.
   *
   * @default {the real libasound}
   */
  openPcm?: OpenPcm;
  /**
   * The clock, matching the device's.
   *
   * @default {systemClock}
   */
  clock?: Clock;
}

/** What became of every frame so far; all counts are frames. */
export interface MicrophoneStats {
  /** Read from the device: delivered, queued, dropped and discarded ones. */
  readonly capturedFrames: number;
  /** Handed to the consumer. */
  readonly deliveredFrames: number;
  /** Waiting for the consumer. */
  readonly queuedFrames: number;
  /** Dropped because the consumer was too slow. */
  readonly slowConsumerFrames: number;
  /** Thrown away because the microphone was closed or aborted before the end. */
  readonly discardedFrames: number;
  /**
   * Never read: lost inside the device by overruns and suspends, measured from
   * its timestamps.
   */
  readonly lostFrames: number;
  /** Overruns of the device's ring. */
  readonly xrunCount: number;
}

/**
 * Opens a microphone and starts capturing.
 *
 * @example The first second of the default microphone
 * ```ts ignore
 * import { openMicrophone } from "@nevil/earshot";
 *
 * await using mic = await openMicrophone();
 * for await (const frame of mic) {
 *   console.log(frame.position, frame.samples.length);
 *   if (frame.position >= 24000) break;
 * }
 * ```
 *
 * @param options What to open; everything has a default.
 * @returns The running microphone. It captures from now on.
 * @throws {RangeError} When a number is outside its range.
 * @throws {AlsaError} When libasound or the device cannot be used; `kind` says
 *   why and `advice` what to do.
 * @throws The signal's reason, when it is aborted.
 */
export async function openMicrophone(
  options: MicrophoneOptions = {},
): Promise<Microphone> {
  const { device = "default", queueMs = 2000, signal } = options;
  const sampleRate = options.sampleRate ?? 24_000;
  const channelCount = options.channelCount ?? 1;
  checkInteger("sampleRate", sampleRate, 4000, 384_000);
  checkInteger("channelCount", channelCount, 1, 32);
  checkInteger("queueMs", queueMs, 0, 600_000);
  const periodFrames = options.periodFrames ?? Math.round(sampleRate / 50);
  checkInteger("periodFrames", periodFrames, 16, 480_000);
  signal?.throwIfAborted();
  const opening = (options.openPcm ?? openAlsaPcm)({
    device,
    sampleRate,
    channelCount,
    periodFrames,
    bufferFrames: Math.max(
      Math.ceil(sampleRate * MIN_RING_MS / 1000),
      periodFrames * MIN_RING_PERIODS,
    ),
  });
  const pcm = await orAbort(opening, signal);
  try {
    pcm.start();
  } catch (error) {
    await pcm.close();
    throw error;
  }
  return new Microphone(pcm, {
    clock: options.clock ?? systemClock,
    queueFrames: Math.ceil(sampleRate * queueMs / 1000),
    signal,
  });
}

/**
 * Finds the period that suits chunks of a size: the largest equal part of a
 * chunk that is not longer than the capture layer may hold, so that a chunk is
 * complete at the moment of a wake-up. No period is shorter than 5 ms, which
 * would be 200 wake-ups a second.
 *
 * @param chunkFrames Frames in a chunk.
 * @param bufferFrames The most frames in a period.
 * @param sampleRate Frames per second.
 * @returns Frames in a period.
 */
export function periodFramesFor(
  chunkFrames: number,
  bufferFrames: number,
  sampleRate: number,
): number {
  const partCount = Math.ceil(chunkFrames / bufferFrames);
  return Math.max(
    Math.ceil(chunkFrames / partCount),
    Math.round(sampleRate / 200),
  );
}

/** Waits for a device; one that opens after an abort is closed again. */
async function orAbort(
  opening: Promise<PcmDevice>,
  signal: AbortSignal | undefined,
): Promise<PcmDevice> {
  if (signal === undefined) return await opening;
  try {
    return await abortable(opening, signal);
  } catch (error) {
    opening.then((pcm) => pcm.close(), () => {});
    throw error;
  }
}

/**
 * A running microphone: an async iterable of {@linkcode AudioFrame}s.
 *
 * It has one consumer. Leaving a `for await` loop early closes it.
 */
export class Microphone
  implements AsyncIterableIterator<AudioFrame>, AsyncDisposable {
  /** What the device was configured to. */
  readonly parameters: PcmParameters;
  readonly #pcm: PcmDevice;
  readonly #clock: Clock;
  readonly #channel: FrameChannel;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = () => this.#endWith(this.#signal?.reason);
  readonly #released: Promise<void>;
  #stopping = false;
  /** Ends a sleep of the loop when the microphone stops. */
  readonly #wakeUp = new AbortController();

  #nextPosition = 0;
  /** When the frame at `#nextPosition` is due, by the device's clock. */
  #nextTimestampMs: number;
  #lastTimestampMs = -Infinity;
  #lastReadMs: number;
  #pending: Discontinuity | undefined;
  #gap: DiscontinuityCause | undefined;
  #fruitlessRecoveries = 0;

  #capturedFrames = 0;
  #deliveredFrames = 0;
  #slowConsumerFrames = 0;
  #discardedFrames = 0;
  #lostFrames = 0;
  #xrunCount = 0;

  /**
   * Use {@linkcode openMicrophone}.
   *
   * @param pcm A started device.
   * @param options The clock, the bound of the queue and an abort signal.
   */
  constructor(
    pcm: PcmDevice,
    options: { clock: Clock; queueFrames: number; signal?: AbortSignal },
  ) {
    this.parameters = pcm.parameters;
    this.#pcm = pcm;
    this.#clock = options.clock;
    this.#channel = new FrameChannel(options.queueFrames);
    this.#nextTimestampMs = this.#lastReadMs = options.clock.now();
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#abort, { once: true });
    this.#released = this.#capture();
    if (this.#signal?.aborted) this.#abort();
  }

  /** What became of every frame so far. */
  get stats(): MicrophoneStats {
    return {
      capturedFrames: this.#capturedFrames,
      deliveredFrames: this.#deliveredFrames,
      queuedFrames: this.#channel.queuedFrames,
      slowConsumerFrames: this.#slowConsumerFrames,
      discardedFrames: this.#discardedFrames,
      lostFrames: this.#lostFrames,
      xrunCount: this.#xrunCount,
    };
  }

  /**
   * Takes the next block.
   *
   * @returns The block, or the end after `stop` or `close`.
   * @throws {AlsaError} When the device failed and cannot be recovered in place.
   * @throws The signal's reason, when it was aborted.
   */
  async next(): Promise<IteratorResult<AudioFrame, undefined>> {
    const value = await this.#channel.take();
    if (value === undefined) return { done: true, value };
    this.#deliveredFrames += frameCountOf(value);
    return { done: false, value };
  }

  /** Closes the microphone; a `for await` loop calls this when it is left. */
  async return(): Promise<IteratorResult<AudioFrame, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** The iterator is the microphone itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * Ends the capture and keeps what was captured: the iterator yields the rest
   * and then ends.
   *
   * @returns A promise that resolves when the device is released: within 100 ms,
   *   or 2 seconds if a sound server hangs.
   */
  stop(): Promise<void> {
    this.#stopLoop();
    return this.#releasedInTime();
  }

  /**
   * Ends the capture and throws away what was not consumed yet (it is counted
   * in {@linkcode MicrophoneStats.discardedFrames}). Safe to call twice.
   *
   * @returns A promise that resolves when the device is released: within 100 ms,
   *   or 2 seconds if a sound server hangs.
   */
  close(): Promise<void> {
    this.#endWith(undefined);
    return this.#releasedInTime();
  }

  /** The same as {@linkcode Microphone.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A sound server that hangs must not keep us: Deno closes the device later. */
  async #releasedInTime(): Promise<void> {
    const released = new AbortController();
    await Promise.race([
      this.#released,
      this.#clock.sleep(RELEASE_TIMEOUT_MS, { signal: released.signal })
        .catch(() => {}),
    ]);
    released.abort();
  }

  #endWith(error: unknown): void {
    this.#stopLoop();
    this.#channel.end(error);
    this.#discardedFrames += this.#channel.discard();
  }

  #stopLoop(): void {
    this.#stopping = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#wakeUp.abort();
    this.#channel.wakeProducer();
  }

  /** The background loop, from the start of the device to its release. */
  async #capture(): Promise<void> {
    let failure: unknown;
    try {
      while (!this.#stopping) {
        try {
          const awoken = await this.#pcm.wait(MAX_WAIT_MS);
          if (!this.#stopping) await this.#readPeriods(awoken);
        } catch (error) {
          await this.#recover(error);
        }
      }
      // What arrived since the last full period still belongs to the user.
      if (!this.#channel.ended) this.#read(this.#pcm.status());
    } catch (error) {
      // While stopping, a device that cannot be read any more is no news.
      if (!this.#stopping) failure = error;
    } finally {
      this.#stopLoop();
      this.#channel.end(failure);
      await this.#pcm.close();
    }
  }

  /**
   * Reads all whole periods, so that a backlog costs one wake-up. A part of a
   * period is left for the next one: blocks of whole periods pass through
   * {@linkcode rechunk} without being copied.
   */
  async #readPeriods(awoken: boolean): Promise<void> {
    const { periodFrames } = this.parameters;
    const status = this.#pcm.status();
    const errno = ERRNO_OF_STATE[status.state];
    if (errno !== undefined) throw new AlsaError("snd_pcm_status", errno);
    const frameCount = status.availableFrames -
      status.availableFrames % periodFrames;
    if (frameCount === 0) {
      if (!awoken) return;
      // Something else than audio woke the loop: a read says what, if anything.
      this.#read(status, Math.max(1, status.availableFrames));
      await this.#clock.sleep(IDLE_WAKE_MS, { signal: this.#wakeUp.signal })
        .catch(() => {});
      return;
    }
    if (!this.#channel.hasRoomFor(frameCount) && this.#runsAhead(frameCount)) {
      await this.#channel.roomMade();
      return;
    }
    this.#read(status, frameCount);
  }

  /**
   * Tells a device that delivers as fast as it is read (ALSA's `file` and `null`
   * plugins) from one that runs in real time: more is there than time has
   * passed. Waiting for the consumer loses nothing of such a device.
   */
  #runsAhead(frameCount: number): boolean {
    const { sampleRate, periodFrames } = this.parameters;
    const elapsedMs = this.#clock.now() - this.#lastReadMs;
    return frameCount > elapsedMs * sampleRate / 1000 + 2 * periodFrames;
  }

  #read(status: PcmStatus, wantedFrames = status.availableFrames): void {
    const { sampleRate, channelCount } = this.parameters;
    const buffer = new Int16Array(wantedFrames * channelCount);
    const frameCount = this.#pcm.read(buffer);
    if (frameCount === 0) return;
    this.#fruitlessRecoveries = 0;
    this.#lastReadMs = this.#clock.now();
    this.#capturedFrames += frameCount;
    const measuredMs = status.timestampMs -
      status.delayFrames * 1000 / sampleRate;
    this.#closeGap(measuredMs);
    const timestampMs = this.#smoothed(measuredMs);
    this.#emit({
      format: this.parameters,
      samples: frameCount === wantedFrames
        ? buffer
        : buffer.subarray(0, frameCount * channelCount),
      position: this.#nextPosition,
      timestampMs,
      discontinuity: this.#pending,
    }, frameCount);
    this.#lastTimestampMs = timestampMs;
    this.#nextPosition += frameCount;
    this.#nextTimestampMs = timestampMs + frameCount * 1000 / sampleRate;
  }

  /**
   * Frames come evenly, but the device's word of when jitters: by microseconds
   * on a card, by milliseconds on a sound server. A first-order loop follows it;
   * a jump behind a gap is followed at once, and time never goes back.
   */
  #smoothed(measuredMs: number): number {
    const errorMs = measuredMs - this.#nextTimestampMs;
    const timestampMs = Math.abs(errorMs) > MAX_JITTER_MS
      ? measuredMs
      : this.#nextTimestampMs + errorMs * JITTER_GAIN;
    return Math.max(timestampMs, this.#lastTimestampMs);
  }

  #emit(frame: AudioFrame, frameCount: number): void {
    if (this.#channel.hasRoomFor(frameCount)) {
      this.#channel.push(frame);
      this.#pending = undefined;
    } else {
      this.#slowConsumerFrames += frameCount;
      this.#addDiscontinuity("slow_consumer", frameCount);
    }
  }

  /** Measures the gap before the first frame behind an xrun or a suspend. */
  #closeGap(timestampMs: number): void {
    if (this.#gap === undefined) return;
    const gapMs = timestampMs - this.#nextTimestampMs;
    this.#nextTimestampMs = timestampMs;
    const lostFrames = Math.max(
      0,
      Math.round(gapMs * this.parameters.sampleRate / 1000),
    );
    this.#lostFrames += lostFrames;
    this.#nextPosition += lostFrames;
    this.#addDiscontinuity(this.#gap, lostFrames);
    this.#gap = undefined;
  }

  #addDiscontinuity(cause: DiscontinuityCause, lostFrames: number): void {
    this.#pending = {
      cause: this.#pending?.cause ?? cause,
      lostFrames: (this.#pending?.lostFrames ?? 0) + lostFrames,
    };
  }

  /** Brings the device back after an xrun or a suspend; else throws. */
  async #recover(error: unknown): Promise<void> {
    if (!(error instanceof AlsaError)) throw error;
    if (this.#stopping) return;
    if (++this.#fruitlessRecoveries > MAX_FRUITLESS_RECOVERIES) throw error;
    if (error.kind === "xrun") {
      this.#xrunCount++;
      this.#gap ??= "xrun";
    } else if (error.kind === "suspended") {
      this.#gap ??= "suspend";
      if (await this.#resumed()) return;
    } else {
      throw error;
    }
    this.#pcm.prepare();
    this.#pcm.start();
  }

  /** Waits for a suspended device; many cannot resume and say so by failing. */
  async #resumed(): Promise<boolean> {
    const { signal } = this.#wakeUp;
    try {
      while (!this.#pcm.resume()) {
        await this.#clock.sleep(RESUME_POLL_MS, { signal });
      }
      return true;
    } catch {
      return false;
    }
  }
}
