/**
 * A gate that lets only speech through.
 *
 * @module
 */

import {
  type AudioFrame,
  type Discontinuity,
  frameCountOf,
  sliceFrame,
} from "./frame.ts";
import { Rechunker } from "./rechunk.ts";
import { checkNumber } from "./validation.ts";
import type { VoiceActivityDetector } from "./vad.ts";

/** Where an utterance begins or ends. */
export interface SpeechBorder {
  /** Frames since the start of the capture. */
  readonly position: number;
  /** Milliseconds on the clock of `performance.now()`. */
  readonly timestampMs: number;
}

/** Settings of {@linkcode gateSpeech}. */
export interface SpeechGateOptions {
  /**
   * Audio before the onset that goes out with the utterance, in milliseconds,
   * 0–10000. A detector needs a moment to be sure; without pre-roll the first
   * syllable is clipped.
   *
   * @default {300}
   */
  preRollMs?: number;
  /**
   * How long it must be quiet before the utterance ends, in milliseconds,
   * 0–60000. Short pauses between words are quiet too; that quiet goes out with
   * the utterance.
   *
   * @default {500}
   */
  hangoverMs?: number;
  /** Called before the first block of an utterance goes out. */
  onSpeechStart?: (onset: SpeechBorder) => void;
  /** Called before the last block of an utterance goes out. */
  onSpeechEnd?: (end: SpeechBorder) => void;
}

/**
 * Lets utterances through and drops the rest.
 *
 * The first block of an utterance is marked `speechStart`, the last one, which
 * holds no samples, `speechEnd`. A stream that ends while somebody speaks ends
 * the utterance, and so does an interruption, or a gap longer than the hangover:
 * nobody knows what was said meanwhile.
 *
 * @example
 * ```ts ignore
 * import { gateSpeech, openMicrophone, RmsDetector } from "@nevil/earshot";
 *
 * await using mic = await openMicrophone();
 * for await (const frame of gateSpeech(mic, new RmsDetector(0.02))) {
 *   if (frame.speechStart) console.log("speech at", frame.position);
 * }
 * ```
 *
 * @param source The blocks, of any size.
 * @param detector What tells speech from the rest; it is reset first.
 * @param options Pre-roll, hangover and callbacks.
 * @returns The blocks of the utterances, `detector.blockMs` long.
 * @throws {RangeError} When a setting is outside its range.
 */
export async function* gateSpeech(
  source: AsyncIterable<AudioFrame>,
  detector: VoiceActivityDetector,
  options: SpeechGateOptions = {},
): AsyncGenerator<AudioFrame> {
  const { preRollMs = 300, hangoverMs = 500 } = options;
  checkNumber("preRollMs", preRollMs, 0, 10_000);
  checkNumber("hangoverMs", hangoverMs, 0, 60_000);
  const preRollBlocks = Math.ceil(preRollMs / detector.blockMs);
  const hangoverBlocks = Math.ceil(hangoverMs / detector.blockMs);
  const preRoll: AudioFrame[] = [];
  let isSpeaking = false;
  let quietBlocks = 0;
  /** What is missing since the last block that went out. */
  let hole: Discontinuity | undefined;
  let end: AudioFrame | undefined;

  const endUtterance = function* (mark: AudioFrame): Generator<AudioFrame> {
    if (!isSpeaking) return;
    isSpeaking = false;
    options.onSpeechEnd?.(borderOf(mark));
    yield mark;
  };

  detector.reset();
  try {
    for await (const block of inBlocks(source, detector.blockMs)) {
      const gap = block.discontinuity;
      const gapMs = (gap?.lostFrames ?? 0) * 1000 / block.format.sampleRate;
      if (block.interrupted || gapMs > hangoverMs) {
        yield* endUtterance(end ?? endMark(block, 0));
        detector.reset();
      }
      if (!isSpeaking && (block.interrupted || gap !== undefined)) {
        // What was heard before a hole is no pre-roll of what comes behind it.
        preRoll.length = 0;
        hole = gap === undefined ? hole : joined(hole, gap);
      }
      if (block.interrupted) continue;
      end = endMark(block, frameCountOf(block));
      const isSpeech =
        detector.score(block.samples, block.format) > detector.threshold;
      quietBlocks = isSpeech ? 0 : quietBlocks + 1;
      if (!isSpeaking && isSpeech) {
        isSpeaking = true;
        options.onSpeechStart?.(borderOf(block));
        preRoll.push(block);
        preRoll[0] = { ...preRoll[0]!, speechStart: true, discontinuity: hole };
        hole = undefined;
        yield* preRoll.splice(0);
      } else if (isSpeaking && quietBlocks <= hangoverBlocks) {
        yield block;
      } else {
        yield* endUtterance(endMark(block, 0));
        preRoll.push(block);
        if (preRoll.length > preRollBlocks) preRoll.shift();
      }
    }
  } catch (error) {
    if (end !== undefined) yield* endUtterance(end);
    throw error;
  }
  if (end !== undefined) yield* endUtterance(end);
}

/** Cuts a stream into blocks of a duration, at the rate of its first block. */
async function* inBlocks(
  source: AsyncIterable<AudioFrame>,
  blockMs: number,
): AsyncGenerator<AudioFrame> {
  let rechunker: Rechunker | undefined;
  try {
    for await (const frame of source) {
      rechunker ??= new Rechunker(
        Math.max(1, Math.round(frame.format.sampleRate * blockMs / 1000)),
      );
      yield* rechunker.push(frame);
    }
  } catch (error) {
    // What was heard before a failure was heard.
    if (rechunker !== undefined) yield* rechunker.flush();
    throw error;
  }
  if (rechunker !== undefined) yield* rechunker.flush();
}

/** Several holes without a block between them are one. */
function joined(
  hole: Discontinuity | undefined,
  gap: Discontinuity,
): Discontinuity {
  if (hole === undefined) return gap;
  return {
    cause: hole.cause,
    lostFrames: hole.lostFrames + gap.lostFrames,
  };
}

function borderOf({ position, timestampMs }: AudioFrame): SpeechBorder {
  return { position, timestampMs };
}

/** A block without samples that ends an utterance `offsetFrames` into `block`. */
function endMark(block: AudioFrame, offsetFrames: number): AudioFrame {
  const { position, timestampMs } = sliceFrame(
    block,
    offsetFrames,
    offsetFrames,
  );
  return {
    format: block.format,
    samples: new Int16Array(0),
    position,
    timestampMs,
    speechEnd: true,
  };
}
