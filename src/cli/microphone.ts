/**
 * The microphone of a command.
 *
 * @module
 */

import {
  type Microphone,
  type MicrophoneEvent,
  openMicrophone,
  periodFramesFor,
} from "../microphone.ts";
import type { Clock } from "../clock.ts";
import type { AudioFrame } from "../frame.ts";
import type { FrontEndOptions } from "../front_end.ts";
import { takeFrames } from "../take.ts";
import { deviceNameOf, type World } from "./command.ts";
import { explanationFor } from "./explain.ts";
import type { Log } from "./log.ts";
import { OPTIONS } from "./option_table.ts";
import type { Options } from "./options.ts";
import { UsageError } from "./usage_error.ts";

/** A device that takes longer to open is worth a word. */
const PATIENCE_MS = 2000;

/** How late a microphone's audio may be before its time is over without it. */
const LATENESS_MS = 2000;

/**
 * Opens the microphone that the user asked for. Ctrl-C gives up the opening;
 * later it ends the capture in order, so that nothing captured is lost. What
 * happens to the microphone is said on stderr.
 *
 * @param options What the user gave.
 * @param world Where it runs.
 * @param chunkMs Milliseconds of audio in a period, unless the user says so.
 * @param log Where it is said.
 * @returns The running microphone.
 */
export async function openMicrophoneFor(
  options: Options,
  world: World,
  chunkMs: number,
  log: Log,
): Promise<Microphone> {
  const sampleRate = options.number("rate") ?? 24_000;
  const chunkFrames = sampleRate * (options.number("chunk-ms") ?? chunkMs) /
    1000;
  const explain = explanationFor(options, world, log);
  const opening = new AbortController();
  const giveUp = () => opening.abort(world.signal.reason);
  world.signal.throwIfAborted();
  world.signal.addEventListener("abort", giveUp);
  const openingMicrophone = openMicrophone({
    device: deviceNameOf(options, world),
    sampleRate,
    ...channelsOf(options),
    periodFrames: periodFramesFor(
      Math.ceil(chunkFrames),
      bufferFramesOf(options),
      sampleRate,
    ),
    reopen: !options.has("fail-fast"),
    onEvent: (event) => {
      const text = describe(event, sampleRate);
      if (text !== undefined) log.warn(text);
    },
    signal: opening.signal,
    openPcm: world.openPcm,
    clock: world.clock,
  });
  const microphone = await patiently(openingMicrophone, log, world.clock);
  world.signal.removeEventListener("abort", giveUp);
  world.signal.addEventListener("abort", () => microphone.stop(), {
    once: true,
  });
  explain(microphone.parameters);
  return microphone;
}

/**
 * Reads how much the device may hand over at once: a whole chunk of up to a second
 * (at 24 kHz), so that the program wakes up once for each.
 *
 * @param options What the user gave.
 * @returns Frames.
 */
export function bufferFramesOf(options: Options): number {
  return options.number("buffer-frames") ?? OPTIONS["buffer-frames"].default;
}

/**
 * Reads which channels are wanted.
 *
 * @param options What the user gave.
 * @returns How many, and which of the device, from 0; all without that.
 * @throws {UsageError} When their number contradicts their list.
 */
export function channelsOf(
  options: Options,
): { channelCount: number; channel?: readonly number[] } {
  const channel = options.text("channel")?.split(",").map((n) => Number(n) - 1);
  const channelCount = options.number("channels") ?? channel?.length ?? 1;
  if (channel === undefined) return { channelCount };
  if (channel.length === channelCount) return { channelCount, channel };
  throw new UsageError(
    `Cannot use both --channels ${channelCount} and --channel ${
      options.text("channel")
    }: name as many as there are to be`,
  );
}

/**
 * Reads what is done to audio before anything listens.
 *
 * @param options What the user gave.
 * @returns The settings of the front end.
 */
export function frontEndOf(options: Options): FrontEndOptions {
  return {
    dcBlock: options.has("dc-block"),
    gainDb: options.number("gain-db") ?? 0,
    autoGain: options.has("auto-gain"),
  };
}

/**
 * Says that something takes its time, so that nobody thinks it hangs.
 *
 * @param waiting What is waited for.
 * @param log Where it is said.
 * @param clock The clock.
 * @returns What `waiting` resolves with.
 */
export async function patiently<T>(
  waiting: Promise<T>,
  log: Log,
  clock: Clock,
): Promise<T> {
  const over = new AbortController();
  clock.sleep(PATIENCE_MS, { signal: over.signal }).then(
    () => log.info("Waiting for the microphone, or its sound server, to open"),
    () => {},
  );
  try {
    return await waiting;
  } finally {
    over.abort();
  }
}

/**
 * Ends a recording after a time, also while there is no microphone.
 *
 * @param frames What is recorded.
 * @param microphone Where it comes from; it is stopped when nothing comes.
 * @param seconds How long.
 * @param clock The clock.
 * @returns The blocks up to there.
 */
export async function* takeSeconds(
  frames: AsyncIterable<AudioFrame>,
  microphone: Microphone,
  seconds: number,
  clock: Clock,
): AsyncGenerator<AudioFrame> {
  const over = new AbortController();
  clock.sleep(seconds * 1000 + LATENESS_MS, { signal: over.signal })
    .then(() => microphone.stop(), () => {});
  try {
    const { sampleRate } = microphone.parameters;
    yield* takeFrames(frames, Math.round(seconds * sampleRate));
  } finally {
    over.abort();
  }
}

/**
 * Says what happens to a microphone.
 *
 * @param event What happens.
 * @param sampleRate Frames per second.
 * @returns A line, or nothing when it goes without saying.
 */
export function describe(
  event: MicrophoneEvent,
  sampleRate: number,
): string | undefined {
  switch (event.type) {
    case "gap": {
      const lostMs = Math.round(event.lostFrames * 1000 / sampleRate);
      return `Audio is missing: ${lostMs} ms (${event.cause})`;
    }
    case "stalled":
    case "silent":
      return event.error.message;
    case "sound":
      return "The microphone gives sound again";
    case "state":
      switch (event.state.status) {
        case "recovering":
          // A stall was told already.
          return event.state.error.code === "ETIMEDOUT"
            ? undefined
            : `The microphone was lost: ${event.state.error.message}`;
        case "waiting":
          return `Waiting for the microphone: ${event.state.error.message}`;
        case "running":
          return event.state.reopenCount > 0
            ? "The microphone is back"
            : undefined;
      }
  }
}

/**
 * Says what a microphone lost, if anything.
 *
 * @param microphone The microphone.
 * @returns A sentence, or nothing.
 */
export function lossOf(microphone: Microphone): string | undefined {
  const { lostFrames, lostFramesByCause, slowConsumerFrames } =
    microphone.stats;
  const { sampleRate } = microphone.parameters;
  const ms = (frameCount: number) => Math.round(frameCount * 1000 / sampleRate);
  const total = lostFrames + slowConsumerFrames;
  if (ms(total) === 0) return undefined;
  const causes = { ...lostFramesByCause, slow_consumer: slowConsumerFrames };
  const parts = Object.entries(causes)
    .filter(([, frameCount]) => ms(frameCount) > 0)
    .map(([cause, frameCount]) => `${cause} ${ms(frameCount)} ms`);
  return `Lost ${ms(total)} ms of audio: ${parts.join(", ")}`;
}
