/**
 * The last minutes of a session, kept in memory: what the microphone gave, and
 * what happened.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import { type AudioFormat, type AudioFrame, frameCountOf } from "./frame.ts";

/**
 * The ring is longer than what is kept, so that a record can be written while
 * audio goes on coming in: a disk that stalls for longer loses the oldest.
 */
const HEADROOM_MS = 10_000;

/** Events that are kept. */
const MAX_EVENTS = 20_000;

/** The longest line of an event; of a longer one only its type is kept. */
const MAX_LINE_LENGTH = 8192;

/** What a record is written in, so that writing never takes long at a time. */
const PIECE_MS = 1000;

/** Settings of a {@linkcode FlightRecorder}. */
export interface FlightRecorderOptions {
  /** Minutes of audio that are kept: 2.9 MB each at 24 kHz mono. */
  readonly minutes: number;
  /** The format of the audio. */
  readonly format: AudioFormat;
  /** The clock of the events. */
  readonly clock: Clock;
}

/** The last minutes before a moment. */
export interface FlightRecord {
  /** When the first sample was captured, in milliseconds of the Unix epoch. */
  readonly startTimeMs: number;
  /** The format of the audio. */
  readonly format: AudioFormat;
  /** Frames of audio. */
  readonly frameCount: number;
  /**
   * Gives the audio in pieces of up to a second. Each is read when it is asked
   * for; what was overwritten meanwhile is `undefined`, with its frame count.
   */
  pieces(): Generator<{ frameCount: number; samples: Int16Array | undefined }>;
  /**
   * What happened, as lines of JSON: `time` (ISO), `audio_ms` (its place in the
   * audio), `type`, and more.
   */
  readonly lines: readonly string[];
}

interface KeptEvent {
  readonly timeMs: number;
  /** Frames that were taken before it. */
  readonly frame: number;
  /** The rest of its line. */
  readonly json: string;
}

/**
 * Keeps the last minutes of audio and events. Nothing leaves the memory unless a
 * {@linkcode FlightRecord} is written; what was said in the room is in it, so
 * whoever is there should know.
 */
export class FlightRecorder {
  readonly #options: FlightRecorderOptions;
  readonly #ring: Int16Array;
  readonly #capacity: number;
  readonly #keptFrames: number;
  readonly #events: KeptEvent[] = [];
  /** Frames that were ever taken. */
  #frameCount = 0;
  /** When the frame after the last one that was taken is due. */
  #endTimeMs: number;

  /** @param options How much is kept, and of what. */
  constructor(options: FlightRecorderOptions) {
    const { minutes, format: { sampleRate, channelCount }, clock } = options;
    this.#options = options;
    this.#keptFrames = Math.round(minutes * 60 * sampleRate);
    this.#capacity = this.#keptFrames + HEADROOM_MS * sampleRate / 1000;
    this.#ring = new Int16Array(this.#capacity * channelCount);
    this.#endTimeMs = performance.timeOrigin + clock.now();
  }

  /**
   * Copies a block into the ring. A hole before it becomes an event, as the
   * audio has no room for what nobody heard.
   *
   * @param frame The block.
   */
  take(frame: AudioFrame): void {
    const { sampleRate, channelCount } = this.#options.format;
    if (frame.discontinuity !== undefined) {
      const { cause, lostFrames } = frame.discontinuity;
      const lostMs = Math.round(lostFrames * 1000 / sampleRate);
      this.note("earshot.gap", { cause, lost_ms: lostMs });
    }
    const frameCount = frameCountOf(frame);
    const place = this.#frameCount % this.#capacity;
    const untilEnd = Math.min(frameCount, this.#capacity - place);
    const cut = untilEnd * channelCount;
    this.#ring.set(frame.samples.subarray(0, cut), place * channelCount);
    if (untilEnd < frameCount) this.#ring.set(frame.samples.subarray(cut), 0);
    this.#frameCount += frameCount;
    this.#endTimeMs = performance.timeOrigin + frame.timestampMs +
      frameCount * 1000 / sampleRate;
  }

  /**
   * Keeps an event.
   *
   * @param type What happened.
   * @param fields More about it; it must fit into JSON.
   */
  note(type: string, fields: object): void {
    const json = JSON.stringify({ type, ...fields });
    this.#events.push({
      timeMs: performance.timeOrigin + this.#options.clock.now(),
      frame: this.#frameCount,
      json: json.length > MAX_LINE_LENGTH
        ? JSON.stringify({ type, is_cut: true })
        : json,
    });
    if (this.#events.length > MAX_EVENTS) this.#events.shift();
  }

  /**
   * Takes what is kept now. What comes later does not change it, unless it is
   * read too slowly: see {@linkcode FlightRecord.pieces}.
   *
   * @returns The record.
   */
  snapshot(): FlightRecord {
    const { format } = this.#options;
    const { sampleRate } = format;
    const frameCount = Math.min(this.#frameCount, this.#keptFrames);
    const begin = this.#frameCount - frameCount;
    const startTimeMs = this.#endTimeMs - frameCount * 1000 / sampleRate;
    const lines = this.#events
      .filter(({ frame }) => frame >= begin)
      .map(({ timeMs, frame, json }) => {
        const time = new Date(timeMs).toISOString();
        const audioMs = Math.round((frame - begin) * 1000 / sampleRate);
        return `{"time":"${time}","audio_ms":${audioMs},${json.slice(1)}`;
      });
    return {
      startTimeMs,
      format,
      frameCount,
      lines,
      pieces: () => this.#pieces(begin, frameCount),
    };
  }

  *#pieces(
    begin: number,
    frameCount: number,
  ): ReturnType<FlightRecord["pieces"]> {
    const { sampleRate, channelCount } = this.#options.format;
    const pieceFrames = Math.ceil(PIECE_MS * sampleRate / 1000);
    for (let done = 0; done < frameCount;) {
      const place = (begin + done) % this.#capacity;
      const count = Math.min(
        pieceFrames,
        frameCount - done,
        this.#capacity - place,
      );
      const isThere = begin + done >= this.#frameCount - this.#capacity;
      const samples = isThere
        ? this.#ring.slice(
          place * channelCount,
          (place + count) * channelCount,
        )
        : undefined;
      yield { frameCount: count, samples };
      done += count;
    }
  }
}
