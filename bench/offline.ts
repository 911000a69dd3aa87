/**
 * An hour of audio as fast as it goes, beside what the Python class does, in one
 * run: volume or VAD, chunks, base64 and `append` messages.
 *
 * ```sh
 * deno task bench:offline
 * deno task bench:offline --engine neural     # none, threshold, energy or neural
 * deno task bench:offline --minutes 10 --rounds 3
 * ```
 *
 * Counted is the CPU time of the process (user and system, all threads), the
 * median of some rounds in which all take turns, behind a round that warms up;
 * trust the ratios. The hour is one minute again and again. With VAD the Python
 * class sends the chunks above its threshold, and nothing else; ours adds pre-roll
 * and hangover, and so has more to encode.
 *
 * Needs Debian's python3-numpy for the reference, which is left out without it.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { cpuUsage } from "node:process";
import {
  type AudioFrame,
  createDetector,
  encodeBase64,
  gateSpeech,
  measureVolume,
  pcm16ToBase64,
  rechunk,
  rmsVolume,
  type StageOutput,
  type StageSource,
  type VoiceActivityDetector,
} from "../mod.ts";
import { median } from "./live/statistics.ts";
import { consume } from "./sink.ts";
import { FORMAT, speechlikeMinute } from "./speechlike.ts";

/** The Python that Debian's packages are for, whatever else is in the PATH. */
const PYTHON = "/usr/bin/python3";

/** The threshold of the Python class, and one below which nothing is. */
const THRESHOLD = 0.02;
const NO_THRESHOLD = -1;

const CHUNK_MS = [20, 200];

/** The goals, for chunks of 20 ms. */
const GOAL_CHUNK_MS = 20;
const GOAL_REAL_TIME = 15_000;
const GOAL_OVER_PYTHON = 20;

/** Detectors by name; without one the volume is measured. */
const ENGINES: Record<string, () => VoiceActivityDetector | undefined> = {
  none: () => undefined,
  threshold: () => createDetector({ threshold: THRESHOLD }),
  energy: () => createDetector({ engine: "energy" }),
  neural: () => createDetector({ engine: "neural" }),
};

/** Those that do what the Python class does. */
const DEFAULT_ENGINES = ["none", "threshold"];

/** What a round took, and how much it gave. */
interface Round {
  readonly cpuSeconds: number;
  /** Of base64. */
  readonly characters: number;
}

/** Cuts a block out of a stretch that is repeated, to be the one at a position. */
function blockAt(
  stretch: Int16Array,
  position: number,
  periodFrames: number,
): AudioFrame {
  const begin = position % stretch.length;
  return {
    format: FORMAT,
    samples: stretch.subarray(begin, begin + periodFrames),
    position,
    timestampMs: position * 1000 / FORMAT.sampleRate,
  };
}

/** Gives a stretch again and again: all is there. */
function* recorded(
  stretch: Int16Array,
  repeats: number,
  periodFrames: number,
): Generator<AudioFrame> {
  const end = repeats * stretch.length;
  for (let position = 0; position < end; position += periodFrames) {
    yield blockAt(stretch, position, periodFrames);
  }
}

/**
 * Gives the same one after another, as a microphone would. It has a loop of its own,
 * as one generator around the other would be measured, too.
 */
async function* captured(
  stretch: Int16Array,
  repeats: number,
  periodFrames: number,
): AsyncGenerator<AudioFrame> {
  const end = repeats * stretch.length;
  for (let position = 0; position < end; position += periodFrames) {
    yield blockAt(stretch, position, periodFrames);
  }
}

/** Base64 needs no escapes, so that nothing has to look for some. */
function appendMessage(audio: string): string {
  return `{"type":"input_audio_buffer.append","audio":"${audio}"}`;
}

/**
 * Takes a message as a socket would: in one piece. V8 leaves a concatenation in
 * its parts until somebody looks into it.
 */
function takeMessage(message: string): void {
  consume(message.charCodeAt(message.length >> 1));
}

function cpuSecondsNow(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1e6;
}

/** All stages, as a user puts them behind one another. */
function stagesBehind<From extends StageSource<AudioFrame>>(
  source: From,
  chunkFrames: number,
  detector: VoiceActivityDetector | undefined,
): StageOutput<From, string> {
  const heard: StageSource<AudioFrame> = detector === undefined
    ? measureVolume(source)
    : gateSpeech(source, detector);
  const encoded = encodeBase64(rechunk(heard, chunkFrames));
  return encoded as StageOutput<From, string>;
}

/** The stages behind what is there already. */
function runAtOnce(
  minute: Int16Array,
  minutes: number,
  chunkFrames: number,
  detector: VoiceActivityDetector | undefined,
): Round {
  const begin = cpuSecondsNow();
  let characters = 0;
  const frames = recorded(minute, minutes, chunkFrames);
  for (const audio of stagesBehind(frames, chunkFrames, detector)) {
    takeMessage(appendMessage(audio));
    characters += audio.length;
  }
  return { cpuSeconds: cpuSecondsNow() - begin, characters };
}

/** The stages behind what is waited for. */
async function runInTime(
  minute: Int16Array,
  minutes: number,
  chunkFrames: number,
  detector: VoiceActivityDetector | undefined,
): Promise<Round> {
  const begin = cpuSecondsNow();
  let characters = 0;
  const frames = captured(minute, minutes, chunkFrames);
  for await (const audio of stagesBehind(frames, chunkFrames, detector)) {
    takeMessage(appendMessage(audio));
    characters += audio.length;
  }
  return { cpuSeconds: cpuSecondsNow() - begin, characters };
}

/** What the Python class does, in a bare loop: it shows what stages cost. */
function runLoop(
  minute: Int16Array,
  minutes: number,
  chunkFrames: number,
  threshold: number,
): Round {
  const begin = cpuSecondsNow();
  let characters = 0;
  for (let repeat = 0; repeat < minutes; repeat++) {
    for (let at = 0; at < minute.length; at += chunkFrames) {
      const samples = minute.subarray(at, at + chunkFrames);
      if (rmsVolume(samples) <= threshold) continue;
      const audio = pcm16ToBase64(samples);
      takeMessage(appendMessage(audio));
      characters += audio.length;
    }
  }
  return { cpuSeconds: cpuSecondsNow() - begin, characters };
}

/** The Python class's pipeline in a process of its own. */
async function runPython(
  minute: Int16Array<ArrayBuffer>,
  minutes: number,
  chunkFrames: number,
  threshold: number,
): Promise<Round> {
  const script = new URL("offline.py", import.meta.url).pathname;
  const python = new Deno.Command(PYTHON, {
    args: [script, ...[chunkFrames, threshold, minutes].map(String)],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = python.stdin.getWriter();
  await writer.write(new Uint8Array(minute.buffer));
  await writer.close();
  const { success, stdout } = await python.output();
  if (!success) throw new Error(`Cannot run ${script}: see above`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Which package the reference lacks, if any. */
async function missingPackage(): Promise<string | undefined> {
  try {
    const { success } = await new Deno.Command(PYTHON, {
      args: ["-c", "import numpy"],
      stderr: "null",
    }).output();
    return success ? undefined : "python3-numpy";
  } catch (error) {
    // Deno grants no right to run what is not there.
    const isMissing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotCapable;
    if (isMissing) return "python3-numpy";
    throw error;
  }
}

/** What one engine and one size of chunks came to. */
interface Row {
  readonly name: string;
  /** Seconds of audio for each CPU second. */
  readonly realTime: number;
  /** How much of the audio was encoded, in percent. */
  readonly sentPercent: number;
}

/** Lets all take turns. */
async function measure(
  runs: ReadonlyMap<string, () => Round | Promise<Round>>,
  audioSeconds: number,
  roundCount: number,
): Promise<Row[]> {
  const rounds = new Map<string, Round[]>();
  for (let round = -1; round < roundCount; round++) {
    for (const [name, run] of runs) {
      const result = await run();
      if (round < 0) rounds.set(name, []);
      else rounds.get(name)!.push(result);
    }
  }
  return [...rounds].map(([name, results]) => {
    const bytes = results[0]!.characters * 3 / 4;
    const cpuSeconds = median(results.map(({ cpuSeconds }) => cpuSeconds));
    return {
      name,
      realTime: audioSeconds / cpuSeconds,
      sentPercent: 100 * bytes / (2 * FORMAT.sampleRate * audioSeconds),
    };
  });
}

function verdict(value: number | undefined, goal: number): string {
  if (value === undefined) return "is unknown";
  return value >= goal ? "holds" : "does not hold";
}

if (import.meta.main) {
  let isKnown = true;
  const args = parseArgs(Deno.args, {
    string: ["engine", "minutes", "rounds"],
    unknown: () => {
      isKnown = false;
    },
  });
  const minutes = Number(args.minutes ?? 60);
  const roundCount = Number(args.rounds ?? 5);
  const engines: string[] = args.engine === undefined
    ? DEFAULT_ENGINES
    : [args.engine];
  if (
    !isKnown || !engines.every((engine) => Object.hasOwn(ENGINES, engine)) ||
    !(minutes >= 1) || !(roundCount >= 1)
  ) {
    console.error(
      `Cannot start: usage is bench:offline [--engine ${
        Object.keys(ENGINES).join("|")
      }] [--minutes 60] [--rounds 5]`,
    );
    Deno.exit(2);
  }
  const missing = await missingPackage();
  if (missing !== undefined) {
    console.log(
      `Python is left out as ${missing} is missing: apt install ${missing}\n`,
    );
  }
  console.log(`${minutes} minutes, medians of ${roundCount} rounds\n`);
  console.log("| chunks | VAD | | s of audio per CPU s | × Python | encoded |");
  console.log("|---|---|---|---|---|---|");
  const minute = speechlikeMinute();
  const verdicts: string[] = [];
  for (const engine of engines) {
    const threshold = engine === "none" ? NO_THRESHOLD : THRESHOLD;
    for (const chunkMs of CHUNK_MS) {
      const frames = chunkMs * FORMAT.sampleRate / 1000;
      const runs = new Map<string, () => Round | Promise<Round>>([
        [
          "stages of a recording",
          () => runAtOnce(minute, minutes, frames, ENGINES[engine]!()),
        ],
        [
          "stages of a stream",
          () => runInTime(minute, minutes, frames, ENGINES[engine]!()),
        ],
        ["a bare loop", () => runLoop(minute, minutes, frames, threshold)],
      ]);
      if (missing === undefined) {
        runs.set("Python", () => runPython(minute, minutes, frames, threshold));
      }
      const rows = await measure(runs, 60 * minutes, roundCount);
      const python = rows.find(({ name }) => name === "Python")?.realTime;
      for (const { name, realTime, sentPercent } of rows) {
        const overPython = python === undefined ? undefined : realTime / python;
        console.log(
          `| ${chunkMs} ms | ${engine} | ${name} | ${realTime.toFixed(0)} | ${
            overPython?.toFixed(1) ?? "–"
          } | ${sentPercent.toFixed(0)} % |`,
        );
        if (chunkMs !== GOAL_CHUNK_MS || name === "Python") continue;
        verdicts.push(
          `${engine}, ${name}: ${GOAL_REAL_TIME} × real time ${
            verdict(realTime, GOAL_REAL_TIME)
          }, ${GOAL_OVER_PYTHON} × Python ${
            verdict(overPython, GOAL_OVER_PYTHON)
          }`,
        );
      }
    }
  }
  console.log(`\nGoals at ${GOAL_CHUNK_MS} ms:\n${verdicts.join("\n")}`);
}
