/**
 * One capture device: libasound's `snd_pcm_*` calls as methods.
 *
 * @module
 */

import { AlsaError } from "./errno.ts";
import { chooseRate, readCapabilities } from "./capabilities.ts";
import { acquireAlsa, type Alsa, releaseAlsa } from "./library.ts";
import { cString, cStruct, errorText } from "./memory.ts";

/** `SND_PCM_STREAM_CAPTURE`. */
export const STREAM_CAPTURE = 1;

/** `SND_PCM_NONBLOCK`: neither opening nor reading waits for the device. */
export const OPEN_NONBLOCK = 1;

/** `SND_PCM_ACCESS_MMAP_INTERLEAVED`. */
const MMAP_INTERLEAVED = 0;

/** `SND_PCM_ACCESS_RW_INTERLEAVED`. */
const RW_INTERLEAVED = 3;

/** `SND_PCM_FORMAT_S16_LE`: what an `Int16Array` holds. */
const FORMAT_S16_LE = 2;

/** `SND_PCM_TYPE_HW`: a card, with nothing in between. */
const TYPE_HW = 0;

/** `SND_PCM_TYPE_IOPLUG`: what the plugins of sound servers are. */
const TYPE_IOPLUG = 28;

/**
 * A sound server that is asked for long periods delivers late, so that none is
 * longer than this. Its reader wakes up no more often for that.
 */
const MAX_SERVER_PERIOD_MS = 20;

/** `SND_PCM_TSTAMP_ENABLE`. */
const TSTAMP_ENABLE = 1;

/** `SND_PCM_TSTAMP_TYPE_MONOTONIC`. */
const TSTAMP_MONOTONIC = 1;

/** `CLOCK_MONOTONIC`. */
const CLOCK_MONOTONIC = 1;

/** `-EAGAIN`: nothing to read yet, or not awake yet. */
const TRY_AGAIN = -11;

/** `EBADFD`. */
const BAD_STATE = 77;

/** The states of a PCM, in the order of `snd_pcm_state_t`. */
const STATES = [
  "open",
  "setup",
  "prepared",
  "running",
  "xrun",
  "draining",
  "paused",
  "suspended",
  "disconnected",
] as const;

/** What is asked of a PCM; its samples are S16_LE, interleaved. */
export interface PcmConfiguration {
  /** Frames per second. */
  readonly sampleRate: number;
  /** Samples in each frame; at least so many, with `mayHaveMoreChannels`. */
  readonly channelCount: number;
  /** Frames after which the device wakes its reader. */
  readonly periodFrames: number;
  /** Frames that the device's ring holds. */
  readonly bufferFrames: number;
  /** Whether more channels will do, where the device has not just so many. */
  readonly mayHaveMoreChannels?: boolean;
}

/** What a PCM was configured to. */
export interface PcmActualConfiguration
  extends Omit<PcmConfiguration, "mayHaveMoreChannels"> {
  /**
   * Frames that a sound server delivers at once: a whole part of `periodFrames`.
   * Its plugin wakes the reader for each. Nothing for other devices.
   */
  readonly serverPeriodFrames?: number;
}

/** A snapshot: `snd_pcm_status_t`. */
export interface PcmSnapshot {
  /** The name of the `snd_pcm_state_t`. */
  readonly state: (typeof STATES)[number];
  /** Frames that can be read now. */
  readonly availableFrames: number;
  /** Age of the next frame to be read, in frames. */
  readonly delayFrames: number;
  /**
   * When the snapshot was taken, in milliseconds of `CLOCK_MONOTONIC`; 0 when
   * the device gives no timestamps.
   */
  readonly monotonicMs: number;
}

/** What libasound's functions take behind the handle, by their name. */
type CallArguments = {
  [
    Name in keyof Alsa as Alsa[Name] extends
      (pcm: bigint, ...rest: never) => number ? Name : never
  ]: Alsa[Name] extends (pcm: bigint, ...rest: infer Rest) => number ? Rest
    : never;
};

/** The functions that take a handle first and return an error code. */
type Calls = {
  [Name in keyof CallArguments]: (
    pcm: bigint,
    ...rest: CallArguments[Name]
  ) => number;
};

/**
 * An open and configured capture device. It holds the library open until it is
 * closed.
 *
 * Calls that may take long run on Deno's thread pool, one after the other and
 * before the final close; the others return at once. All of them throw an
 * {@linkcode AlsaError} when libasound returns an error, and when the device was
 * closed: libasound itself would end the process.
 */
export class Pcm {
  readonly #alsa: Alsa;
  readonly #handle: bigint;
  /** Names the device in errors. */
  readonly #detail: string;
  /** Its `snd_pcm_type_t`. */
  readonly #type: number;
  /** One struct for all snapshots. */
  readonly #status: Uint8Array<ArrayBuffer>;
  /** A `struct timespec`: two 64-bit integers, as pairs of 32 bits. */
  readonly #timespec = new Uint32Array(4);
  #configuration: PcmActualConfiguration;
  /** The last call on the thread pool; it resolves to its return code. */
  #pooledCall: Promise<number> = Promise.resolve(0);
  #closed: Promise<void> | undefined;

  /**
   * Opens, configures and prepares a device for capture. One that another
   * program holds is refused at once.
   *
   * Capture starts with `start` or the first read, a whole period wakes the
   * reader, and timestamps are those of `CLOCK_MONOTONIC`.
   *
   * @param name ALSA's name of the device.
   * @param wanted Channels are met exactly, period and buffer nearly, and the
   *   rate if the device itself has it: ALSA's `plug` is not let convert rates,
   *   as it does so without any filter where its plugins are not installed.
   * @returns The device in the state `prepared`.
   * @throws {AlsaError} When the library or the device cannot be opened, and
   *   when the device has none of the usual rates, or not those channels.
   */
  static async open(name: string, wanted: PcmConfiguration): Promise<Pcm> {
    const alsa = acquireAlsa();
    const detail = `the device "${name}"`;
    const handle = new BigUint64Array(1);
    try {
      const result = await alsa.snd_pcm_open_nonblocking(
        handle,
        cString(name),
        STREAM_CAPTURE,
        OPEN_NONBLOCK,
      );
      if (result < 0) throw failure(alsa, "snd_pcm_open", result, detail);
    } catch (error) {
      releaseAlsa();
      throw error;
    }
    const pcm = new Pcm(alsa, handle[0]!, detail, wanted);
    try {
      await pcm.#setHwParams(wanted);
      pcm.#setSwParams();
      return pcm;
    } catch (error) {
      await pcm.close();
      throw error;
    }
  }

  private constructor(
    alsa: Alsa,
    handle: bigint,
    detail: string,
    configuration: PcmConfiguration,
  ) {
    this.#alsa = alsa;
    this.#handle = handle;
    this.#detail = detail;
    this.#configuration = configuration;
    this.#type = alsa.snd_pcm_type(handle);
    this.#status = cStruct(alsa.snd_pcm_status_sizeof());
  }

  /** What the device was configured to. */
  get configuration(): PcmActualConfiguration {
    return this.#configuration;
  }

  /**
   * Asks which card the device is on, also when a plugin such as `plug` or
   * `dsnoop` is in between.
   *
   * @returns The number that the card has now; `undefined` for a device that is
   *   on none, such as a sound server, and for one that does not answer.
   */
  cardNumber(): number | undefined {
    const alsa = this.#alsa;
    const handle = this.#openHandle("snd_pcm_info");
    const info = cStruct(alsa.snd_pcm_info_sizeof());
    if (alsa.snd_pcm_info(handle, info) < 0) return undefined;
    const number = alsa.snd_pcm_info_get_card(info);
    return number < 0 ? undefined : number;
  }

  /** Starts capturing. */
  start(): void {
    this.#call("snd_pcm_start");
  }

  /**
   * Waits until a period can be read. A wait cannot be cancelled.
   *
   * @param timeoutMs The longest wait.
   * @returns `false` when the time ran out.
   * @throws {AlsaError} Also after an overrun, a suspend or a removal.
   */
  async wait(timeoutMs: number): Promise<boolean> {
    const handle = this.#openHandle("snd_pcm_wait");
    const result = await this.#pool(() =>
      this.#alsa.snd_pcm_wait(handle, timeoutMs)
    );
    return this.#check("snd_pcm_wait", result) > 0;
  }

  /**
   * Takes note of what a sound server's plugin has to say, without waiting for more.
   * Its thread writes a byte into a pipe for each delivery: when nobody reads them
   * the pipe fills, and then that thread holds, for good, the lock that every
   * other call needs.
   *
   * @throws {AlsaError} As `wait`.
   */
  heed(): void {
    this.#call("snd_pcm_wait_at_once", 0);
  }

  /** Takes a snapshot. */
  status(): PcmSnapshot {
    const alsa = this.#alsa;
    const handle = this.#openHandle("snd_pcm_status");
    const status = this.#status;
    // A rate converter's status counts only what it has converted, and it
    // converts when it is asked for `avail`. What has nothing behind it looks for
    // itself. A failure shows in the status, or in the read behind it: a card's
    // status may be older than the overrun that asking for it has found.
    const isChain = this.#type !== TYPE_HW && this.#type !== TYPE_IOPLUG;
    if (isChain) alsa.snd_pcm_avail(handle);
    this.#check("snd_pcm_status", alsa.snd_pcm_status(handle, status));
    alsa.snd_pcm_status_get_htstamp(status, this.#timespec);
    return {
      state: STATES[alsa.snd_pcm_status_get_state(status)] ?? "disconnected",
      availableFrames: Number(alsa.snd_pcm_status_get_avail(status)),
      delayFrames: Number(alsa.snd_pcm_status_get_delay(status)),
      monotonicMs: this.#timespecMs(),
    };
  }

  /** The present moment, in milliseconds of `CLOCK_MONOTONIC`. */
  monotonicNowMs(): number {
    this.#openHandle("clock_gettime");
    this.#alsa.clock_gettime(CLOCK_MONOTONIC, this.#timespec);
    return this.#timespecMs();
  }

  /**
   * Reads what is there.
   *
   * @param samples Where it goes.
   * @param frameCount The most frames to read: what `samples` has room for.
   * @returns Frames read; 0 when there are none yet.
   */
  read(samples: Int16Array<ArrayBuffer>, frameCount: number): number {
    const handle = this.#openHandle("snd_pcm_readi");
    const result = Number(
      this.#alsa.snd_pcm_readi(handle, samples, BigInt(frameCount)),
    );
    if (result === TRY_AGAIN) return 0;
    return this.#check("snd_pcm_readi", result);
  }

  /** Makes the device ready to start, also after an overrun. */
  prepare(): void {
    this.#call("snd_pcm_prepare");
  }

  /**
   * Asks a suspended device to go on.
   *
   * @returns `false` while it is still busy waking up.
   */
  resume(): boolean {
    const handle = this.#openHandle("snd_pcm_resume");
    const result = this.#alsa.snd_pcm_resume(handle);
    if (result === TRY_AGAIN) return false;
    this.#check("snd_pcm_resume", result);
    return true;
  }

  /** Stops at once and discards what was not read. */
  drop(): void {
    this.#call("snd_pcm_drop");
  }

  /**
   * Closes the device, after a call on the thread pool has returned. Safe to
   * call twice and never throws: for a card that was pulled out libasound
   * returns an error, but it is released all the same.
   */
  close(): Promise<void> {
    return this.#closed ??= this.#release();
  }

  async #release(): Promise<void> {
    await this.#pool(() => this.#alsa.snd_pcm_close_nonblocking(this.#handle));
    releaseAlsa();
  }

  async #setHwParams(wanted: PcmConfiguration): Promise<void> {
    const channelCount = Uint32Array.of(wanted.channelCount);
    const alsa = this.#alsa;
    const handle = this.#handle;
    const params = cStruct(alsa.snd_pcm_hw_params_sizeof());
    const period = new BigUint64Array(1);
    const buffer = new BigUint64Array(1);
    let isServer = false;
    let sampleRate: number;
    let partCount = 1;
    try {
      // Each call narrows what is left for the next.
      this.#call("snd_pcm_hw_params_any", params);
      // A plugin of that type may also behave as a card does: that of PulseAudio
      // has no memory that could be mapped.
      isServer = this.#type === TYPE_IOPLUG &&
        alsa.snd_pcm_hw_params_test_access(handle, params, MMAP_INTERLEAVED) <
          0;
      this.#call("snd_pcm_hw_params_set_rate_resample", params, 0);
      this.#call("snd_pcm_hw_params_set_access", params, RW_INTERLEAVED);
      this.#call("snd_pcm_hw_params_set_format", params, FORMAT_S16_LE);
      if (wanted.mayHaveMoreChannels) {
        this.#call("snd_pcm_hw_params_set_channels_min", params, channelCount);
        this.#call(
          "snd_pcm_hw_params_set_channels_first",
          params,
          channelCount,
        );
      } else {
        this.#call("snd_pcm_hw_params_set_channels", params, channelCount[0]!);
      }
      const hasRate = (rate: number) =>
        alsa.snd_pcm_hw_params_test_rate(handle, params, rate, 0) === 0;
      sampleRate = chooseRate(wanted.sampleRate, hasRate) ?? wanted.sampleRate;
      this.#call("snd_pcm_hw_params_set_rate", params, sampleRate, 0);
      const ratio = sampleRate / wanted.sampleRate;
      const wantedPeriod = Math.round(wanted.periodFrames * ratio);
      if (isServer) {
        const mostFrames = sampleRate * MAX_SERVER_PERIOD_MS / 1000;
        partCount = Math.ceil(wantedPeriod / mostFrames);
      }
      period[0] = BigInt(Math.round(wantedPeriod / partCount));
      buffer[0] = BigInt(Math.round(wanted.bufferFrames * ratio));
      this.#call(
        "snd_pcm_hw_params_set_period_size_near",
        params,
        period,
        null,
      );
      this.#call("snd_pcm_hw_params_set_buffer_size_near", params, buffer);
      this.#check(
        "snd_pcm_hw_params",
        await this.#pool(() => alsa.snd_pcm_hw_params(handle, params)),
      );
    } catch (error) {
      throw this.#explain(error);
    }
    alsa.snd_pcm_hw_params_get_period_size(params, period, null);
    alsa.snd_pcm_hw_params_get_buffer_size(params, buffer);
    const devicePeriodFrames = Number(period[0]);
    this.#configuration = {
      sampleRate,
      channelCount: channelCount[0]!,
      periodFrames: devicePeriodFrames * partCount,
      bufferFrames: Number(buffer[0]),
      ...(isServer && { serverPeriodFrames: devicePeriodFrames }),
    };
  }

  #setSwParams(): void {
    const params = cStruct(this.#alsa.snd_pcm_sw_params_sizeof());
    const period = BigInt(this.#configuration.periodFrames);
    this.#call("snd_pcm_sw_params_current", params);
    this.#call("snd_pcm_sw_params_set_start_threshold", params, 1n);
    this.#call("snd_pcm_sw_params_set_avail_min", params, period);
    this.#call("snd_pcm_sw_params_set_tstamp_mode", params, TSTAMP_ENABLE);
    this.#call("snd_pcm_sw_params_set_tstamp_type", params, TSTAMP_MONOTONIC);
    this.#call("snd_pcm_sw_params", params);
  }

  /** Adds to a refusal what was asked for and what the device has instead. */
  #explain(error: unknown): unknown {
    if (!(error instanceof AlsaError) || error.kind !== "config") return error;
    const { sampleRate, channelCount } = this.#configuration;
    const { sampleRates, channelCounts } = readCapabilities(
      this.#alsa,
      this.#handle,
    );
    const list = (values: readonly number[]) => values.join(", ") || "none";
    return new AlsaError(error.call, error.errno, {
      detail:
        `${this.#detail} at ${sampleRate} Hz with ${channelCount} channel(s) (its rates: ${
          list(sampleRates)
        } Hz; its channel counts: ${list(channelCounts)})`,
    });
  }

  /** Calls a function of the device that returns an error code. */
  #call<Name extends keyof CallArguments>(
    name: Name,
    ...rest: CallArguments[Name]
  ): number {
    const calls: Calls = this.#alsa;
    const result = calls[name](this.#openHandle(name), ...rest);
    return this.#check(name, result);
  }

  #check(call: string, result: number): number {
    if (result < 0) throw failure(this.#alsa, call, result, this.#detail);
    return result;
  }

  /** Runs a call on the thread pool once the one before it has returned. */
  #pool(call: () => Promise<number>): Promise<number> {
    return this.#pooledCall = this.#pooledCall.then(call);
  }

  #openHandle(call: string): bigint {
    if (this.#closed === undefined) return this.#handle;
    throw new AlsaError(call, BAD_STATE, {
      detail: `${this.#detail}, which was closed`,
      advice: "Open the device again",
    });
  }

  #timespecMs(): number {
    const seconds = this.#timespec[0]! + this.#timespec[1]! * 2 ** 32;
    return seconds * 1000 + this.#timespec[2]! / 1e6;
  }
}

function failure(
  alsa: Alsa,
  call: string,
  result: number,
  detail: string,
): AlsaError {
  const text = errorText(alsa, result);
  return new AlsaError(call, result, { detail, text });
}
