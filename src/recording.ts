/**
 * One recording, from an open microphone to its last chunk.
 *
 * ```text
 * microphone → fill gaps → front end → pause → volume → speech gate → rechunk → chunks
 * ```
 *
 * @module
 */

import { type Alarm, alarmOf } from "./alarm.ts";
import type { Clock } from "./clock.ts";
import { type AudioFrame, frameCountOf } from "./frame.ts";
import { fillGaps } from "./fill_gaps.ts";
import { frontEnd, type FrontEndOptions } from "./front_end.ts";
import type { Microphone } from "./microphone.ts";
import { type PausePart, Pauses } from "./pauses.ts";
import { Rechunker } from "./rechunk.ts";
import { gateSpeech, type SpeechGateOptions } from "./speech_gate.ts";
import { through } from "./stage.ts";
import type { VoiceActivityDetector } from "./vad/detector.ts";
import { rmsVolume } from "./volume.ts";

/**
 * While nobody speaks audio may come late by a chunk, but within these: the beginning
 * of an utterance goes out that much later, and nothing of it is lost.
 */
const LEAST_QUIET_PATIENCE_MS = 60;
const MOST_QUIET_PATIENCE_MS = 200;

/** How late it may come during a pause. */
const PAUSED_PATIENCE_MS = 400;

/** How a recording is processed, and who is told. */
export interface RecordingOptions {
  /** Frames in a chunk. */
  readonly chunkFrames: number;
  /** How long a partly filled chunk may wait, in milliseconds. */
  readonly autoFlushMs: number;
  /** The clock of `autoFlushMs`. */
  readonly clock: Clock;
  /** Lets only speech through, when given. */
  readonly detector?: VoiceActivityDetector;
  /** Whether silence takes the place of what was lost. */
  readonly fillGaps: boolean;
  /** What is done before anything listens. */
  readonly frontEnd: FrontEndOptions;
  /** Pre-roll, hangover and the callbacks of the gate. */
  readonly gate: SpeechGateOptions;
  /** Called with every block of the device outside of pauses, and its volume. */
  readonly onHeard: (frame: AudioFrame, volume: number) => void;
  /** Called with every chunk; the one that ends an utterance may be empty. */
  readonly onChunk: (chunk: AudioFrame) => void;
}

/** What became of the samples (of each channel) that the microphone delivered. */
export interface RecordingCounts {
  /** In chunks that were handed over. */
  readonly deliveredSamples: number;
  /** Waiting for a chunk to be full. */
  readonly bufferSamples: number;
  /**
   * Left out because nobody spoke. The latest of them, as many as the pre-roll has,
   * still go out when somebody begins to speak.
   */
  readonly gatedSamples: number;
  /** Left out because of a pause. */
  readonly pausedSamples: number;
  /** Silence that was put in the place of lost samples. */
  readonly filledSamples: number;
  /** Chunks that were handed over. */
  readonly chunkCount: number;
}

/** A recording under way. */
export class Recording {
  /** The microphone that is recorded. */
  readonly microphone: Microphone;
  /** Resolves behind the last chunk; rejects when the device failed. */
  readonly finished: Promise<void>;
  readonly #options: RecordingOptions;
  readonly #rechunker: Rechunker;
  readonly #alarm: Alarm;
  /** When the chunk that is being filled has waited for long enough. */
  #flushAtMs: number | undefined;
  #isFlushTimed = false;
  readonly #pauses = new Pauses();
  #paused = false;
  #speechActive = false;
  #volume = 0;
  #pausedSamples = 0;
  /** What a pause left out since the last block that was heard. */
  #skippedFrames = 0;
  #filledSamples = 0;
  #heardSamples = 0;
  #passedSamples = 0;
  #chunkCount = 0;

  /**
   * @param microphone The source; the recording consumes it.
   * @param options How it is processed, and who is told.
   */
  constructor(microphone: Microphone, options: RecordingOptions) {
    this.microphone = microphone;
    this.#options = options;
    this.#rechunker = new Rechunker(options.chunkFrames);
    this.#alarm = alarmOf(options.clock);
    this.#setPatience();
    this.finished = this.#run();
  }

  /** Whether it is paused. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Whether the detector hears speech now. */
  get speechActive(): boolean {
    return this.#speechActive;
  }

  /** The RMS volume of the last block, 0.0–1.0; 0 during a pause. */
  get volume(): number {
    return this.#paused ? 0 : this.#volume;
  }

  /** What became of every sample. */
  get counts(): RecordingCounts {
    const bufferSamples = this.#rechunker.bufferedFrames;
    return {
      deliveredSamples: this.#passedSamples - bufferSamples,
      bufferSamples,
      gatedSamples: this.#heardSamples - this.#passedSamples,
      pausedSamples: this.#pausedSamples,
      filledSamples: this.#filledSamples,
      chunkCount: this.#chunkCount,
    };
  }

  /** Leaves out what is captured from now on. */
  pause(): void {
    this.#paused = true;
    this.#setPatience();
    this.#pauses.toggle(true, this.#options.clock.now());
  }

  /** Goes on after a pause. */
  resume(): void {
    this.#paused = false;
    this.#setPatience();
    this.#pauses.toggle(false, this.#options.clock.now());
  }

  /** Hands over what waits for its chunk to be full. */
  flush(): void {
    this.#handOver(this.#rechunker.flush());
  }

  /**
   * Ends the recording; what was captured is still handed over.
   *
   * @returns A promise that resolves behind the last chunk.
   */
  async stop(): Promise<void> {
    await this.microphone.stop();
    await this.finished;
  }

  async #run(): Promise<void> {
    const { detector, gate } = this.#options;
    const heard = this.#heard();
    const passed = detector === undefined
      ? heard
      : gateSpeech(heard, detector, {
        ...gate,
        onSpeechStart: (onset) => {
          this.#speechActive = true;
          this.#setPatience();
          gate.onSpeechStart?.(onset);
        },
        onSpeechEnd: (end) => {
          this.#speechActive = false;
          this.#setPatience();
          gate.onSpeechEnd?.(end);
        },
      });
    // A stage, and no consumer: to hand a block over to one through an async
    // generator takes longer than to read it from the device.
    const handedOver = through(passed, () => ({
      push: (frame) => {
        this.#passedSamples += frameCountOf(frame);
        this.#handOver(this.#rechunker.push(frame));
        return [];
      },
    }));
    try {
      for await (const _ of handedOver);
    } finally {
      // Also after a failure: what was captured before it is not lost.
      this.flush();
      this.#alarm.ring();
      this.#speechActive = false;
      await this.microphone.close();
    }
  }

  /** Wakes up less often while nothing is sent. */
  #setPatience(): void {
    const { detector, chunkFrames } = this.#options;
    const { sampleRate } = this.microphone.parameters;
    const quietMs = Math.min(
      MOST_QUIET_PATIENCE_MS,
      Math.max(LEAST_QUIET_PATIENCE_MS, chunkFrames * 1000 / sampleRate),
    );
    const isQuiet = detector !== undefined && !this.#speechActive;
    this.microphone.patienceMs = this.#paused
      ? PAUSED_PATIENCE_MS
      : isQuiet
      ? quietMs
      : 0;
  }

  /** What the microphone delivers outside of pauses, with its volume measured. */
  #heard(): AsyncIterable<AudioFrame> {
    const captured = this.#options.fillGaps
      ? fillGaps(this.microphone)
      : this.microphone;
    const frames = frontEnd(captured, this.#options.frontEnd);
    return through(frames, () => ({ push: (frame) => this.#hear(frame) }));
  }

  #hear(frame: AudioFrame): AudioFrame[] | Generator<AudioFrame> {
    const parts = this.#pauses.split(frame);
    return parts.length === 1
      ? this.#hearPart(parts[0]!)
      : this.#hearParts(parts);
  }

  /** One behind the other has passed. */
  *#hearParts(parts: readonly PausePart[]): Generator<AudioFrame> {
    for (const part of parts) yield* this.#hearPart(part);
  }

  #hearPart({ part, isPaused }: PausePart): AudioFrame[] {
    const frameCount = frameCountOf(part);
    const lostFrames = part.discontinuity?.lostFrames ?? 0;
    if (part.filled !== undefined) this.#filledSamples += frameCount;
    if (isPaused && !part.interrupted) {
      this.#pausedSamples += frameCount;
      this.#skippedFrames += frameCount + lostFrames;
      return [];
    }
    this.#heardSamples += frameCount;
    this.#volume = rmsVolume(part.samples);
    this.#options.onHeard(part, this.#volume);
    const skippedFrames = this.#skippedFrames;
    this.#skippedFrames = 0;
    return [
      skippedFrames === 0 ? part : {
        ...part,
        discontinuity: {
          cause: "paused",
          lostFrames: skippedFrames + lostFrames,
        },
      },
    ];
  }

  #handOver(chunks: Iterable<AudioFrame>): void {
    for (const chunk of chunks) {
      this.#flushAtMs = undefined;
      if (chunk.samples.length > 0) this.#chunkCount++;
      this.#options.onChunk(chunk);
    }
    if (this.#rechunker.bufferedFrames === 0) return;
    const { autoFlushMs, clock } = this.#options;
    this.#flushAtMs ??= clock.now() + autoFlushMs;
    if (!this.#isFlushTimed) this.#flushInTime();
  }

  /** One sleep outlasts the chunks that are filled meanwhile. */
  async #flushInTime(): Promise<void> {
    this.#isFlushTimed = true;
    while (this.#flushAtMs !== undefined) {
      const restMs = this.#flushAtMs - this.#options.clock.now();
      if (restMs <= 0) this.flush();
      else if (!await this.#alarm.sleep(restMs)) break;
    }
    this.#isFlushTimed = false;
  }
}
