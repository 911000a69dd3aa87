/**
 * Keeps a microphone open: opens it again when it was lost, and notices when it
 * is deaf.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import { Backoff } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { LossCause } from "./frame.ts";
import { AlsaError, type OpenPcm } from "./pcm.ts";
import type { PcmDevice, PcmRequest } from "./pcm.ts";
import { PcmReader, type PcmSink } from "./pcm_reader.ts";

/** A lost device is looked for at once, then after this, then ever less often. */
const FIRST_REOPEN_DELAY_MS = 100;

/** A device that comes back is found within this. */
const MAX_REOPEN_DELAY_MS = 2000;

/** A device that has run for this long has come back for good. */
const STABLE_MS = 5000;

/** A muted microphone is not opened again more often than this, in the end. */
const MAX_SILENCE_MS = 3_600_000;

/** A timer that is so late was held up by this program itself. */
const MAX_LATE_MS = 1000;

/** `ETIMEDOUT`. */
const TIMED_OUT = 110;

/** What a microphone is doing. */
export type MicrophoneState =
  /** It was opened, and its first audio is on its way. */
  | { readonly status: "opening" }
  /** Audio flows. */
  | {
    readonly status: "running";
    /** How often the device was opened again. */
    readonly reopenCount: number;
  }
  /** It failed, and is being opened again. */
  | { readonly status: "recovering"; readonly error: AlsaError }
  /** It cannot be opened; that is tried again until it can. */
  | { readonly status: "waiting"; readonly error: AlsaError }
  /** It was stopped, or its consumer has had enough. */
  | { readonly status: "stopped" }
  /** It ended with an error. */
  | { readonly status: "failed"; readonly error: unknown };

/** What happens to a microphone besides audio. */
export type MicrophoneEvent =
  /** Its state changed. */
  | { readonly type: "state"; readonly state: MicrophoneState }
  /** Audio flows again, and what is missing before it was measured. */
  | {
    readonly type: "gap";
    /** Why. */
    readonly cause: LossCause;
    /** How much, in frames. */
    readonly lostFrames: number;
    /** The position behind the gap, in frames. */
    readonly position: number;
  }
  /** It runs, but gives no frames; it is opened again. */
  | { readonly type: "stalled"; readonly error: AlsaError }
  /** It gives digital silence, which no working microphone does. */
  | { readonly type: "silent"; readonly error: AlsaError }
  /** It gives sound again. */
  | { readonly type: "sound" };

/** Where a {@linkcode Supervisor} puts what it reads. */
export interface SupervisorSink extends PcmSink {
  /** Is told that the device is gone or stalled, once until it is back. */
  onInterruption(): void;
  /**
   * Is told that no more blocks come, which may be long before a device that
   * hangs is released.
   *
   * @param error Why, unless it was asked for.
   */
  onEnd(error?: unknown): void;
  /**
   * Is told what happens.
   *
   * @param event What happens.
   */
  onEvent(event: MicrophoneEvent): void;
}

/** What a {@linkcode Supervisor} keeps open, and how. */
export interface SupervisorOptions {
  /** What was asked of the device when it was opened first. */
  readonly request: PcmRequest;
  /** Opens it again. */
  readonly openPcm: OpenPcm;
  /** The clock, matching the device's. */
  readonly clock: Clock;
  /** Where the blocks go. */
  readonly sink: SupervisorSink;
  /** Whether it is opened again at all. */
  readonly reopen: boolean;
  /** Without a frame for this long it is stalled, in milliseconds. */
  readonly stallMs: number;
  /** Digital silence is noticed after this, in milliseconds; 0 never. */
  readonly silenceMs: number;
}

/** Keeps a microphone open. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #stop = new AbortController();
  readonly #backoff = new Backoff({
    initialMs: FIRST_REOPEN_DELAY_MS,
    maxMs: MAX_REOPEN_DELAY_MS,
    // Nobody else waits for this device.
    jitter: 0,
    random: Math.random,
  });
  #pcm: PcmDevice;
  #reader: PcmReader | undefined;
  #state: MicrophoneState = { status: "opening" };
  /** Ends the reading of the present device, with the reason to open it again. */
  #reading = new AbortController();
  #aliveMs: number;
  #openedMs: number;
  #reopenCount = 0;
  #isInterrupted = false;
  /** Whether the device is open: what is missing then is audio. */
  #isOpen = true;

  #silentSinceMs: number | undefined;
  #silenceLimitMs: number;
  #lastSample = 0;
  #isSilent = false;

  /**
   * @param pcm The device, opened and started.
   * @param options What is kept open, and how.
   */
  constructor(pcm: PcmDevice, options: SupervisorOptions) {
    this.#pcm = pcm;
    this.#options = options;
    this.#aliveMs = this.#openedMs = options.clock.now();
    this.#silenceLimitMs = options.silenceMs;
  }

  /** What the microphone is doing. */
  get state(): MicrophoneState {
    return this.#state;
  }

  /** How often the device was opened again. */
  get reopenCount(): number {
    return this.#reopenCount;
  }

  /** Looks at once how patient the sink still is. */
  hurry(): void {
    this.#reader?.hurry();
  }

  /** Ends `run`: within 100 ms, unless the device hangs. */
  stop(): void {
    this.#stop.abort();
    this.#reading.abort();
    if (!this.#isOpen) this.#options.sink.onEnd();
  }

  /**
   * Reads the device, and opens it again whenever it fails.
   *
   * @returns A promise that resolves after `stop`, when the device is released.
   * @throws {AlsaError} When the device failed and is not to be opened again.
   */
  async run(): Promise<void> {
    const watching = this.#watch();
    try {
      let failure = await this.#readDevice();
      while (failure !== undefined) {
        const pcm = await this.#reopen(failure);
        if (pcm === undefined) break;
        this.#pcm = pcm;
        failure = await this.#readDevice();
      }
      this.#change({ status: "stopped" });
    } catch (error) {
      this.#change({ status: "failed", error });
      throw error;
    } finally {
      this.stop();
      await watching;
    }
  }

  /** Reads until `stop` or a failure, and releases the device. */
  async #readDevice(): Promise<AlsaError | undefined> {
    const { sink, clock, reopen } = this.#options;
    this.#reading = new AbortController();
    if (this.#stop.signal.aborted) this.#reading.abort();
    const { signal } = this.#reading;
    const reader = this.#reader = new PcmReader(this.#pcm, {
      clock,
      signal,
      sink: {
        get patienceMs() {
          return sink.patienceMs;
        },
        hasRoomFor: (frameCount) => sink.hasRoomFor(frameCount),
        roomMade: () => sink.roomMade(),
        onLoss: (cause) => sink.onLoss(cause),
        accept: (samples, capturedMs) => {
          this.#isAlive();
          sink.accept(samples, capturedMs);
          this.#listen(samples);
        },
      },
    });
    try {
      await reader.run();
      if (!this.#stop.signal.aborted) throw signal.reason;
      reader.readRest();
      sink.onEnd();
      return undefined;
    } catch (error) {
      // Nothing can be expected of a device that is being given up.
      if (this.#stop.signal.aborted) {
        sink.onEnd();
        return undefined;
      }
      if (reopen && error instanceof AlsaError) return error;
      sink.onEnd(error);
      throw error;
    } finally {
      this.#isOpen = false;
      await this.#pcm.close();
    }
  }

  /** Opens the device again, however long it takes; nothing after `stop`. */
  async #reopen(failure: AlsaError): Promise<PcmDevice | undefined> {
    const { clock, openPcm, request, sink } = this.#options;
    const { signal } = this.#stop;
    if (signal.aborted) return undefined;
    if (clock.now() - this.#openedMs >= STABLE_MS) this.#backoff.reset();
    sink.onLoss(failure.errno === TIMED_OUT ? "stall" : "device_lost");
    this.#change({ status: "recovering", error: failure });
    while (!signal.aborted) {
      const delayMs = this.#backoff.next();
      try {
        if (delayMs > 0) await clock.sleep(delayMs, { signal });
        const opening = openPcm({ ...request, card: this.#pcm.card });
        const pcm = await orAbort(opening, signal);
        this.#openedMs = this.#aliveMs = clock.now();
        this.#reopenCount++;
        await started(pcm);
        this.#isOpen = true;
        return pcm;
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof AlsaError)) throw error;
        this.#interrupt();
        this.#change({ status: "waiting", error });
      }
    }
    return undefined;
  }

  /** Notices, with one timer for each `stallMs`, that nothing comes. */
  async #watch(): Promise<void> {
    const { clock, stallMs } = this.#options;
    const { signal } = this.#stop;
    try {
      while (!signal.aborted) {
        const beforeMs = clock.now();
        const sleepMs = Math.max(1, stallMs - (beforeMs - this.#aliveMs));
        await clock.sleep(sleepMs, { signal });
        // It was this program that stood still: it tells nothing of the device.
        const isLate = clock.now() - beforeMs - sleepMs > MAX_LATE_MS;
        if (isLate) this.#aliveMs = clock.now();
        if (clock.now() - this.#aliveMs >= stallMs) this.#onStall();
      }
    } catch {
      // Stopped.
    }
  }

  #onStall(): void {
    const { clock, sink, reopen, stallMs } = this.#options;
    this.#aliveMs = clock.now();
    // It is the consumer who does not take anything.
    if (!sink.hasRoomFor(1)) return;
    const error = new AlsaError("snd_pcm_wait", TIMED_OUT, {
      detail: `a microphone that gave no audio for ${stallMs} ms`,
      advice:
        "It is opened again; if that does not help, plug it in again or restart the sound server",
    });
    // One that was opened again in vain is known to be stalled.
    if (!this.#isInterrupted) sink.onEvent({ type: "stalled", error });
    this.#interrupt();
    if (this.#isOpen && reopen) this.#reading.abort(error);
  }

  #isAlive(): void {
    this.#aliveMs = this.#options.clock.now();
    this.#isInterrupted = false;
    if (this.#state.status === "running") return;
    this.#change({ status: "running", reopenCount: this.#reopenCount });
  }

  /**
   * Notices digital silence. A microphone hears itself: even in a quiet room the
   * lowest bits never stay the same.
   */
  #listen(samples: Int16Array): void {
    const { clock, sink, silenceMs } = this.#options;
    if (silenceMs === 0) return;
    if (!areAll(samples, this.#lastSample)) {
      this.#lastSample = samples.at(-1)!;
      this.#silentSinceMs = undefined;
      this.#silenceLimitMs = silenceMs;
      if (this.#isSilent) sink.onEvent({ type: "sound" });
      this.#isSilent = false;
      return;
    }
    const nowMs = clock.now();
    this.#silentSinceMs ??= nowMs;
    if (nowMs - this.#silentSinceMs < this.#silenceLimitMs) return;
    const error = new AlsaError("snd_pcm_readi", TIMED_OUT, {
      detail: `a microphone that gave only digital silence for ${
        Math.round((nowMs - this.#silentSinceMs) / 1000)
      } s`,
      advice:
        'Check that it is not muted and its capture volume is not zero ("alsamixer", F4), and that it is the right input ("earshot devices")',
    });
    this.#isSilent = true;
    this.#silentSinceMs = undefined;
    // It may well be muted on purpose.
    this.#silenceLimitMs = Math.min(this.#silenceLimitMs * 2, MAX_SILENCE_MS);
    sink.onEvent({ type: "silent", error });
    if (this.#options.reopen) this.#reading.abort(error);
  }

  #interrupt(): void {
    if (this.#isInterrupted) return;
    this.#isInterrupted = true;
    this.#options.sink.onInterruption();
  }

  /** Tells of a state once: not of every attempt that fails in the same way. */
  #change(state: MicrophoneState): void {
    const before = this.#state;
    this.#state = state;
    if (before.status === state.status && codeOf(before) === codeOf(state)) {
      return;
    }
    this.#options.sink.onEvent({ type: "state", state });
  }
}

/**
 * Waits for a device; one that opens after an abort is closed again.
 *
 * @param opening The device to be.
 * @param signal Gives up.
 * @returns The device.
 * @throws What the opening throws, or the signal's reason.
 */
export async function orAbort(
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
 * Starts a device, or closes it.
 *
 * @param pcm The device, prepared.
 * @returns The device, running.
 * @throws {AlsaError} When it cannot be started; it is closed then.
 */
export async function started(pcm: PcmDevice): Promise<PcmDevice> {
  try {
    pcm.start();
    return pcm;
  } catch (error) {
    await pcm.close();
    throw error;
  }
}

function codeOf(state: MicrophoneState): string | undefined {
  return "error" in state && state.error instanceof AlsaError
    ? state.error.code
    : undefined;
}

/** Whether all samples are equal to one value; real audio ends this at once. */
function areAll(samples: Int16Array, value: number): boolean {
  for (let index = 0; index < samples.length; index++) {
    if (samples[index] !== value) return false;
  }
  return true;
}
