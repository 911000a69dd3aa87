/**
 * A microphone made of arithmetic: it plays a script of sounds and faults on a
 * clock of the test's choice.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import {
  AlsaError,
  type CardIdentity,
  type PcmDevice,
  type PcmParameters,
  type PcmRequest,
  type PcmState,
  type PcmStatus,
} from "../pcm.ts";

/**
 * What a {@linkcode FakePcm} hears or suffers, one after the other. Durations
 * are milliseconds; amplitudes are peaks from 0 to 1 of full scale.
 */
export type FakePcmStep =
  /** Digital silence. */
  | { readonly type: "silence"; readonly durationMs: number }
  /** A sine. */
  | {
    readonly type: "tone";
    readonly durationMs: number;
    readonly frequencyHz: number;
    readonly amplitude: number;
  }
  /** White noise; no two neighbourhoods are alike, so a slip shows. */
  | {
    readonly type: "noise";
    readonly durationMs: number;
    readonly amplitude: number;
  }
  /** Something shaped like speech: a buzz at 120 Hz in four syllables a second. */
  | {
    readonly type: "speech";
    readonly durationMs: number;
    readonly amplitude: number;
  }
  /** Given samples, one a frame, heard on every channel. */
  | { readonly type: "samples"; readonly samples: Int16Array }
  /** The device captures nothing for a while and then goes on. */
  | { readonly type: "stall"; readonly durationMs: number }
  /** The ring runs over: unread frames are lost until the device is started. */
  | { readonly type: "xrun" }
  /** The device sleeps; then it can be resumed, or only prepared and started. */
  | {
    readonly type: "suspend";
    readonly durationMs: number;
    readonly resumable: boolean;
  }
  /** One read fails with this errno (positive), behind the frames before it. */
  | { readonly type: "error"; readonly errno: number }
  /**
   * The card is pulled out: every call fails with ENODEV from now on. It can be
   * opened again after `durationMs` (at once, if not given).
   */
  | { readonly type: "unplug"; readonly durationMs?: number };

/** Settings of a {@linkcode FakePcm}. */
export interface FakePcmOptions {
  /** What is heard, from the start of the device; silence follows it. */
  script?: readonly FakePcmStep[];
  /**
   * The clock it runs on.
   *
   * @default {systemClock}
   */
  clock?: Clock;
  /**
   * The most frames that one read gives: small values force short reads.
   *
   * @default {Infinity}
   */
  maxReadFrames?: number;
  /**
   * Errnos (positive) with which the first opens fail, one each.
   *
   * @default {[]}
   */
  openErrnos?: readonly number[];
  /**
   * How long an open takes, in milliseconds.
   *
   * @default {0}
   */
  openMs?: number;
  /**
   * Whether the script is one timeline over all opens, as the sounds of a room
   * are; else every open plays it from its beginning.
   *
   * @default {false}
   */
  continuous?: boolean;
  /** The card that it is on. */
  card?: CardIdentity;
}

type Fault = Extract<
  FakePcmStep,
  { type: "xrun" | "suspend" | "error" | "unplug" }
>;

/** A script laid out on the timeline of one device. */
interface Layout {
  readonly sounds: {
    begin: number;
    end: number;
    at: (index: number) => number;
  }[];
  readonly stalls: { frame: number; durationMs: number }[];
  readonly faults: { frame: number; fault: Fault }[];
  /** When it began. */
  startMs: number | undefined;
}

/**
 * A scripted stand-in for a sound card: give its `open` to `openMicrophone` or
 * `AudioCaptureManager` as `openPcm`.
 *
 * It is honest about what it is not: it knows ALSA's rules of state and its
 * errors, but no hardware, no drift and no real threads.
 *
 * @example A second of tone, in no time
 * ```ts
 * import { openMicrophone } from "@nevil/earshot";
 * import { FakeClock, FakePcm } from "@nevil/earshot/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new FakeClock();
 * const fake = new FakePcm({
 *   clock,
 *   script: [{ type: "tone", durationMs: 1000, frequencyHz: 440, amplitude: 0.5 }],
 * });
 * const mic = await openMicrophone({ openPcm: fake.open, clock });
 * await clock.advance(1000);
 * assertEquals(mic.stats.capturedFrames, 24000);
 * await Promise.all([mic.close(), clock.advance(100)]);
 * ```
 */
export class FakePcm {
  readonly #script: readonly FakePcmStep[];
  readonly #clock: Clock;
  readonly #maxReadFrames: number;
  readonly #openErrnos: number[];
  readonly #openMs: number;
  readonly #continuous: boolean;
  readonly #card: CardIdentity | undefined;
  readonly #requests: PcmRequest[] = [];
  #layout: Layout | undefined;
  #pluggedAtMs = -Infinity;
  #openCount = 0;
  #heldCount = 0;

  /**
   * Makes a device that nobody has opened yet.
   *
   * @param options The script, the clock and how opens behave.
   */
  constructor(options: FakePcmOptions = {}) {
    this.#script = options.script ?? [];
    this.#clock = options.clock ?? systemClock;
    this.#maxReadFrames = options.maxReadFrames ?? Infinity;
    this.#openErrnos = [...options.openErrnos ?? []];
    this.#openMs = options.openMs ?? 0;
    this.#continuous = options.continuous ?? false;
    this.#card = options.card;
  }

  /** What was asked for by every attempt to open it. */
  get requests(): readonly PcmRequest[] {
    return this.#requests;
  }

  /** How often it was opened with success. */
  get openCount(): number {
    return this.#openCount;
  }

  /** How many opened devices are not closed yet; 0 shows that none leaked. */
  get heldCount(): number {
    return this.#heldCount;
  }

  /**
   * Opens the device.
   *
   * @param request What is asked of it; it can do everything.
   * @returns The device, prepared.
   * @throws {AlsaError} With the next of `openErrnos`, or while it is unplugged.
   */
  readonly open = async (request: PcmRequest): Promise<PcmDevice> => {
    this.#requests.push(request);
    if (this.#openMs > 0) await this.#clock.sleep(this.#openMs);
    const errno = this.#clock.now() < this.#pluggedAtMs
      ? 19
      : this.#openErrnos.shift();
    if (errno !== undefined) {
      throw new AlsaError("snd_pcm_open", errno, {
        detail: `the fake device "${request.device}"`,
      });
    }
    this.#openCount++;
    this.#heldCount++;
    if (!this.#continuous) this.#layout = undefined;
    return new FakePcmDevice({
      parameters: request,
      card: this.#card,
      layout: this.#layout ??= layOut(this.#script, request.sampleRate),
      clock: this.#clock,
      maxReadFrames: this.#maxReadFrames,
      onUnplug: (durationMs) => {
        this.#pluggedAtMs = this.#clock.now() + durationMs;
      },
      onClose: () => this.#heldCount--,
    });
  };

  /**
   * Says what a device hears, to compare with what arrived.
   *
   * @param position The first frame, counted from the start of the device.
   * @param frameCount How many frames.
   * @param sampleRate The rate the device was opened with.
   * @returns One channel of PCM16.
   */
  samplesAt(
    position: number,
    frameCount: number,
    sampleRate = 24_000,
  ): Int16Array {
    const { sounds } = layOut(this.#script, sampleRate);
    return Int16Array.from(
      { length: frameCount },
      (_, index) => sampleOf(sounds, position + index),
    );
  }
}

class FakePcmDevice implements PcmDevice {
  readonly parameters: PcmParameters;
  readonly card: CardIdentity | undefined;
  readonly #layout: Layout;
  readonly #clock: Clock;
  readonly #maxReadFrames: number;
  readonly #onUnplug: (durationMs: number) => void;
  readonly #onClose: () => void;
  readonly #closed = new AbortController();
  #state: PcmState = "prepared";
  #nextFrame = 0;
  #awakeAtMs = 0;
  #resumable = true;

  constructor(options: {
    parameters: PcmParameters;
    card: CardIdentity | undefined;
    layout: Layout;
    clock: Clock;
    maxReadFrames: number;
    onUnplug: (durationMs: number) => void;
    onClose: () => void;
  }) {
    this.parameters = options.parameters;
    this.card = options.card;
    this.#layout = options.layout;
    this.#clock = options.clock;
    this.#maxReadFrames = options.maxReadFrames;
    this.#onUnplug = options.onUnplug;
    this.#onClose = options.onClose;
  }

  start(): void {
    this.#update("snd_pcm_start");
    if (this.#state !== "prepared") throw new AlsaError("snd_pcm_start", 77);
    this.#layout.startMs ??= this.#clock.now();
    this.#goOn();
  }

  async wait(timeoutMs: number): Promise<boolean> {
    const deadlineMs = this.#clock.now() + timeoutMs;
    for (;;) {
      if (this.#closed.signal.aborted) return false;
      this.#update("snd_pcm_wait");
      this.#throwStateOf("snd_pcm_wait");
      if (this.#state === "running") {
        const available = this.#heardFrames() - this.#nextFrame;
        if (available >= this.parameters.periodFrames || this.#dueError()) {
          return true;
        }
      }
      const leftMs = deadlineMs - this.#clock.now();
      if (leftMs <= 0) return false;
      try {
        await this.#clock.sleep(Math.min(leftMs, this.#nextEventInMs()), {
          signal: this.#closed.signal,
        });
      } catch {
        return false;
      }
    }
  }

  status(): PcmStatus {
    this.#update("snd_pcm_status");
    const availableFrames = this.#state === "running"
      ? this.#heardFrames() - this.#nextFrame
      : 0;
    return {
      state: this.#state,
      availableFrames,
      delayFrames: availableFrames,
      timestampMs: this.#clock.now(),
    };
  }

  read(samples: Int16Array): number {
    this.#update("snd_pcm_readi");
    this.#throwStateOf("snd_pcm_readi");
    // What a kernel PCM that was prepared but not started answers.
    if (this.#state !== "running") throw new AlsaError("snd_pcm_readi", 5);
    if (this.#dueError()) {
      const { fault } = this.#layout.faults.shift()!;
      if (fault.type === "error") {
        throw new AlsaError("snd_pcm_readi", fault.errno);
      }
    }
    const { channelCount } = this.parameters;
    const wantedFrames = Math.min(
      samples.length / channelCount,
      this.#maxReadFrames,
      this.#heardFrames() - this.#nextFrame,
      (this.#layout.faults[0]?.frame ?? Infinity) - this.#nextFrame,
    );
    for (let frame = 0; frame < wantedFrames; frame++) {
      const sample = sampleOf(this.#layout.sounds, this.#nextFrame + frame);
      for (let channel = 0; channel < channelCount; channel++) {
        samples[frame * channelCount + channel] = sample;
      }
    }
    this.#nextFrame += wantedFrames;
    return wantedFrames;
  }

  prepare(): void {
    this.#update("snd_pcm_prepare");
    if (this.#state === "suspended" && this.#clock.now() < this.#awakeAtMs) {
      throw new AlsaError("snd_pcm_prepare", 86);
    }
    this.#state = "prepared";
  }

  resume(): boolean {
    this.#update("snd_pcm_resume");
    if (this.#state !== "suspended") throw new AlsaError("snd_pcm_resume", 77);
    if (this.#clock.now() < this.#awakeAtMs) return false;
    if (!this.#resumable) throw new AlsaError("snd_pcm_resume", 38);
    this.#goOn();
    return true;
  }

  drop(): void {
    this.#update("snd_pcm_drop");
    this.#state = "setup";
  }

  close(): Promise<void> {
    if (!this.#closed.signal.aborted) {
      this.#closed.abort();
      this.#onClose();
    }
    return Promise.resolve();
  }

  /** What was heard while the device did not run is lost, as on a card. */
  #goOn(): void {
    this.#state = "running";
    this.#nextFrame = this.#heardFrames();
    const { faults } = this.#layout;
    while (faults[0] !== undefined && faults[0].frame < this.#nextFrame) {
      faults.shift();
    }
  }

  /** Lets the faults that are due happen. */
  #update(call: string): void {
    if (this.#closed.signal.aborted) throw new AlsaError(call, 77);
    if (this.#state === "running") {
      const heardFrames = this.#heardFrames();
      const next = this.#layout.faults[0];
      if (next !== undefined && next.frame <= heardFrames) {
        const { fault } = next;
        if (fault.type !== "error") this.#layout.faults.shift();
        if (fault.type === "xrun") this.#state = "xrun";
        if (fault.type === "unplug") {
          this.#state = "disconnected";
          this.#onUnplug(fault.durationMs ?? 0);
        }
        if (fault.type === "suspend") {
          this.#state = "suspended";
          this.#awakeAtMs = this.#clock.now() + fault.durationMs;
          this.#resumable = fault.resumable;
        }
      }
      if (
        this.#state === "running" &&
        heardFrames - this.#nextFrame > this.parameters.bufferFrames
      ) this.#state = "xrun";
    }
    if (this.#state === "disconnected") throw new AlsaError(call, 19);
  }

  #throwStateOf(call: string): void {
    if (this.#state === "xrun") throw new AlsaError(call, 32);
    if (this.#state === "suspended") throw new AlsaError(call, 86);
  }

  /** Whether the next read is the one that fails. */
  #dueError(): boolean {
    const next = this.#layout.faults[0];
    return next !== undefined && next.fault.type === "error" &&
      next.frame <= this.#nextFrame;
  }

  /** Frames heard since the start, read or not. */
  #heardFrames(): number {
    const nowMs = this.#clock.now();
    let leftMs = nowMs - (this.#layout.startMs ?? nowMs);
    let heardFrames = 0;
    for (const { frame, durationMs } of this.#layout.stalls) {
      const untilStallMs = this.#msOf(frame - heardFrames);
      if (leftMs < untilStallMs) break;
      heardFrames = frame;
      leftMs = Math.max(0, leftMs - untilStallMs - durationMs);
      if (leftMs === 0) return heardFrames;
    }
    // The sum is exact but for the last bit; a frame must not wait for that.
    return heardFrames +
      Math.floor(leftMs * this.parameters.sampleRate / 1000 + 1e-6);
  }

  /** How long until the next period is complete or the next fault is due. */
  #nextEventInMs(): number {
    if (this.#state !== "running") return Infinity;
    const nextFrame = Math.min(
      this.#nextFrame + this.parameters.periodFrames,
      this.#layout.faults[0]?.frame ?? Infinity,
    );
    // A stall on the way makes this too short; the wait then looks again.
    return Math.max(1, Math.ceil(this.#msOf(nextFrame - this.#heardFrames())));
  }

  #msOf(frameCount: number): number {
    return frameCount * 1000 / this.parameters.sampleRate;
  }
}

function layOut(script: readonly FakePcmStep[], sampleRate: number): Layout {
  const layout: Layout = {
    sounds: [],
    stalls: [],
    faults: [],
    startMs: undefined,
  };
  let frame = 0;
  for (const step of script) {
    switch (step.type) {
      case "stall":
        layout.stalls.push({ frame, durationMs: step.durationMs });
        break;
      case "xrun":
      case "suspend":
      case "error":
      case "unplug":
        layout.faults.push({ frame, fault: step });
        break;
      default: {
        const end = frame +
          (step.type === "samples"
            ? step.samples.length
            : Math.round(step.durationMs * sampleRate / 1000));
        layout.sounds.push({
          begin: frame,
          end,
          at: soundOf(step, sampleRate),
        });
        frame = end;
      }
    }
  }
  return layout;
}

function sampleOf(sounds: Layout["sounds"], position: number): number {
  const sound = sounds.find(({ end }) => position < end);
  return sound === undefined ? 0 : sound.at(position - sound.begin);
}

function soundOf(
  step: Exclude<FakePcmStep, Fault | { type: "stall" }>,
  sampleRate: number,
): (index: number) => number {
  switch (step.type) {
    case "silence":
      return () => 0;
    case "samples":
      return (index) => step.samples[index] ?? 0;
    case "tone":
      return (index) =>
        pcm16(
          step.amplitude *
            Math.sin(2 * Math.PI * step.frequencyHz * index / sampleRate),
        );
    case "noise":
      return (index) => pcm16(step.amplitude * (hash(index) / 2 ** 31 - 1));
    case "speech":
      return (index) => pcm16(step.amplitude * buzz(index / sampleRate));
  }
}

function pcm16(value: number): number {
  return Math.max(-32768, Math.min(32767, Math.round(value * 32767)));
}

/** A 32-bit mix of the index (the finaliser of MurmurHash3). */
function hash(index: number): number {
  let mixed = index + 0x9e3779b9 | 0;
  mixed = Math.imul(mixed ^ mixed >>> 16, 0x85ebca6b);
  mixed = Math.imul(mixed ^ mixed >>> 13, 0xc2b2ae35);
  return (mixed ^ mixed >>> 16) >>> 0;
}

/** Six falling harmonics of 120 Hz under an envelope of four humps a second. */
function buzz(seconds: number): number {
  let sum = 0;
  for (let harmonic = 1; harmonic <= 6; harmonic++) {
    sum += Math.sin(2 * Math.PI * 120 * harmonic * seconds) / harmonic;
  }
  const envelope = Math.abs(Math.sin(4 * Math.PI * seconds));
  return sum / 2 * envelope;
}
