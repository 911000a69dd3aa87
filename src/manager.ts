/**
 * The whole job behind one object: microphone, optional voice activity
 * detection, chunks as base64, callbacks, statistics, and streaming to the
 * Realtime API.
 *
 * @module
 */

import { listDevices } from "./alsa_device.ts";
import { pcm16ToBase64 } from "./base64.ts";
import {
  type AudioCaptureConfig,
  type CaptureSettings,
  detectorFor,
  settleCapture,
} from "./capture_settings.ts";
import { type AudioFrame, frameCountOf, type LossCause } from "./frame.ts";
import {
  Microphone,
  type MicrophoneEvent,
  type MicrophoneOptions,
  type MicrophoneStats,
  openMicrophone,
  periodFramesFor,
} from "./microphone.ts";
import type { PcmParameters } from "./pcm.ts";
import type { RealtimeClientEvent } from "./realtime/events.ts";
import {
  Recording,
  type RecordingCounts,
  type RecordingOptions,
} from "./recording.ts";
import type { SpeechBorder } from "./speech_gate.ts";
import type { VoiceActivityDetector } from "./vad/detector.ts";
import { rmsVolume } from "./volume.ts";

/** What an {@linkcode AudioCaptureManager} is doing. */
export type CaptureState = "inactive" | "recording" | "paused";

/**
 * What an {@linkcode AudioCaptureManager} tells; every function is optional.
 *
 * They are not waited for. One that throws or rejects does not disturb the
 * recording: its error goes to `onError`.
 */
export interface AudioCaptureCallbacks {
  /**
   * A chunk is ready.
   *
   * @param base64Audio Base64 of PCM16, as the Realtime API wants it.
   * @param volume Its RMS volume, 0.0–1.0.
   */
  onAudioData?(base64Audio: string, volume: number): unknown;
  /**
   * A block was captured, outside of pauses and before voice activity detection:
   * for recorders and analysers.
   *
   * @param frame The block, as the device gave it; it is shared, so it must not
   *   be written to.
   */
  onAudioFrame?(frame: AudioFrame): unknown;
  /**
   * The level was measured, for meters; once for every period of the device.
   *
   * @param volume RMS, 0.0–1.0.
   */
  onVolumeChange?(volume: number): unknown;
  /**
   * Anything went wrong: the device, the connection or a callback.
   *
   * @param error What went wrong.
   */
  onError?(error: Error): unknown;
  /**
   * The state changed.
   *
   * @param state The new state.
   */
  onStateChange?(state: CaptureState): unknown;
  /**
   * Something happens to the microphone: it was lost, it is back, a gap was
   * measured. What is wrong with it reaches `onError` as well.
   *
   * @param event What happens.
   */
  onMicrophoneEvent?(event: MicrophoneEvent): unknown;
  /**
   * Somebody begins to speak (with `vadEnabled`).
   *
   * @param onset Where and when.
   */
  onVadSpeechStart?(onset: SpeechBorder): unknown;
  /**
   * Nobody speaks any more (with `vadEnabled`).
   *
   * @param end Where and when.
   */
  onVadSpeechEnd?(end: SpeechBorder): unknown;
}

/**
 * The part of a connection that a capture needs.
 * `RealtimeConnectionManager` is one; an object with only `sendEvent` is enough.
 */
export interface AudioConnection {
  /**
   * Sends one event.
   *
   * @param event An `input_audio_buffer.append`.
   * @param captured When its first sample was captured, in milliseconds of
   *   `performance.now()`.
   * @returns `false` when it is neither sent nor kept.
   */
  sendEvent(
    event: RealtimeClientEvent,
    captured: { readonly timestampMs: number },
  ): unknown;
  /** Called behind the last audio of an utterance. */
  endTurn?(): unknown;
  /**
   * Subscribes to errors, while recording.
   *
   * @param type `"error"`.
   * @param listener Called with every error.
   * @returns A function that ends the subscription.
   */
  on?(type: "error", listener: (error: Error) => void): () => void;
  /** Says what became of all audio so far, in bytes of PCM16. */
  getStats?(): AudioConnectionStats;
}

/** What an {@linkcode AudioConnection} did with audio, in bytes of PCM16. */
export interface AudioConnectionStats {
  /** Sent. */
  readonly sentAudioBytes: number;
  /** Waiting to be sent. */
  readonly keptAudioBytes: number;
  /** Given up, by cause. */
  readonly unsentAudioBytes: Readonly<
    Record<"notConnected" | "bufferFull", number>
  >;
}

/** What an {@linkcode AudioCaptureManager} has done since recording started. */
export interface AudioCaptureStats {
  /** What it is doing. */
  readonly state: CaptureState;
  /** Whether it is recording and not paused. */
  readonly isRecording: boolean;
  /** Whether it is paused. */
  readonly isPaused: boolean;
  /**
   * Samples of each channel that were read from the device. Together with
   * `filledSamples` they are the sum of `deliveredSamples`, `bufferSamples`,
   * `queuedSamples`, `gatedSamples`, `pausedSamples` and `droppedSamples`.
   */
  readonly totalSamples: number;
  /** Chunks that were handed over. */
  readonly totalChunks: number;
  /** Samples that wait for their chunk to be full. */
  readonly bufferSamples: number;
  /** The same in milliseconds. */
  readonly bufferMs: number;
  /** Whether voice activity detection is on. */
  readonly vadEnabled: boolean;
  /** Whether speech is detected now. */
  readonly vadSpeechActive: boolean;
  /** Samples per second. */
  readonly sampleRate: number;
  /** Channels. */
  readonly channels: number;
  /** Samples in chunks that were handed over. */
  readonly deliveredSamples: number;
  /** Samples that wait to be processed. */
  readonly queuedSamples: number;
  /** Samples left out because nobody spoke. */
  readonly gatedSamples: number;
  /** Samples left out because of a pause. */
  readonly pausedSamples: number;
  /** Samples dropped because the event loop was blocked for too long. */
  readonly droppedSamples: number;
  /** Silence in the place of lost samples, with `fillGaps`. */
  readonly filledSamples: number;
  /**
   * Samples that never arrived, lost by overruns and suspends or while the device
   * was gone; measured from its timestamps, and not a part of `totalSamples`.
   */
  readonly lostSamples: number;
  /** The same, by cause. */
  readonly lostSamplesByCause: Readonly<Record<LossCause, number>>;
  /** Overruns of the device. */
  readonly xrunCount: number;
  /** How often the device was opened again. */
  readonly reopenCount: number;
  /**
   * Samples that the connection has sent. With a connection `deliveredSamples` is
   * the sum of these, `keptSamples` and `unsentSamples`.
   */
  readonly sentSamples: number;
  /** Samples that the connection keeps until it can send them. */
  readonly keptSamples: number;
  /** Samples that the connection did not send and will not send. */
  readonly unsentSamples: number;
  /**
   * The same by cause: there was no session and no more room to keep them, the
   * network was too slow and there was no more room, or the connection (one of
   * your own) did not take them.
   */
  readonly unsentSamplesByCause: Readonly<
    Record<"notConnected" | "bufferFull" | "refused", number>
  >;
}

/** Settings of {@linkcode createAudioCapture}. */
export interface CreateAudioCaptureOptions extends AudioCaptureConfig {
  /** Where the audio is streamed to; without it only the callbacks get it. */
  connectionManager?: AudioConnection;
  /** Who is told. */
  callbacks?: AudioCaptureCallbacks;
}

/** How long a partly filled chunk waits at least. */
const DEFAULT_AUTO_FLUSH_MS = 200;

/** Before anything is captured. */
const NOTHING_CAPTURED: MicrophoneStats = {
  capturedFrames: 0,
  deliveredFrames: 0,
  queuedFrames: 0,
  slowConsumerFrames: 0,
  discardedFrames: 0,
  lostFrames: 0,
  lostFramesByCause: {
    xrun: 0,
    suspend: 0,
    error: 0,
    device_lost: 0,
    stall: 0,
  },
  xrunCount: 0,
  reopenCount: 0,
};

/** Before anything is recorded. */
const NOTHING_RECORDED: RecordingCounts = {
  deliveredSamples: 0,
  bufferSamples: 0,
  gatedSamples: 0,
  pausedSamples: 0,
  filledSamples: 0,
  chunkCount: 0,
};

/** Bytes of a sample. */
const SAMPLE_BYTES = 2;

/** What the Realtime API takes. */
const API_FORMAT = { sampleRate: 24_000, channelCount: 1 } as const;

/**
 * Captures a microphone and hands it out in chunks of base64 PCM16.
 *
 * Methods may be called at any time, in any order and concurrently: those that
 * take time are carried out one after the other.
 *
 * @example Ten seconds with a callback
 * ```ts ignore
 * import { AudioCaptureManager } from "@nevil/earshot";
 *
 * await using capture = new AudioCaptureManager({ chunkSize: 2400 }, {
 *   onAudioData: (base64Audio, volume) => console.log(base64Audio.length, volume),
 *   onError: (error) => console.error(error.message),
 * });
 * await capture.initialize();
 * await capture.startRecording();
 * await new Promise((resolve) => setTimeout(resolve, 10_000));
 * await capture.stopRecording();
 * ```
 */
export class AudioCaptureManager implements AsyncDisposable {
  readonly #settings: CaptureSettings;
  readonly #connection: AudioConnection | undefined;
  readonly #detector: VoiceActivityDetector | undefined;
  #callbacks: AudioCaptureCallbacks;
  #phase: "new" | "ready" | "recording" = "new";
  /** The recording under way, or the last one. */
  #recording: Recording | undefined;
  /** Resolves when that recording has ended and everybody was told. */
  #ended: Promise<void> | undefined;
  /** The end of the line of operations that take time. */
  #lastOperation: Promise<unknown> = Promise.resolve();
  #disposing = false;
  /** Gives up the opening of a device that is under way. */
  #opening: AbortController | undefined;
  #deviceParameters: PcmParameters | undefined;
  #turnIsOpen = false;
  #connectionTakesAudio = true;
  #refusedSamples = 0;
  /** What the connection had done before this recording. */
  #connectionStats: AudioConnectionStats | undefined;
  #microphoneError: unknown;

  /**
   * Checks the settings; the device is not touched yet.
   *
   * @param config The settings.
   * @param callbacks Who is told.
   * @param connectionManager Where the audio is streamed to.
   * @throws {RangeError} When a setting is outside its range; the message names
   *   the field, its value and the range.
   * @throws {TypeError} When there is no such setting, or it is of a wrong type,
   *   `vadModel` is not what the engine needs, or `vadDetector` is none or stands
   *   beside an engine.
   * @throws {Error} When `vadModel` cannot be read.
   */
  constructor(
    config: AudioCaptureConfig = {},
    callbacks: AudioCaptureCallbacks = {},
    connectionManager?: AudioConnection,
  ) {
    this.#settings = settleCapture(config);
    this.#detector = detectorFor(this.#settings);
    this.#callbacks = callbacks;
    this.#connection = connectionManager;
    if (connectionManager === undefined) return;
    for (const field of ["sampleRate", "channelCount"] as const) {
      if (this.#settings[field] !== API_FORMAT[field]) {
        throw new RangeError(
          `Cannot stream to the Realtime API as ${field} must be ${
            API_FORMAT[field]
          }: current value is ${this.#settings[field]}`,
        );
      }
    }
  }

  /**
   * Makes sure that the microphone can be used, by opening it for a moment.
   * Calling it again does nothing.
   *
   * @throws {RangeError} When there is no device of the given index.
   * @throws {AlsaError} When the device cannot be used as configured.
   * @throws {DOMException} `InvalidStateError` after `dispose`.
   */
  initialize(): Promise<void> {
    return this.#inTurn(async () => {
      this.#refuseWhenDisposed("initialize");
      if (this.#phase !== "new") return;
      this.#deviceParameters = await this.#open(
        (options) => Microphone.probe(options),
      );
      this.#phase = "ready";
    });
  }

  /**
   * Starts recording; the statistics begin anew.
   *
   * @throws {DOMException} `InvalidStateError` when not initialized, already
   *   recording, or disposed.
   * @throws {AlsaError} When the device cannot be used.
   */
  startRecording(): Promise<void> {
    return this.#inTurn(async () => {
      this.#refuseWhenDisposed("start recording");
      if (this.#phase === "new") {
        throw invalidState(
          "Cannot start recording as the capture is not initialized: call initialize() first",
        );
      }
      if (this.#phase === "recording") {
        throw invalidState(
          "Cannot start recording as it is already recording: call stopRecording() first",
        );
      }
      const microphone = await this.#open((options) =>
        openMicrophone({
          ...options,
          onEvent: (event) => this.#onMicrophoneEvent(event),
        })
      );
      this.#deviceParameters = microphone.parameters;
      this.#refusedSamples = 0;
      this.#connectionStats = this.#connection?.getStats?.();
      this.#connectionTakesAudio = true;
      this.#recording = new Recording(
        microphone,
        this.#recordingOptions(microphone.parameters.periodFrames),
      );
      this.#phase = "recording";
      this.#tell("onStateChange", "recording");
      this.#ended = this.#watch(this.#recording);
    });
  }

  /**
   * Stops recording; everything that was captured is handed over first. Does
   * nothing when there is no recording.
   */
  stopRecording(): Promise<void> {
    return this.#inTurn(() => this.#stop());
  }

  /**
   * Leaves out what is captured from now on; the device keeps running. Does
   * nothing unless recording.
   */
  pause(): void {
    if (this.getState() !== "recording") return;
    this.#recording?.pause();
    this.#tell("onStateChange", "paused");
  }

  /** Goes on after a pause. Does nothing unless paused. */
  resume(): void {
    if (this.getState() !== "paused") return;
    this.#recording?.resume();
    this.#tell("onStateChange", "recording");
  }

  /** Sends what is buffered now, as a shorter chunk. */
  flush(): void {
    this.#recording?.flush();
  }

  /** The volume of the last block, 0.0–1.0; 0 unless recording. */
  getCurrentVolume(): number {
    return this.#phase === "recording" ? this.#recording?.volume ?? 0 : 0;
  }

  /**
   * What the device was configured to when it was opened last, be it for a moment
   * by `initialize`; `undefined` before.
   */
  get deviceParameters(): PcmParameters | undefined {
    return this.#deviceParameters;
  }

  /** What it is doing. */
  getState(): CaptureState {
    if (this.#phase !== "recording") return "inactive";
    return this.#recording?.paused ? "paused" : "recording";
  }

  /** What became of every sample of this recording, or of the last one. */
  getStats(): AudioCaptureStats {
    const { sampleRate, channelCount, vadEnabled } = this.#settings;
    const state = this.getState();
    const counts = this.#recording?.counts ?? NOTHING_RECORDED;
    const device = this.#recording?.microphone.stats ?? NOTHING_CAPTURED;
    const { deliveredSamples, bufferSamples, gatedSamples, pausedSamples } =
      counts;
    const droppedSamples = device.slowConsumerFrames + device.discardedFrames;
    const { filledSamples } = counts;
    const totalSamples = device.capturedFrames;
    return {
      state,
      isRecording: state === "recording",
      isPaused: state === "paused",
      totalSamples,
      totalChunks: counts.chunkCount,
      bufferSamples,
      bufferMs: bufferSamples * 1000 / sampleRate,
      vadEnabled,
      vadSpeechActive: this.#recording?.speechActive ?? false,
      sampleRate,
      channels: channelCount,
      deliveredSamples,
      // Also what is on its way from one stage to the next.
      queuedSamples: totalSamples + filledSamples - deliveredSamples -
        bufferSamples - gatedSamples - pausedSamples - droppedSamples,
      gatedSamples,
      pausedSamples,
      droppedSamples,
      filledSamples,
      lostSamples: device.lostFrames,
      lostSamplesByCause: device.lostFramesByCause,
      xrunCount: device.xrunCount,
      reopenCount: device.reopenCount,
      ...this.#sendingStats(deliveredSamples),
    };
  }

  /**
   * Replaces the callbacks, also while recording.
   *
   * @param callbacks Who is told from now on.
   */
  setCallbacks(callbacks: AudioCaptureCallbacks): void {
    this.#callbacks = callbacks;
  }

  /**
   * Stops recording and releases everything. Safe to call twice and in any
   * state; a start that is under way is given up.
   */
  dispose(): Promise<void> {
    this.#disposing = true;
    this.#opening?.abort(
      invalidState("Cannot go on as the capture was disposed: create another"),
    );
    return this.#inTurn(() => this.#stop());
  }

  /** The same as {@linkcode AudioCaptureManager.dispose}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Carries out an operation when those before it are done. */
  #inTurn(operation: () => Promise<void>): Promise<void> {
    const result = this.#lastOperation.then(operation);
    this.#lastOperation = result.catch(() => {});
    return result;
  }

  #refuseWhenDisposed(what: string): void {
    if (this.#disposing) {
      throw invalidState(
        `Cannot ${what} as the capture was disposed: create another`,
      );
    }
  }

  async #stop(): Promise<void> {
    await this.#recording?.microphone.stop();
    await this.#ended;
  }

  /** Has the device opened; `dispose` gives that up. */
  async #open<T>(open: (options: MicrophoneOptions) => Promise<T>): Promise<T> {
    const { sampleRate, channelCount, chunkSize, bufferSize } = this.#settings;
    const opening = this.#opening = new AbortController();
    try {
      return await open({
        device: deviceNameOf(this.#settings),
        sampleRate,
        channelCount,
        channel: this.#settings.channel,
        periodFrames: periodFramesFor(chunkSize, bufferSize, sampleRate),
        reopen: this.#settings.reopen,
        stallMs: this.#settings.stallMs,
        silenceMs: this.#settings.silenceMs,
        signal: opening.signal,
        openPcm: this.#settings.openPcm,
        clock: this.#settings.clock,
      });
    } catch (error) {
      if (!opening.signal.aborted) {
        this.#tell("onError", asError(error));
      }
      throw error;
    } finally {
      // From now on an abort would throw away what is captured.
      this.#opening = undefined;
    }
  }

  #recordingOptions(periodFrames: number): RecordingOptions {
    const settings = this.#settings;
    return {
      chunkFrames: settings.chunkSize,
      autoFlushMs: settings.autoFlushMs ??
        defaultAutoFlushMs(settings, periodFrames),
      clock: settings.clock,
      fillGaps: settings.fillGaps,
      frontEnd: settings,
      detector: this.#detector,
      gate: {
        onsetThreshold: settings.vadThreshold,
        offsetThreshold: settings.vadOffsetThreshold,
        minSpeechMs: settings.vadMinSpeechMs,
        preRollMs: settings.vadPreRollMs,
        hangoverMs: settings.vadHangoverMs,
        maxUtteranceMs: settings.vadMaxUtteranceMs,
        onSpeechStart: (onset) => this.#tell("onVadSpeechStart", onset),
        onSpeechEnd: (end) => this.#tell("onVadSpeechEnd", end),
      },
      onHeard: (frame, volume) => {
        this.#tell("onAudioFrame", frame);
        this.#tell("onVolumeChange", volume);
      },
      onChunk: (chunk) => this.#handOver(chunk),
    };
  }

  /** What is wrong with the microphone is an error, once. */
  #onMicrophoneEvent(event: MicrophoneEvent): void {
    this.#tell("onMicrophoneEvent", event);
    const cause = event.type === "state" ? event.state : event;
    // A failure that ends the recording is reported at its end.
    if (!("error" in cause) || "status" in cause && cause.status === "failed") {
      return;
    }
    // A stall is told as itself and as the reason of the new state.
    if (cause.error !== this.#microphoneError) this.#report(cause.error);
    this.#microphoneError = cause.error;
  }

  /** Follows a recording to its end, whether asked for or not. */
  async #watch(recording: Recording): Promise<void> {
    const unsubscribe = this.#connection?.on?.(
      "error",
      (error) => this.#report(error),
    );
    try {
      await recording.finished;
    } catch (error) {
      this.#report(error);
    }
    this.#endTurn();
    unsubscribe?.();
    this.#phase = "ready";
    this.#tell("onStateChange", "inactive");
  }

  #handOver(chunk: AudioFrame): void {
    if (chunk.samples.length > 0) {
      const base64Audio = pcm16ToBase64(chunk.samples);
      if (this.#callbacks.onAudioData !== undefined) {
        this.#tell("onAudioData", base64Audio, rmsVolume(chunk.samples));
      }
      this.#send(base64Audio, chunk);
    }
    // Nothing comes for a while: what was said so far is a turn.
    if (chunk.speechEnd || chunk.interrupted) this.#endTurn();
  }

  /** What the connection did with what it was handed over. */
  #sendingStats(
    deliveredSamples: number,
  ): Pick<
    AudioCaptureStats,
    "sentSamples" | "keptSamples" | "unsentSamples" | "unsentSamplesByCause"
  > {
    const before = this.#connectionStats;
    const now = this.#connection?.getStats?.();
    if (before === undefined || now === undefined) {
      const refused = this.#refusedSamples;
      const isSending = this.#connection !== undefined;
      return {
        sentSamples: isSending ? deliveredSamples - refused : 0,
        keptSamples: 0,
        unsentSamples: refused,
        unsentSamplesByCause: { notConnected: 0, bufferFull: 0, refused },
      };
    }
    const notConnected = samplesSince(
      before.unsentAudioBytes.notConnected,
      now.unsentAudioBytes.notConnected,
    );
    const bufferFull = samplesSince(
      before.unsentAudioBytes.bufferFull,
      now.unsentAudioBytes.bufferFull,
    );
    return {
      sentSamples: samplesSince(before.sentAudioBytes, now.sentAudioBytes),
      keptSamples: samplesSince(before.keptAudioBytes, now.keptAudioBytes),
      unsentSamples: notConnected + bufferFull,
      unsentSamplesByCause: { notConnected, bufferFull, refused: 0 },
    };
  }

  #send(audio: string, chunk: AudioFrame): void {
    if (this.#connection === undefined) return;
    this.#turnIsOpen = true;
    const sampleCount = frameCountOf(chunk);
    const recording = this.#recording;
    // An answer that comes late is about an earlier recording.
    const account = (isTaken: boolean, cause?: unknown) => {
      if (recording !== this.#recording) return;
      this.#account(isTaken, sampleCount, cause);
    };
    try {
      const sent = this.#connection.sendEvent(
        { type: "input_audio_buffer.append", audio },
        { timestampMs: chunk.timestampMs },
      );
      if (sent instanceof Promise) {
        sent.then(
          (sent) => account(sent !== false),
          (error) => account(false, error),
        );
      } else {
        account(sent !== false);
      }
    } catch (error) {
      account(false, error);
    }
  }

  /** Counts what was not taken, and says so once until audio is taken again. */
  #account(sent: boolean, sampleCount: number, cause?: unknown): void {
    if (!sent) {
      this.#refusedSamples += sampleCount;
      if (this.#connectionTakesAudio) {
        this.#report(
          new Error(
            "Cannot send audio as the connection does not take it: it is counted in unsentSamples until the connection is back",
            { cause },
          ),
        );
      }
    }
    this.#connectionTakesAudio = sent;
  }

  #endTurn(): void {
    if (!this.#turnIsOpen) return;
    this.#turnIsOpen = false;
    try {
      const ended = this.#connection?.endTurn?.();
      if (ended instanceof Promise) {
        ended.catch((error) => this.#report(error));
      }
    } catch (error) {
      this.#report(error);
    }
  }

  /** Calls a callback, which must not disturb the recording. */
  #tell<Name extends keyof AudioCaptureCallbacks>(
    name: Name,
    ...args: Parameters<NonNullable<AudioCaptureCallbacks[Name]>>
  ): void {
    const callback = this.#callbacks[name] as
      | ((...args: unknown[]) => unknown)
      | undefined;
    if (callback === undefined) return;
    try {
      const result = callback.apply(this.#callbacks, args);
      if (result instanceof Promise) {
        result.catch((error) => this.#reportFrom(name, error));
      }
    } catch (error) {
      this.#reportFrom(name, error);
    }
  }

  #reportFrom(name: keyof AudioCaptureCallbacks, error: unknown): void {
    if (name === "onError") {
      console.error("The callback onError failed:", error);
    } else this.#report(error);
  }

  /** An error that nobody listens to is printed: it is never silent. */
  #report(error: unknown): void {
    if (this.#callbacks.onError === undefined) console.error(error);
    else this.#tell("onError", asError(error));
  }
}

/**
 * Creates a manager that is ready to record.
 *
 * @example Streaming to the Realtime API while somebody speaks
 * ```ts ignore
 * import { createAudioCapture, RealtimeConnectionManager } from "@nevil/earshot";
 *
 * await using connection = new RealtimeConnectionManager();
 * await connection.start();
 * await using capture = await createAudioCapture({
 *   connectionManager: connection,
 *   vadEnabled: true,
 * });
 * await capture.startRecording();
 * for await (const event of connection) console.log(event.type);
 * ```
 *
 * @param options The settings, the callbacks and the connection.
 * @returns The manager, already initialized.
 * @throws {RangeError} When a setting is outside its range.
 * @throws {TypeError} When there is no such setting, or it is of a wrong type.
 * @throws {AlsaError} When the device cannot be used as configured.
 */
export async function createAudioCapture(
  options: CreateAudioCaptureOptions = {},
): Promise<AudioCaptureManager> {
  const { connectionManager, callbacks, ...config } = options;
  const manager = new AudioCaptureManager(config, callbacks, connectionManager);
  await manager.initialize();
  return manager;
}

/**
 * A chunk that is being filled must not be flushed for that alone: where the
 * device's periods do not divide it, it takes up to one more of them.
 */
function defaultAutoFlushMs(
  { chunkSize, sampleRate }: Pick<CaptureSettings, "chunkSize" | "sampleRate">,
  periodFrames: number,
): number {
  const restFrames = chunkSize % periodFrames === 0 ? 0 : periodFrames;
  const chunkMs = (chunkSize + restFrames) * 1000 / sampleRate;
  return Math.max(DEFAULT_AUTO_FLUSH_MS, chunkMs);
}

function deviceNameOf({ device, deviceIndex }: CaptureSettings): string {
  if (deviceIndex === undefined) return device;
  const devices = listDevices();
  const found = devices[deviceIndex];
  if (found === undefined) {
    throw new RangeError(
      `Cannot use deviceIndex as it must be the index of a device, of which there are ${devices.length}: current value is ${deviceIndex}`,
    );
  }
  return found.name;
}

function samplesSince(beforeBytes: number, nowBytes: number): number {
  return (nowBytes - beforeBytes) / SAMPLE_BYTES;
}

function invalidState(message: string): DOMException {
  return new DOMException(message, "InvalidStateError");
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
