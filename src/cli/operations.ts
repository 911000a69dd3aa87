/**
 * What runs beside a live session for whoever operates it: hooks, the flight
 * recorder, and statistics for Prometheus.
 *
 * @module
 */

import { FlightRecorder } from "../flight_recorder.ts";
import type { AudioFormat, AudioFrame } from "../frame.ts";
import type { RealtimeServerEvent } from "../realtime/events.ts";
import type { World } from "./command.ts";
import { writeFlightRecord } from "./flight_recorder_files.ts";
import { Hooks } from "./hooks.ts";
import type { Log } from "./log.ts";
import { serveMetrics, type SessionStats } from "./metrics.ts";
import type { EventName, OptionName } from "./option_table.ts";
import type { Options } from "./options.ts";

/** The flight recorder goes on for this long after the event that it is for. */
const AFTER_EVENT_MS = 10_000;

/** The options of all this. */
export const OPERATION_OPTIONS = [
  "metrics-port",
  "recorder-minutes",
  "recorder-folder",
  "recorder-on",
  "on-speech-start",
  "on-speech-end",
  "on-transcript",
  "on-error",
  "on-connected",
  "on-disconnected",
] as const satisfies readonly OptionName[];

/** What a session's operations are about. */
export interface OperationsOptions {
  /** Where it is said what they do, and what goes wrong with them. */
  readonly log: Log;
  /** The format of the session's audio. */
  readonly format: AudioFormat;
  /** Reads the session's statistics. */
  readonly readStats: () => SessionStats;
}

/** Hooks, flight recorder and metrics of one session. */
export class Operations implements AsyncDisposable {
  readonly #world: World;
  readonly #log: Log;
  readonly #hooks: Hooks;
  readonly #recorder: FlightRecorder | undefined;
  readonly #folder: string;
  readonly #recordedEvents: readonly string[];
  readonly #metrics: AsyncDisposable | undefined;
  readonly #forgetSignal: () => void;
  readonly #ended = new AbortController();
  /** The record that waits for what comes after its event. */
  #pending: Promise<void> | undefined;
  /** Records are written one after another. */
  #writing: Promise<void> = Promise.resolve();

  /**
   * Starts what the user asked for.
   *
   * @param options What the user gave.
   * @param world Where it runs.
   * @param operations What it is about.
   * @throws When the port of the metrics is taken.
   */
  constructor(
    options: Options,
    world: World,
    operations: OperationsOptions,
  ) {
    const { log, format, readStats } = operations;
    const { clock } = world;
    this.#world = world;
    this.#log = log;
    const port = options.number("metrics-port");
    this.#metrics = port === undefined
      ? undefined
      : serveMetrics({ port, read: readStats });
    this.#hooks = new Hooks({
      commands: {
        "speech-start": options.text("on-speech-start"),
        "speech-end": options.text("on-speech-end"),
        transcript: options.text("on-transcript"),
        error: options.text("on-error"),
        connected: options.text("on-connected"),
        disconnected: options.text("on-disconnected"),
      },
      say: (text) => log.warn(text),
      clock,
    });
    const minutes = options.number("recorder-minutes");
    this.#recorder = minutes === undefined
      ? undefined
      : new FlightRecorder({ minutes, format, clock });
    this.#folder = options.text("recorder-folder") ?? ".";
    this.#recordedEvents = options.text("recorder-on")?.split(",") ?? [];
    this.#forgetSignal = world.onSignal("SIGUSR2", () => {
      if (this.#recorder !== undefined) this.#write("SIGUSR2");
      else log.warn("There is no flight recorder: give --recorder-minutes");
    });
  }

  /** Whether it wants to have the audio. */
  get takesFrames(): boolean {
    return this.#recorder !== undefined;
  }

  /**
   * Takes a block of audio.
   *
   * @param frame The block.
   */
  take(frame: AudioFrame): void {
    this.#recorder?.take(frame);
  }

  /**
   * Keeps an event for the flight recorder.
   *
   * @param type Its name.
   * @param fields More about it.
   */
  note(type: string, fields: object): void {
    this.#recorder?.note(type, fields);
  }

  /**
   * Tells that something happened that a hook may wait for.
   *
   * @param event What happened.
   * @param text What was said, or what went wrong.
   */
  happened(event: EventName, text?: string): void {
    this.#hooks.fire(event, text);
    this.note(`earshot.${event}`, text === undefined ? {} : { text });
    if (this.#recordedEvents.includes(event)) this.#writeLater(event);
  }

  /**
   * Takes an event of the server.
   *
   * @param event The event.
   */
  heard(event: RealtimeServerEvent): void {
    if (this.#recorder !== undefined) {
      const { type, ...fields } = event;
      // The voice of the model is no sound of the room.
      if (type === "response.output_audio.delta") this.note(type, {});
      else this.note(type, fields);
    }
    switch (event.type) {
      case "conversation.item.input_audio_transcription.completed":
        return this.happened("transcript", event.transcript);
      case "input_audio_buffer.speech_started":
        return this.happened("speech-start");
      case "input_audio_buffer.speech_stopped":
        return this.happened("speech-end");
    }
  }

  /** Ends it: hooks that wait are run, a record that waits is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#forgetSignal();
    this.#ended.abort();
    await this.#hooks[Symbol.asyncDispose]();
    await this.#metrics?.[Symbol.asyncDispose]();
    await this.#pending;
    await this.#writing;
  }

  #writeLater(reason: string): void {
    if (this.#recorder === undefined) return;
    this.#pending ??= this.#world.clock
      .sleep(AFTER_EVENT_MS, { signal: this.#ended.signal })
      .catch(() => {})
      .then(() => {
        this.#pending = undefined;
        this.#write(reason);
      });
  }

  #write(reason: string): void {
    const record = this.#recorder!.snapshot();
    const nowMs = performance.timeOrigin + this.#world.clock.now();
    this.#writing = this.#writing.then(async () => {
      try {
        const { wavPath, lostMs } = await writeFlightRecord(
          record,
          this.#folder,
          reason,
          nowMs,
        );
        this.#log.info(`Wrote ${wavPath} and its events (${reason})`);
        if (lostMs > 0) this.#log.warn(`${lostMs} ms of it came too late`);
      } catch (error) {
        this.#log.error((error as Error).message);
      }
    });
  }
}
