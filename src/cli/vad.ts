/**
 * `earshot vad`: where somebody speaks, in a file or live.
 *
 * @module
 */

import type { ChannelChoice } from "../channels.ts";
import type { AudioFrame } from "../frame.ts";
import { frontEnd } from "../front_end.ts";
import type { Microphone } from "../microphone.ts";
import { resample } from "../resample.ts";
import {
  gateSpeech,
  type SpeechBorder,
  type SpeechGateOptions,
} from "../speech_gate.ts";
import type { StageSource } from "../stage.ts";
import type { VoiceActivityDetector } from "../vad/detector.ts";
import { framesOf, type WavContent } from "../wav.ts";
import {
  type Command,
  COMMON_OPTIONS,
  MICROPHONE_OPTIONS,
  VAD_OPTIONS,
  type World,
} from "./command.ts";
import { detectorOf } from "./detector.ts";
import { Log } from "./log.ts";
import {
  frontEndOf,
  lossOf,
  openMicrophoneFor,
  takeSeconds,
} from "./microphone.ts";
import type { OptionName } from "./option_table.ts";
import type { Options } from "./options.ts";
import { duration } from "./screen.ts";
import { UsageError } from "./usage_error.ts";
import { SpeechPlot } from "./speech_plot.ts";
import { readMonoWav } from "./wav_input.ts";
import { explained } from "./write_errors.ts";

/** What a file is converted to when its own rate does not fit. */
const USUAL_RATE = 24_000;

/** A file is read in blocks of this many milliseconds. */
const FILE_BLOCK_MS = 100;

/** `earshot vad`. */
export const vad: Command = {
  name: "vad",
  summary: "Show where somebody speaks, in a WAV file or live.",
  operands: ["[FILE.wav]"],
  options: [
    ...VAD_OPTIONS,
    ...MICROPHONE_OPTIONS,
    "seconds",
    "fail-fast",
    "json",
    "labels",
    "scores",
    "plot",
    ...COMMON_OPTIONS,
  ],
  details:
    `Without a file it listens to the microphone. Each stretch of speech is printed
when it is over: begin, end and length in seconds, without pre-roll and hangover.
--json prints it as a line of JSON with all positions, in ms, and a summary at the
end; --scores adds a line for every block (10 ms with the engine "neural"), in whose
place "speech" stands for a stretch of it.

Of a file the mean of the channels is heard, unless --channel names one. What says
how the microphone is captured (--device, --rate and so on) does not go with a file.

Examples:
  earshot vad talk.wav
  earshot vad --device 1 --seconds 30 --plot room.svg
  earshot vad --labels talk.wav > talk.txt
  earshot vad --vad-engine silero --vad-model silero_vad_16k_op15.onnx talk.wav`,

  async run(options, world) {
    const [path] = options.operands;
    const log = new Log(options, world);
    if (options.has("json") && options.has("labels")) {
      throw new UsageError("Cannot print both --json and --labels: choose one");
    }
    if (options.has("labels") && options.has("scores")) {
      throw new UsageError(
        "Cannot print --scores as --labels: choose one, or print both as --json",
      );
    }
    if (path !== undefined) refuseMicrophoneOptions(options, path);
    const detector = detectorOf(options);
    const seconds = options.number("seconds");
    if (path !== undefined) {
      const content = beginningOf(
        await readMonoWav(path, channelOf(options)),
        seconds,
      );
      const { sampleRate } = content.format;
      // Every score is then about the same length of audio, and the detector
      // hears the file itself.
      const fits = Number.isInteger(sampleRate * detector.blockMs / 1000);
      const blocks = framesOf(
        content,
        Math.ceil(sampleRate * FILE_BLOCK_MS / 1000),
      );
      const source = fits ? blocks : resample(blocks, USUAL_RATE);
      await report(
        frontEnd(source, frontEndOf(options)),
        fits ? sampleRate : USUAL_RATE,
        detector,
        options,
        world,
        log,
      );
      return;
    }
    await using microphone = await openMicrophoneFor(options, world, 100, log);
    log.info(
      seconds === undefined
        ? "Listening; Ctrl-C ends"
        : `Listening for ${seconds} s`,
    );
    const { sampleRate } = microphone.parameters;
    const source = frontEnd(
      heard(microphone, seconds, world),
      frontEndOf(options),
    );
    await report(source, sampleRate, detector, options, world, log);
    const loss = lossOf(microphone);
    if (loss !== undefined) log.warn(loss);
  },
};

async function report(
  source: StageSource<AudioFrame>,
  sampleRate: number,
  detector: VoiceActivityDetector,
  options: Options,
  world: World,
  log: Log,
): Promise<void> {
  const printer = new SegmentPrinter(options, world, sampleRate, detector);
  const plotPath = options.text("plot");
  if (plotPath !== undefined) await checkWritable(plotPath);
  const plot = plotPath === undefined
    ? undefined
    : new SpeechPlot(sampleRate, detector, gateOf(options));
  let onset: SpeechBorder | undefined;
  const gated = gateSpeech(source, detector, {
    ...gateOf(options),
    onSpeechStart: (border) => onset = border,
    onSpeechEnd: (end) => {
      const segment = { onset: onset!, end };
      printer.print(segment);
      plot?.addSegment(segment);
    },
    onScore: (score, block) => {
      printer.score(score, block);
      plot?.add(score, block);
    },
  });
  for await (const _ of gated);
  printer.finish(log);
  if (plot === undefined) return;
  await explained(
    `"${plotPath}"`,
    Deno.writeTextFile(plotPath!, plot.svg()),
  );
  log.info(`Wrote ${plotPath}`);
}

/** What was heard for a while must not be lost for a wrong path. */
async function checkWritable(path: string): Promise<void> {
  const opening = Deno.open(path, { write: true, create: true });
  (await explained(`"${path}"`, opening)).close();
}

/** Options that say how the microphone is captured. */
const CAPTURE_OPTIONS = [
  "device",
  "rate",
  "channels",
  "chunk-ms",
  "buffer-frames",
  "explain",
  "fail-fast",
] as const satisfies readonly OptionName[];

function refuseMicrophoneOptions(options: Options, path: string): void {
  const name = CAPTURE_OPTIONS.find((name) => options.isTyped(name));
  if (name === undefined) return;
  throw new UsageError(
    `Cannot use --${name} with a file, as it is for the microphone: leave out --${name}, or "${path}"`,
  );
}

/** Which channel of a file is heard; a channel that was not typed is a device's. */
function channelOf(options: Options): ChannelChoice {
  if (!options.isTyped("channel")) return "mix";
  const channel = options.number("channel")!;
  if (Number.isInteger(channel)) return channel - 1;
  throw new UsageError(
    `Cannot use --channel ${
      options.text("channel")
    } with a file, of which one channel is heard: give one, or none for the mean of all`,
  );
}

function beginningOf(
  { format, samples }: WavContent,
  seconds = Infinity,
): WavContent {
  return { format, samples: samples.subarray(0, seconds * format.sampleRate) };
}

/** Reads what the gate is set to. */
function gateOf(options: Options): SpeechGateOptions {
  return {
    offsetThreshold: options.number("vad-offset-threshold"),
    minSpeechMs: options.number("vad-min-speech-ms"),
    preRollMs: options.number("vad-pre-roll-ms"),
    hangoverMs: options.number("vad-hangover-ms"),
    maxUtteranceMs: options.number("vad-max-utterance-ms"),
  };
}

/** A stretch of speech. */
export interface Segment {
  /** Where it begins. */
  readonly onset: SpeechBorder;
  /** Where it ends. */
  readonly end: SpeechBorder;
}

/** Prints segments in the form that was asked for. */
class SegmentPrinter {
  readonly #write: (text: string) => void;
  readonly #form: "plain" | "json" | "labels";
  readonly #withScores: boolean;
  readonly #isLive: boolean;
  readonly #sampleRate: number;
  readonly #lagMs: number;
  #hasHead = false;
  #count = 0;
  #speechMs = 0;
  #durationMs = 0;

  constructor(
    options: Options,
    world: World,
    sampleRate: number,
    { lagMs = 0 }: VoiceActivityDetector,
  ) {
    this.#lagMs = lagMs;
    this.#write = (text) => world.stdout.write(`${text}\n`);
    this.#form = options.has("json")
      ? "json"
      : options.has("labels")
      ? "labels"
      : "plain";
    this.#withScores = options.has("scores");
    this.#isLive = options.operands.length === 0;
    this.#sampleRate = sampleRate;
  }

  print({ onset, end }: Segment): void {
    const beginMs = this.#msOf(onset.position);
    const endMs = this.#msOf(end.position);
    this.#count++;
    this.#speechMs += endMs - beginMs;
    const [begin, stop] = [seconds(beginMs), seconds(endMs)];
    if (this.#form === "labels") this.#write(`${begin}\t${stop}\tspeech`);
    else if (this.#form === "plain") {
      this.#row(
        begin,
        stop,
        this.#withScores ? "speech" : seconds(endMs - beginMs),
      );
    } else {
      this.#json({
        type: "earshot.segment",
        begin_ms: beginMs,
        end_ms: endMs,
        audio_begin_ms: this.#msOf(onset.audioPosition),
        audio_end_ms: this.#msOf(end.audioPosition),
        ...(this.#isLive && { captured_at: timeOf(onset) }),
        is_cut: end.isForced ?? false,
      });
    }
  }

  score(score: number, block: AudioFrame): void {
    const { position, samples, format } = block;
    this.#durationMs = this.#msOf(
      position + samples.length / format.channelCount,
    );
    const beginMs = this.#msOf(position) - this.#lagMs;
    const endMs = this.#durationMs - this.#lagMs;
    // What comes before that is about nothing yet.
    if (!this.#withScores || beginMs < 0) return;
    if (this.#form === "json") {
      this.#json({
        type: "earshot.score",
        begin_ms: beginMs,
        end_ms: endMs,
        score: rounded(score),
      });
    } else {
      this.#row(seconds(beginMs), seconds(endMs), score.toFixed(4));
    }
  }

  finish(log: Log): void {
    if (this.#form === "json") {
      this.#json({
        type: "earshot.summary",
        duration_ms: this.#durationMs,
        speech_ms: this.#speechMs,
        segment_count: this.#count,
      });
    }
    const share = this.#durationMs === 0
      ? 0
      : Math.round(100 * this.#speechMs / this.#durationMs);
    log.info(
      this.#count === 0
        ? `No speech in ${duration(this.#durationMs)}`
        : `Speech: ${this.#count} ${
          this.#count === 1 ? "time" : "times"
        }, ${share} % of ${duration(this.#durationMs)}`,
    );
  }

  /** A line of the table, below its head. */
  #row(...cells: string[]): void {
    const line = (cells: readonly string[]) =>
      this.#write(cells.map((cell) => cell.padStart(8)).join("  "));
    const last = this.#withScores ? "SCORE" : "LENGTH";
    if (!this.#hasHead) line(["BEGIN", "END", last]);
    this.#hasHead = true;
    line(cells);
  }

  #json(fields: object): void {
    this.#write(JSON.stringify(fields));
  }

  #msOf(position: number): number {
    return Math.round(position * 1000 / this.#sampleRate);
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function rounded(score: number): number {
  return Math.round(score * 10_000) / 10_000;
}

function timeOf({ timestampMs }: SpeechBorder): string {
  return new Date(performance.timeOrigin + timestampMs).toISOString();
}

function heard(
  microphone: Microphone,
  seconds: number | undefined,
  world: World,
): AsyncIterable<AudioFrame> {
  return seconds === undefined
    ? microphone
    : takeSeconds(microphone, microphone, seconds, world.clock);
}
