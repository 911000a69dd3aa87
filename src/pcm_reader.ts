/**
 * Reads one open device for as long as it can be kept running without opening it
 * again.
 *
 * @module
 */

import { type Alarm, alarmOf } from "./alarm.ts";
import type { Clock } from "./clock.ts";
import type { LossCause } from "./frame.ts";
import { PeriodForecast } from "./period_forecast.ts";
import { AlsaError, type PcmDevice } from "./pcm.ts";
import type { PcmState, PcmStatus } from "./pcm.ts";

/**
 * The longest single wait on the device. A wait cannot be cancelled, so this
 * bounds how long a stop takes while no audio arrives.
 */
const MAX_WAIT_MS = 80;

/**
 * A reader that comes so late looks at the device from Deno's thread pool first: what
 * has gone wrong meanwhile may block whoever asks.
 */
const MAX_LATE_MS = 3000;

/** A shorter sleep is not worth its timer: the device itself is waited for. */
const MIN_SLEEP_MS = 2;

/** How often a suspended device is asked whether it is awake again. */
const RESUME_POLL_MS = 50;

/** A rest after a wake-up without audio, so that a stream of them cannot spin. */
const IDLE_WAKE_MS = 5;

/** Recoveries without a single frame between them before giving up. */
const MAX_FRUITLESS_RECOVERIES = 5;

/**
 * So much memory is taken at once, for as many blocks as fit: V8 takes it from
 * malloc, which costs more than to read a block of 20 ms into it.
 */
const MEMORY_SAMPLES = 8192;

/** `EIO`, what a kernel answers to a read of a device that was not started. */
const NOT_STARTED = 5;

/** An error event can be missed, but not the state that it leaves behind. */
const ERRNO_OF_STATE: Partial<Record<PcmState, number>> = {
  xrun: 32,
  suspended: 86,
  disconnected: 19,
};

/** Where a {@linkcode PcmReader} puts what it reads. */
export interface PcmSink {
  /**
   * How much later than it could be a block may come, in milliseconds: the reader
   * wakes up less often, and reads more at once.
   */
  readonly patienceMs?: number;
  /**
   * Says whether a block can be taken.
   *
   * @param frameCount Its frames.
   */
  hasRoomFor(frameCount: number): boolean;
  /** Waits until there is more room. */
  roomMade(): Promise<void>;
  /**
   * Takes a block.
   *
   * @param samples Interleaved PCM16, from now on the sink's.
   * @param capturedMs When its first frame was captured, by the device's word.
   */
  accept(samples: Int16Array<ArrayBuffer>, capturedMs: number): void;
  /**
   * Is told that audio is missing before the next block.
   *
   * @param cause Why.
   */
  onLoss(cause: LossCause): void;
}

/** Reads a started device, and brings it back in place where that is possible. */
export class PcmReader {
  readonly #pcm: PcmDevice;
  readonly #clock: Clock;
  readonly #sink: PcmSink;
  readonly #signal: AbortSignal;
  readonly #forecast = new PeriodForecast();
  #lastReadMs: number;
  /** What is missing of the present period. */
  #missingFrames: number;
  #fruitlessRecoveries = 0;
  readonly #alarm: Alarm;
  /** What is read into, and how much of it the sink has already. */
  #memory = new Int16Array(0);
  #usedSamples = 0;

  /**
   * @param pcm A started device.
   * @param options Where the blocks go, the clock, and what ends the reading.
   */
  constructor(
    pcm: PcmDevice,
    options: { sink: PcmSink; clock: Clock; signal: AbortSignal },
  ) {
    this.#pcm = pcm;
    this.#clock = options.clock;
    this.#sink = options.sink;
    this.#signal = options.signal;
    this.#lastReadMs = options.clock.now();
    this.#missingFrames = pcm.parameters.periodFrames;
    this.#alarm = alarmOf(options.clock);
    options.signal.addEventListener("abort", () => this.#alarm.ring(), {
      once: true,
    });
  }

  /**
   * Reads until the signal is aborted.
   *
   * @throws {AlsaError} When the device cannot be brought back in place.
   */
  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.#awaitPeriod();
      } catch (error) {
        // While stopping, a device that cannot be read any more is no news.
        if (!this.#signal.aborted) await this.#recover(error);
      }
    }
  }

  /** Looks at once how patient the sink still is. */
  hurry(): void {
    this.#alarm.ring();
  }

  /**
   * Reads the next periods. A device that runs is on time nearly always, and a
   * timer costs less than half of a wait on Deno's thread pool, so this sleeps
   * until the period is due and waits for the device only if it is not there.
   */
  async #awaitPeriod(): Promise<void> {
    const { dueMs } = this.#forecast;
    const beforeMs = this.#clock.now();
    const wakeMs = dueMs === undefined ? beforeMs : dueMs + this.#patienceMs();
    if (wakeMs - beforeMs >= MIN_SLEEP_MS) {
      const lagMs = this.#clock.timerLagMs ?? 0;
      const sleepMs = Math.ceil(wakeMs - beforeMs) - lagMs;
      if (!await this.#alarm.sleep(sleepMs)) return;
      const nowMs = this.#clock.now();
      if (nowMs - wakeMs > MAX_LATE_MS) this.#forecast.forget();
      else if (await this.#readPeriods(nowMs)) return;
      else this.#forecast.onLate();
    }
    const awoken = await this.#pcm.wait(MAX_WAIT_MS);
    if (this.#signal.aborted) return;
    const nowMs = this.#clock.now();
    if (await this.#readPeriods(nowMs) || !awoken) return;
    this.#forecast.onLate();
    // A part of a period woke us, or something else: a read says what. What is
    // read does not wake us again.
    const status = this.#pcm.status();
    const wantedFrames = Math.max(1, status.availableFrames);
    if (this.#read(status, wantedFrames, nowMs) === 0) {
      await this.#alarm.sleep(IDLE_WAKE_MS);
    } else {
      this.#forecast.onPart(nowMs, this.#msOf(this.#missingFrames));
    }
  }

  /**
   * Reads what arrived since the last full period: it still belongs to the user.
   *
   * @throws {AlsaError} When the device cannot be read any more.
   */
  readRest(): void {
    let leftFrames = this.#pcm.status().availableFrames;
    while (leftFrames > 0) {
      const frameCount = this.#read(
        this.#pcm.status(),
        leftFrames,
        this.#clock.now(),
      );
      if (frameCount === 0) return;
      leftFrames -= frameCount;
    }
  }

  /**
   * Reads to the end of the last whole period, so that a backlog costs one
   * wake-up. A part of the next one is left there: blocks of whole periods pass
   * through {@linkcode rechunk} without being copied.
   *
   * @param nowMs The present moment.
   * @returns Whether there was one.
   */
  #readPeriods(nowMs: number): boolean | Promise<boolean> {
    const { periodFrames } = this.#pcm.parameters;
    const status = this.#pcm.status();
    const errno = ERRNO_OF_STATE[status.state];
    if (errno !== undefined) throw new AlsaError("snd_pcm_status", errno);
    const furtherFrames = status.availableFrames - this.#missingFrames;
    if (furtherFrames < 0) {
      // A device that does not run would be waited for in vain.
      if (status.state === "prepared" || status.state === "setup") {
        throw new AlsaError("snd_pcm_status", NOT_STARTED);
      }
      return false;
    }
    const leftFrames = furtherFrames % periodFrames;
    const frameCount = status.availableFrames - leftFrames;
    const runsAhead = this.#runsAhead(frameCount, nowMs);
    if (!this.#sink.hasRoomFor(frameCount) && runsAhead) {
      return this.#sink.roomMade().then(() => true);
    }
    if (runsAhead) this.#forecast.forget();
    else {
      this.#forecast.onRead({
        nowMs,
        periodMs: this.#msOf(periodFrames),
        furtherMs: this.#msOf(furtherFrames - leftFrames),
        leftMs: this.#msOf(leftFrames),
      });
    }
    this.#read(status, frameCount, nowMs);
    return true;
  }

  /**
   * Whole periods, as what is less saves no waking up; and far less than the ring
   * holds.
   */
  #patienceMs(): number {
    const { periodFrames, bufferFrames } = this.#pcm.parameters;
    const periodMs = this.#msOf(periodFrames);
    const mostMs = this.#msOf(bufferFrames) / 2 - periodMs;
    const patienceMs = Math.min(this.#sink.patienceMs ?? 0, mostMs);
    return Math.max(0, Math.floor(patienceMs / periodMs)) * periodMs;
  }

  #msOf(frameCount: number): number {
    return frameCount * 1000 / this.#pcm.parameters.sampleRate;
  }

  /**
   * Tells a device that delivers as fast as it is read (ALSA's `file` and `null`
   * plugins) from one that runs in real time: more is there than time has
   * passed. Waiting for the consumer loses nothing of such a device.
   */
  #runsAhead(frameCount: number, nowMs: number): boolean {
    const elapsedMs = nowMs - this.#lastReadMs;
    const periodMs = this.#msOf(this.#pcm.parameters.periodFrames);
    return this.#msOf(frameCount) > elapsedMs + 2 * periodMs;
  }

  /** Reads up to so many frames, and says how many it was given. */
  #read(status: PcmStatus, wantedFrames: number, nowMs: number): number {
    const { channelCount, periodFrames } = this.#pcm.parameters;
    const wanted = this.#roomFor(wantedFrames * channelCount);
    const frameCount = this.#pcm.read(wanted);
    if (frameCount === 0) return 0;
    const samples = frameCount === wantedFrames
      ? wanted
      : wanted.subarray(0, frameCount * channelCount);
    this.#usedSamples += samples.length;
    const readFrames = periodFrames - this.#missingFrames + frameCount;
    this.#missingFrames = periodFrames - readFrames % periodFrames;
    this.#fruitlessRecoveries = 0;
    this.#lastReadMs = nowMs;
    const capturedMs = status.timestampMs - this.#msOf(status.delayFrames);
    this.#sink.accept(samples, capturedMs);
    return frameCount;
  }

  /** Finds room behind what was read last. */
  #roomFor(sampleCount: number): Int16Array<ArrayBuffer> {
    let end = this.#usedSamples + sampleCount;
    if (end > this.#memory.length) {
      const blockCount = Math.floor(MEMORY_SAMPLES / sampleCount);
      this.#memory = new Int16Array(Math.max(1, blockCount) * sampleCount);
      this.#usedSamples = 0;
      end = sampleCount;
    }
    return this.#memory.subarray(this.#usedSamples, end);
  }

  /**
   * Brings the device back, by its state rather than by its word: the errno of
   * the same trouble differs from driver to driver. Of a card that is gone the
   * errno alone is certain.
   */
  async #recover(error: unknown): Promise<void> {
    this.#forecast.forget();
    if (!(error instanceof AlsaError)) throw error;
    if (++this.#fruitlessRecoveries > MAX_FRUITLESS_RECOVERIES) throw error;
    const state = this.#state();
    if (error.kind === "xrun" || state === "xrun") {
      this.#sink.onLoss("xrun");
    } else if (error.kind === "suspended" || state === "suspended") {
      this.#sink.onLoss("suspend");
      if (await this.#resumed()) return;
    } else if (
      error.kind === "io" || state === "prepared" || state === "setup"
    ) {
      this.#sink.onLoss("error");
    } else {
      throw error;
    }
    // Also while it runs: preparing is what clears an error.
    this.#missingFrames = this.#pcm.parameters.periodFrames;
    this.#pcm.prepare();
    this.#pcm.start();
  }

  #state(): PcmState {
    try {
      return this.#pcm.status().state;
    } catch {
      return "disconnected";
    }
  }

  /** Waits for a suspended device; many cannot resume and say so by failing. */
  async #resumed(): Promise<boolean> {
    try {
      while (!this.#pcm.resume()) {
        await this.#alarm.sleep(RESUME_POLL_MS);
        if (this.#signal.aborted) return true;
      }
      return true;
    } catch {
      return false;
    }
  }
}
