/**
 * A gate that lets only speech through, cut into utterances.
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
import {
  type Stage,
  type StageOutput,
  type StageSource,
  through,
} from "./stage.ts";
import { checkDetector, type VoiceActivityDetector } from "./vad/detector.ts";
import { checkNumber } from "./validation.ts";
import { rmsVolume } from "./volume.ts";

/** Where an utterance begins or ends. */
export interface SpeechBorder {
  /**
   * Where speech begins or ends, in frames since the start of the capture; the lag
   * of the detector is taken off.
   */
  readonly position: number;
  /** When: milliseconds on the clock of `performance.now()`. */
  readonly timestampMs: number;
  /**
   * Where the audio that goes out begins (earlier, by the pre-roll) or ends
   * (later, by the hangover), in frames since the start of the capture.
   */
  readonly audioPosition: number;
  /**
   * Whether nothing but `maxUtteranceMs` is the reason: the speaker goes on, and
   * the next utterance begins where this one ends.
   */
  readonly isForced?: boolean;
}

/** Settings of {@linkcode gateSpeech}. */
export interface SpeechGateOptions {
  /**
   * Scores above this are the onset of speech, 0.0–1.0. Higher: fewer false
   * triggers, more soft voices missed.
   *
   * @default {the detector's `threshold`}
   */
  onsetThreshold?: number;
  /**
   * Scores above this go on being speech, 0.0–1.0. A lower value than that of the
   * onset (hysteresis) keeps an utterance whole whose end is soft; too low, and
   * noise never lets it end.
   *
   * @default {the detector's `offsetThreshold`; at most the onset's}
   */
  offsetThreshold?: number;
  /**
   * How much speech it takes to be sure of an onset, in milliseconds, 0–5000.
   * Longer: fewer clicks and coughs, a later start, short words missed. The audio
   * meanwhile is not lost: it goes out behind the pre-roll. It is counted in the
   * detector's blocks, of which the last one before a hole or the end is a whole
   * one, however short.
   *
   * @default {the detector's `minSpeechMs`, or 0}
   */
  minSpeechMs?: number;
  /**
   * Audio before the onset that goes out with the utterance, in milliseconds,
   * 0–10000; the detector's `lagMs` comes on top, and up to 8 s in which it was in
   * doubt. A detector needs a moment to be sure; without pre-roll the first syllable
   * is clipped.
   *
   * @default {300}
   */
  preRollMs?: number;
  /**
   * How long it must be quiet before the utterance ends (the minimum silence), in
   * milliseconds, 0–60000. Shorter: faster answers, and sentences cut at a pause.
   * The quiet goes out with the utterance.
   *
   * @default {500}
   */
  hangoverMs?: number;
  /**
   * The longest utterance, in milliseconds, 1000–86400000: it is ended at its
   * quietest moment (10–30 ms long) in the last 3 seconds before that, or the last
   * third if that is shorter, and the next one begins there without a gap; if
   * nobody has spoken since that moment, it is simply over. Shorter: words arrive
   * while somebody still speaks, and more sentences are cut. Audio near the limit
   * is held back until that moment is known.
   *
   * @default {60000}
   */
  maxUtteranceMs?: number;
  /** Called before the first block of an utterance goes out. */
  onSpeechStart?: (onset: SpeechBorder) => void;
  /** Called before the last block of an utterance goes out. */
  onSpeechEnd?: (end: SpeechBorder) => void;
  /** Called with the score of every block, for those who draw it. */
  onScore?: (score: number, block: AudioFrame) => void;
}

/** The pre-roll is counted from so long before the onset at the most. */
const LONGEST_DOUBT_MS = 8000;

/**
 * In so short a time doubt is not over: a score that rises with a first syllable
 * may fall again before the second. On the tuning set, with other seeds than the
 * thresholds were chosen with, one in 4,000 onsets was clipped without this and
 * with 5 s of doubt at the most, and none of 16,500 as it is; 2 % more audio goes
 * out for it.
 */
const LONGEST_DIP_MS = 300;

/** The quietest moment is looked for in so much of an utterance at the most. */
const LONGEST_SEARCH_MS = 3000;

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
 * import { gateSpeech, NeuralDetector, openMicrophone } from "@nevil/earshot";
 *
 * await using mic = await openMicrophone();
 * for await (const frame of gateSpeech(mic, new NeuralDetector())) {
 *   if (frame.speechStart) console.log("speech at", frame.position);
 * }
 * ```
 *
 * @param source The blocks, of any size.
 * @param detector What tells speech from the rest; it is reset first.
 * @param options Thresholds, durations and callbacks.
 * @returns The blocks of the utterances, `detector.blockMs` long.
 * @throws {RangeError} When a setting, or a number of the detector, is outside its
 *   range.
 * @throws {TypeError} When the detector is none, a score is no number, or it is a
 *   promise and the source is not async.
 */
export function gateSpeech<From extends StageSource<AudioFrame>>(
  source: From,
  detector: VoiceActivityDetector,
  options: SpeechGateOptions = {},
): StageOutput<From, AudioFrame> {
  const blocks: StageSource<AudioFrame> = through(
    source,
    () => new BlockCutter(detector),
  );
  const gated = through(blocks, () => new Gate(detector, options));
  return gated as StageOutput<From, AudioFrame>;
}

const DEFAULT_PRE_ROLL_MS = 300;
const DEFAULT_HANGOVER_MS = 500;
const DEFAULT_MAX_UTTERANCE_MS = 60_000;

/** What a stage gives at once, or one after another. */
type Passed = readonly AudioFrame[] | Generator<AudioFrame>;

/** What is going on between the borders; it is told of every block. */
class Gate implements Stage<AudioFrame, AudioFrame> {
  readonly #detector: VoiceActivityDetector;
  readonly #options: SpeechGateOptions;
  readonly #onset: number;
  readonly #offset: number;
  readonly #doubt: number;
  readonly #minSpeechBlocks: number;
  readonly #doubtBlocks: number;
  readonly #longestDipBlocks: number;
  readonly #preRollBlocks: number;
  readonly #hangoverMs: number;
  readonly #hangoverBlocks: number;
  readonly #maxBlocks: number;
  readonly #searchBlocks: number;
  /** Pre-roll, and behind it what may be an onset. */
  readonly #waiting: AudioFrame[] = [];
  /** How many of them may be an onset. */
  #candidateBlocks = 0;
  /** How many before those were in doubt, short dips included. */
  #doubtfulBlocks = 0;
  /** How many were not since the last one that was. */
  #dipBlocks = Infinity;
  #isSpeaking = false;
  #quietBlocks = 0;
  #utteranceBlocks = 0;
  /** Where the present utterance begins. */
  #onsetPosition = 0;
  readonly #lagMs: number;
  /** What is missing since the last block that went out. */
  #hole: Discontinuity | undefined;
  /** The last block that was judged, and the last one that was speech. */
  #last: AudioFrame | undefined;
  #lastSpeech: AudioFrame | undefined;
  /** The quietest moment near the limit, and all behind it. */
  readonly #held: AudioFrame[] = [];
  #heldVolume = Infinity;

  constructor(detector: VoiceActivityDetector, options: SpeechGateOptions) {
    checkDetector("detector", detector);
    const {
      onsetThreshold = detector.threshold,
      minSpeechMs = detector.minSpeechMs ?? 0,
      preRollMs = DEFAULT_PRE_ROLL_MS,
      hangoverMs = DEFAULT_HANGOVER_MS,
      maxUtteranceMs = DEFAULT_MAX_UTTERANCE_MS,
    } = options;
    const {
      offsetThreshold = Math.min(
        detector.offsetThreshold ?? onsetThreshold,
        onsetThreshold,
      ),
    } = options;
    checkNumber("onsetThreshold", onsetThreshold, 0, 1);
    checkNumber("offsetThreshold", offsetThreshold, 0, onsetThreshold);
    checkNumber("minSpeechMs", minSpeechMs, 0, 5000);
    checkNumber("preRollMs", preRollMs, 0, 10_000);
    checkNumber("hangoverMs", hangoverMs, 0, 60_000);
    checkNumber("maxUtteranceMs", maxUtteranceMs, 1000, 86_400_000);
    const blocksIn = (ms: number) => Math.ceil(ms / detector.blockMs);
    this.#detector = detector;
    this.#options = options;
    this.#lagMs = detector.lagMs ?? 0;
    this.#onset = onsetThreshold;
    this.#offset = offsetThreshold;
    this.#doubt = detector.doubtThreshold ?? Infinity;
    this.#minSpeechBlocks = Math.max(1, blocksIn(minSpeechMs));
    // The onset is told earlier by the lag, so that the pre-roll is before that.
    this.#preRollBlocks = blocksIn(preRollMs + this.#lagMs);
    this.#hangoverMs = hangoverMs;
    this.#hangoverBlocks = blocksIn(hangoverMs);
    this.#maxBlocks = Math.floor(maxUtteranceMs / detector.blockMs);
    const aThird = Math.floor(this.#maxBlocks / 3);
    this.#searchBlocks = Math.min(blocksIn(LONGEST_SEARCH_MS), aThird);
    this.#doubtBlocks = Math.min(blocksIn(LONGEST_DOUBT_MS), aThird);
    this.#longestDipBlocks = blocksIn(LONGEST_DIP_MS);
    detector.reset();
  }

  /** Gives what goes out because of a block. */
  push(
    block: AudioFrame,
  ): Passed | Generator<AudioFrame | Promise<Iterable<AudioFrame>>> {
    return block.interrupted || block.discontinuity !== undefined
      ? this.#passHole(block)
      : this.#judge(block);
  }

  /** Ends the utterance, if there is one, behind the last block. */
  *flush(): Generator<AudioFrame> {
    const last = this.#last;
    if (!this.#isSpeaking || last === undefined) return;
    yield* this.#held.splice(0);
    yield* this.#close(endMark(last, frameCountOf(last)));
  }

  /** Nobody knows what was said in a long hole. */
  *#passHole(
    block: AudioFrame,
  ): Generator<AudioFrame | Promise<Iterable<AudioFrame>>> {
    const gap = block.discontinuity;
    const gapMs = (gap?.lostFrames ?? 0) * 1000 / block.format.sampleRate;
    if (block.interrupted || gapMs > this.#hangoverMs) {
      yield* this.flush();
      this.#detector.reset();
    }
    this.#forgetPreRoll(gap);
    if (!block.interrupted) yield* this.#judge(block);
  }

  #judge(
    block: AudioFrame,
  ): Passed | Generator<Promise<Iterable<AudioFrame>>> {
    const score = this.#detector.score(block.samples, block.format);
    return typeof score === "number"
      ? this.#take(block, score)
      : this.#takeLate(block, score);
  }

  *#takeLate(
    block: AudioFrame,
    score: PromiseLike<number>,
  ): Generator<Promise<Iterable<AudioFrame>>> {
    yield Promise.resolve(score).then((score) => this.#take(block, score));
  }

  #take(block: AudioFrame, score: number): Passed {
    checkScore(score);
    this.#options.onScore?.(score, block);
    this.#last = block;
    if (!this.#isSpeaking) return this.#listen(block, score);
    if (score > this.#offset) {
      this.#quietBlocks = 0;
      this.#lastSpeech = block;
    } else if (++this.#quietBlocks > this.#hangoverBlocks) {
      return this.#hangUp(block, score);
    }
    this.#utteranceBlocks++;
    return this.#utteranceBlocks <= this.#maxBlocks - this.#searchBlocks
      ? [block]
      : this.#holdBack(block);
  }

  /** What was heard before a hole is no pre-roll of what comes behind it. */
  #forgetPreRoll(gap: Discontinuity | undefined): void {
    if (this.#isSpeaking) return;
    this.#waiting.length = 0;
    this.#candidateBlocks = 0;
    this.#forgetDoubt();
    if (gap !== undefined) this.#hole = joined(this.#hole, gap);
  }

  #forgetDoubt(): void {
    this.#doubtfulBlocks = 0;
    this.#dipBlocks = Infinity;
  }

  #listen(block: AudioFrame, score: number): Passed {
    const isFirst = this.#candidateBlocks === 0;
    this.#waiting.push(block);
    this.#dipBlocks = score > this.#doubt ? 0 : this.#dipBlocks + 1;
    if (score > (isFirst ? this.#onset : this.#offset)) {
      this.#candidateBlocks++;
      this.#lastSpeech = block;
    } else {
      const doubtfulBlocks = this.#doubtfulBlocks + this.#candidateBlocks + 1;
      this.#candidateBlocks = 0;
      this.#doubtfulBlocks = this.#dipBlocks <= this.#longestDipBlocks
        ? Math.min(doubtfulBlocks, this.#doubtBlocks)
        : 0;
    }
    const kept = this.#preRollBlocks + this.#doubtfulBlocks +
      this.#candidateBlocks;
    while (this.#waiting.length > kept) this.#waiting.shift();
    return this.#candidateBlocks < this.#minSpeechBlocks ? [] : this.#open();
  }

  *#open(): Generator<AudioFrame> {
    const waiting = this.#waiting.splice(0);
    const onset = waiting[waiting.length - this.#candidateBlocks]!;
    const first = waiting[0]!;
    this.#isSpeaking = true;
    this.#candidateBlocks = 0;
    this.#forgetDoubt();
    this.#quietBlocks = 0;
    this.#utteranceBlocks = waiting.length;
    const border = this.#earlier(
      borderOf(onset, first.position),
      first.position,
      onset.format.sampleRate,
    );
    this.#onsetPosition = border.position;
    this.#options.onSpeechStart?.(border);
    waiting[0] = { ...first, speechStart: true, discontinuity: this.#hole };
    this.#hole = undefined;
    yield* waiting;
  }

  /** Ends the utterance before a block that is no more a part of it. */
  *#hangUp(block: AudioFrame, score: number): Generator<AudioFrame> {
    yield* this.#held.splice(0);
    yield* this.#close(endMark(block, 0));
    yield* this.#listen(block, score);
  }

  /** Looks for the quietest moment near the limit. */
  *#holdBack(block: AudioFrame): Generator<AudioFrame> {
    const volume = rmsVolume(block.samples);
    if (volume <= this.#heldVolume) {
      this.#heldVolume = volume;
      yield* this.#held.splice(0);
    }
    this.#held.push(block);
    if (this.#utteranceBlocks >= this.#maxBlocks) yield* this.#split();
  }

  /**
   * Ends the utterance where it is quietest, and begins the next one there, unless
   * nobody has spoken since.
   */
  *#split(): Generator<AudioFrame> {
    if (!this.#held.includes(this.#lastSpeech!)) {
      yield* this.flush();
      return;
    }
    const held = this.#held.splice(0);
    const first = held[0]!;
    const border = { ...borderOf(first, first.position), isForced: true };
    this.#options.onSpeechEnd?.(border);
    yield endMark(first, 0);
    this.#utteranceBlocks = held.length;
    this.#heldVolume = Infinity;
    this.#onsetPosition = border.position;
    this.#options.onSpeechStart?.(border);
    held[0] = { ...first, speechStart: true };
    yield* held;
  }

  /** Takes the detector's lag off a border, as far as there is room for that. */
  #earlier(
    border: SpeechBorder,
    leastPosition: number,
    sampleRate: number,
  ): SpeechBorder {
    const lagFrames = Math.round(this.#lagMs * sampleRate / 1000);
    const room = Math.max(0, border.position - leastPosition);
    const frames = Math.min(lagFrames, room);
    return {
      ...border,
      position: border.position - frames,
      timestampMs: border.timestampMs - frames * 1000 / sampleRate,
    };
  }

  *#close(mark: AudioFrame): Generator<AudioFrame> {
    this.#isSpeaking = false;
    this.#heldVolume = Infinity;
    const speech = this.#lastSpeech ?? mark;
    const end = endMark(speech, frameCountOf(speech));
    this.#options.onSpeechEnd?.(
      this.#earlier(
        borderOf(end, mark.position),
        this.#onsetPosition,
        end.format.sampleRate,
      ),
    );
    yield mark;
  }
}

/** A score that is no number is never above a threshold: nobody would be heard. */
function checkScore(score: number): void {
  if (Number.isFinite(score)) return;
  throw new TypeError(
    `Cannot use the detector's score as it must be a number from 0 to 1: current value is ${
      String(score)
    }`,
  );
}

/** Cuts a stream into the blocks of a detector, at the rate of its first block. */
class BlockCutter implements Stage<AudioFrame, AudioFrame> {
  readonly #detector: VoiceActivityDetector;
  #rechunker: Rechunker | undefined;

  constructor(detector: VoiceActivityDetector) {
    this.#detector = detector;
  }

  push(frame: AudioFrame): AudioFrame[] {
    const { sampleRate } = frame.format;
    this.#rechunker ??= new Rechunker(
      Math.max(1, Math.round(sampleRate * this.#detector.blockMs / 1000)),
    );
    return this.#rechunker.push(frame);
  }

  flush(): AudioFrame[] {
    return this.#rechunker?.flush() ?? [];
  }
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

function borderOf(
  { position, timestampMs }: AudioFrame,
  audioPosition: number,
): SpeechBorder {
  return { position, timestampMs, audioPosition };
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
