/**
 * `earshot meter`: the level of the microphone, live.
 *
 * @module
 */

import type { AudioFrame } from "../frame.ts";
import { frontEnd } from "../front_end.ts";
import { rechunk } from "../rechunk.ts";
import type { VoiceActivityDetector } from "../vad/detector.ts";
import { measureVolume } from "../volume.ts";
import { type Command, COMMON_OPTIONS, MICROPHONE_OPTIONS } from "./command.ts";
import { detectorOf } from "./detector.ts";
import { Log } from "./log.ts";
import {
  frontEndOf,
  lossOf,
  openMicrophoneFor,
  takeSeconds,
} from "./microphone.ts";
import { LevelMeter, StatusLine } from "./screen.ts";

/** How often a line is redrawn on a terminal. */
const REDRAW_MS = 50;

/** How often a line is printed elsewhere. */
const PRINT_MS = 500;

/** `earshot meter`. */
export const meter: Command = {
  name: "meter",
  summary: "Show the level of the microphone.",
  options: [
    ...MICROPHONE_OPTIONS,
    "vad-engine",
    "vad-model",
    "vad-threshold",
    "seconds",
    "fail-fast",
    ...COMMON_OPTIONS,
  ],
  details:
    `The bar has 50 cells from -60 to 0 dBFS; a thin line holds the peak. The light
goes on when the detector (--vad-engine) hears speech. When stdout is no terminal,
a line is printed every 500 ms, or every --chunk-ms.

Examples:
  earshot meter
  earshot meter --device plughw:CARD=Device --vad-threshold 0.01`,

  async run(options, world) {
    const { stdout } = world;
    const chunkMs = options.number("chunk-ms") ??
      (stdout.isTerminal ? REDRAW_MS : PRINT_MS);
    const status = new StatusLine(stdout);
    const log = new Log(options, world, { status });
    const detector = detectorOf(options);
    await using microphone = await openMicrophoneFor(
      options,
      world,
      chunkMs,
      log,
    );
    const { sampleRate } = microphone.parameters;
    const seconds = options.number("seconds");
    const whole = frontEnd(microphone, frontEndOf(options));
    const source: AsyncIterable<AudioFrame> = seconds === undefined
      ? whole
      : takeSeconds(whole, microphone, seconds, world.clock);
    const chunks = rechunk(
      source,
      Math.max(1, Math.round(sampleRate * chunkMs / 1000)),
    );
    const level = new LevelMeter();
    try {
      for await (const chunk of measureVolume(chunks)) {
        const { volume, timestampMs } = chunk;
        level.update(volume, timestampMs);
        const light = await hasSpeech(chunk, detector) ? "●" : "○";
        // What does not fit into a narrow terminal is the peak's figure.
        const line = `${light} ${
          volume.toFixed(3)
        } ${level.bar} ${level.figures}`;
        if (stdout.isTerminal) status.show(line);
        else stdout.write(`${line}\n`);
      }
    } finally {
      status.clear();
    }
    const loss = lossOf(microphone);
    if (loss !== undefined) log.warn(loss);
  },
};

/** Whether the detector hears speech anywhere in a chunk. */
async function hasSpeech(
  { samples, format }: AudioFrame,
  detector: VoiceActivityDetector,
): Promise<boolean> {
  const { sampleRate, channelCount } = format;
  const blockFrames = Math.round(sampleRate * detector.blockMs / 1000);
  const blockLength = channelCount * Math.max(1, blockFrames);
  let isSpeech = false;
  for (let at = 0; at < samples.length; at += blockLength) {
    const block = samples.subarray(at, at + blockLength);
    // Every block is judged: the detector learns from all of them.
    if (await detector.score(block, format) > detector.threshold) {
      isSpeech = true;
    }
  }
  return isSpeech;
}
