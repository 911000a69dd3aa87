/**
 * Capture as an async iterator.
 *
 * A background loop reads the device whenever a period is there and puts the
 * blocks into one bounded channel; the iterator takes them out. The loop never
 * waits for a consumer of a device that runs in real time: what does not fit is
 * dropped, counted, and marked on the next block. A device that fails is opened
 * again, on the same timeline.
 *
 * @module
 */

import { holdAlsa, openAlsaPcm } from "./alsa_device.ts";
import { wantedChannels } from "./channels.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { AudioFrame, LossCause } from "./frame.ts";
import { FrameChannel } from "./frame_channel.ts";
import type { OpenPcm, PcmDevice, PcmParameters } from "./pcm.ts";
import {
  type MicrophoneEvent,
  type MicrophoneState,
  orAbort,
  started,
  Supervisor,
  type SupervisorOptions,
} from "./supervisor.ts";
import { Timeline } from "./timeline.ts";
import { checkInteger, checkNumber, checkOneOf } from "./validation.ts";

export type { MicrophoneEvent, MicrophoneState };

/** How long a stop waits for a device that does not let go of us. */
const RELEASE_TIMEOUT_MS = 800;

/**
 * The ring is never shorter, where the device allows it: at 500 ms no load test
 * lost a sample, and this outlasts an event loop that is blocked for 2 seconds.
 */
const MIN_RING_MS = 2500;

/** The ring holds at least this many periods. */
const MIN_RING_PERIODS = 4;

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
   * @default {1, or as many as `channel` names}
   */
  channelCount?: number;
  /**
   * The channel of the device, from 0, that becomes the only one, 0–31; or a map:
   * those that become the first, the second and so on.
   *
   * @default {undefined, which is all of them, or their mean for one channel}
   */
  channel?: number | readonly number[];
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
  /**
   * Whether a device that was lost, stalls or is silent is opened again, for as
   * long as it takes. Otherwise the iterator throws when it is lost.
   *
   * @default {true}
   */
  reopen?: boolean;
  /**
   * A microphone that gives no frames for this long is stalled, in milliseconds,
   * 200–3600000.
   *
   * @default {5000}
   */
  stallMs?: number;
  /**
   * Digital silence (all samples are equal, which no working microphone does) is
   * an event after this, in milliseconds, up to 86400000, and the device is
   * opened again; then after twice as long, and so on. 0 ignores it.
   *
   * @default {60000}
   */
  silenceMs?: number;
  /** Is told what happens besides audio: losses, gaps, stalls, silence. */
  onEvent?: (event: MicrophoneEvent) => void;
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
   * Never read: lost by overruns and suspends inside the device, or while it was
   * gone; measured from its timestamps.
   */
  readonly lostFrames: number;
  /** The same, by cause. */
  readonly lostFramesByCause: Readonly<Record<LossCause, number>>;
  /** Overruns of the device's ring. */
  readonly xrunCount: number;
  /** How often the device was opened again. */
  readonly reopenCount: number;
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
export function openMicrophone(
  options: MicrophoneOptions = {},
): Promise<Microphone> {
  return Microphone.open(options);
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

/** A device that was started, and how it is to be kept open. */
interface OpenedDevice {
  readonly pcm: PcmDevice;
  /** Keeps libasound loaded until it is disposed of, if that was opened. */
  readonly library: Disposable | undefined;
  readonly queueMs: number;
  readonly supervision: MicrophoneParts["supervision"];
}

async function openDevice(options: MicrophoneOptions): Promise<OpenedDevice> {
  const { device = "default", queueMs = 2000, signal } = options;
  const sampleRate = options.sampleRate ?? 24_000;
  const { channels, channelCount } = wantedChannels(
    options.channel,
    options.channelCount,
  );
  checkInteger("sampleRate", sampleRate, 4000, 384_000);
  checkInteger("channelCount", channelCount, 1, 32);
  checkInteger("queueMs", queueMs, 0, 600_000);
  const periodFrames = options.periodFrames ?? Math.round(sampleRate / 50);
  checkInteger("periodFrames", periodFrames, 16, 480_000);
  const { reopen = true, stallMs = 5000, silenceMs = 60_000 } = options;
  checkOneOf("reopen", reopen, [true, false]);
  checkInteger("stallMs", stallMs, 200, 3_600_000);
  checkInteger("silenceMs", silenceMs, 0, 86_400_000);
  signal?.throwIfAborted();
  const { openPcm = openAlsaPcm, clock = systemClock } = options;
  const request = {
    device,
    sampleRate,
    channelCount,
    channels,
    periodFrames,
    bufferFrames: Math.max(
      Math.ceil(sampleRate * MIN_RING_MS / 1000),
      periodFrames * MIN_RING_PERIODS,
    ),
  };
  // Loading it anew for every attempt to open a device would cost time and memory.
  const library = openPcm === openAlsaPcm ? holdAlsa() : undefined;
  try {
    return {
      pcm: await started(await orAbort(openPcm(request), signal)),
      library,
      queueMs,
      supervision: { request, openPcm, clock, reopen, stallMs, silenceMs },
    };
  } catch (error) {
    library?.[Symbol.dispose]();
    throw error;
  }
}

/** What a {@linkcode Microphone} is made with. */
interface MicrophoneParts {
  /** How the device is kept open. */
  readonly supervision: Omit<SupervisorOptions, "sink">;
  /** The bound of the queue. */
  readonly queueFrames: number;
  /** Ends the capture. */
  readonly signal?: AbortSignal;
  /** Is told what happens. */
  readonly onEvent?: (event: MicrophoneEvent) => void;
  /** Called when the device is released for good. */
  readonly onRelease?: () => void;
}

/**
 * A running microphone: an async iterable of {@linkcode AudioFrame}s.
 *
 * It has one consumer. Leaving a `for await` loop early closes it.
 */
export class Microphone
  implements AsyncIterableIterator<AudioFrame>, AsyncDisposable {
  /** What the device was configured to when it was opened first. */
  readonly parameters: PcmParameters;
  readonly #clock: Clock;
  readonly #channel: FrameChannel;
  readonly #timeline: Timeline;
  readonly #supervisor: Supervisor;
  readonly #signal: AbortSignal | undefined;
  readonly #onEvent: ((event: MicrophoneEvent) => void) | undefined;
  readonly #abort = () => this.#endWith(this.#signal?.reason);
  readonly #released: Promise<void>;

  #patienceMs = 0;
  #capturedFrames = 0;
  #slowConsumerFrames = 0;
  #discardedFrames = 0;
  #xrunCount = 0;

  /**
   * The same as {@linkcode openMicrophone}.
   *
   * @param options What to open; everything has a default.
   * @returns The running microphone.
   */
  static async open(options: MicrophoneOptions = {}): Promise<Microphone> {
    const { pcm, library, queueMs, supervision } = await openDevice(options);
    return new Microphone(pcm, {
      queueFrames: Math.ceil(supervision.request.sampleRate * queueMs / 1000),
      signal: options.signal,
      onEvent: options.onEvent,
      onRelease: () => library?.[Symbol.dispose](),
      supervision,
    });
  }

  /**
   * Opens a microphone, starts it, and closes it again before it has captured
   * anything: that shows whether it can be captured from.
   *
   * @param options What to open, as for {@linkcode openMicrophone}.
   * @returns What the device was configured to.
   * @throws As {@linkcode openMicrophone} does.
   */
  static async probe(options: MicrophoneOptions = {}): Promise<PcmParameters> {
    const { pcm, library } = await openDevice(options);
    using _library = library;
    await pcm.close();
    return pcm.parameters;
  }

  private constructor(pcm: PcmDevice, parts: MicrophoneParts) {
    const { clock, stallMs } = parts.supervision;
    const patienceOf = () => Math.min(this.#patienceMs, stallMs / 4);
    this.parameters = pcm.parameters;
    this.#clock = clock;
    this.#channel = new FrameChannel(parts.queueFrames);
    this.#timeline = new Timeline(pcm.parameters.sampleRate, clock.now());
    this.#onEvent = parts.onEvent;
    this.#supervisor = new Supervisor(pcm, {
      ...parts.supervision,
      sink: {
        get patienceMs() {
          return patienceOf();
        },
        hasRoomFor: (frameCount) => this.#channel.hasRoomFor(frameCount),
        roomMade: () => this.#channel.roomMade(),
        accept: (samples, capturedMs) => this.#accept(samples, capturedMs),
        onLoss: (cause) => {
          if (cause === "xrun") this.#xrunCount++;
          this.#timeline.openGap(cause);
        },
        onInterruption: () => this.#interrupt(),
        onEnd: (error) => this.#channel.end(error),
        onEvent: (event) => this.#tell(event),
      },
    });
    this.#signal = parts.signal;
    this.#signal?.addEventListener("abort", this.#abort, { once: true });
    this.#released = this.#capture().finally(() => parts.onRelease?.());
    if (this.#signal?.aborted) this.#abort();
  }

  /** What it is doing. */
  get state(): MicrophoneState {
    return this.#supervisor.state;
  }

  /**
   * How much later than it could be a block may come, in milliseconds, 0–1000. While
   * nobody needs it at once, the program then wakes up less often and is given
   * more at a time; nothing is lost. It is less where the device's ring is short.
   *
   * @default {0}
   * @throws {RangeError} When it is set to something outside its range.
   */
  get patienceMs(): number {
    return this.#patienceMs;
  }

  set patienceMs(ms: number) {
    checkNumber("patienceMs", ms, 0, 1000);
    const isLess = ms < this.#patienceMs;
    this.#patienceMs = ms;
    if (isLess) this.#supervisor.hurry();
  }

  /** What became of every frame so far. */
  get stats(): MicrophoneStats {
    const lostFramesByCause = this.#timeline.lostFrames;
    return {
      capturedFrames: this.#capturedFrames,
      deliveredFrames: this.#channel.takenFrames,
      queuedFrames: this.#channel.queuedFrames,
      slowConsumerFrames: this.#slowConsumerFrames,
      discardedFrames: this.#discardedFrames,
      lostFrames: Object.values(lostFramesByCause)
        .reduce((sum, frameCount) => sum + frameCount),
      lostFramesByCause,
      xrunCount: this.#xrunCount,
      reopenCount: this.#supervisor.reopenCount,
    };
  }

  /**
   * Takes the next block.
   *
   * @returns The block, or the end after `stop` or `close`.
   * @throws {AlsaError} When the device failed and is not to be opened again.
   * @throws The signal's reason, when it was aborted.
   */
  next(): Promise<IteratorResult<AudioFrame, undefined>> {
    return this.#channel.next();
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
   *   or 800 ms if a sound server hangs.
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
   *   or 800 ms if a sound server hangs.
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
    // Nothing more can be expected of a device that hangs.
    this.#channel.end();
  }

  #endWith(error: unknown): void {
    this.#stopLoop();
    this.#channel.end(error);
    this.#discardedFrames += this.#channel.discard();
  }

  #stopLoop(): void {
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#supervisor.stop();
    this.#channel.wakeProducer();
  }

  /** From the start of the device to its release. */
  async #capture(): Promise<void> {
    try {
      await this.#supervisor.run();
      this.#channel.end();
    } catch (error) {
      this.#channel.end(error);
    }
    // What is missing at the end is missing, too.
    this.#timeline.closeGap(this.#clock.now());
    this.#stopLoop();
  }

  #accept(samples: Int16Array<ArrayBuffer>, capturedMs: number): void {
    const { channelCount } = this.parameters;
    const frameCount = samples.length / channelCount;
    this.#capturedFrames += frameCount;
    const gap = this.#timeline.closeGap(capturedMs);
    const placement = this.#timeline.place(frameCount, capturedMs);
    const frame = { format: this.parameters, samples, ...placement };
    if (this.#channel.ended) {
      // It was closed or aborted meanwhile.
      this.#discardedFrames += frameCount;
    } else if (this.#channel.hasRoomFor(frameCount)) {
      this.#channel.push(frame);
    } else {
      this.#slowConsumerFrames += frameCount;
      this.#timeline.skip(frame);
    }
    if (gap !== undefined) this.#tell({ type: "gap", ...gap });
  }

  /** Tells the stages behind that nothing comes for a while. */
  #interrupt(): void {
    const { position, timestampMs } = this.#timeline.end;
    this.#channel.push({
      format: this.parameters,
      samples: new Int16Array(0),
      position,
      timestampMs,
      interrupted: true,
    });
  }

  /** A listener that throws must not end the capture. */
  #tell(event: MicrophoneEvent): void {
    try {
      this.#onEvent?.(event);
    } catch (error) {
      console.error("The listener onEvent of a microphone failed:", error);
    }
  }
}
