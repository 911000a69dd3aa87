/**
 * The microphone of a command.
 *
 * @module
 */

import {
  type Microphone,
  openMicrophone,
  periodFramesFor,
} from "../microphone.ts";
import { deviceNameOf, type World } from "./command.ts";
import type { Options } from "./options.ts";

/**
 * Opens the microphone that the user asked for. Ctrl-C gives up the opening;
 * later it ends the capture in order, so that nothing captured is lost.
 *
 * @param options What the user gave.
 * @param world Where it runs.
 * @param chunkMs Milliseconds of audio in a period, unless the user says so.
 * @returns The running microphone.
 */
export async function openMicrophoneFor(
  options: Options,
  world: World,
  chunkMs: number,
): Promise<Microphone> {
  const sampleRate = options.number("rate") ?? 24_000;
  const chunkFrames = sampleRate * (options.number("chunk-ms") ?? chunkMs) /
    1000;
  const opening = new AbortController();
  const giveUp = () => opening.abort(world.signal.reason);
  world.signal.throwIfAborted();
  world.signal.addEventListener("abort", giveUp);
  const microphone = await openMicrophone({
    device: deviceNameOf(options, world),
    sampleRate,
    channelCount: options.number("channels") ?? 1,
    periodFrames: periodFramesFor(
      Math.ceil(chunkFrames),
      options.number("buffer-frames") ?? 4096,
      sampleRate,
    ),
    signal: opening.signal,
    openPcm: world.openPcm,
    clock: world.clock,
  });
  world.signal.removeEventListener("abort", giveUp);
  world.signal.addEventListener("abort", () => microphone.stop(), {
    once: true,
  });
  if (options.has("verbose")) {
    const { device, periodFrames, bufferFrames } = microphone.parameters;
    world.stderr.write(
      `Opened "${device}": ${sampleRate} Hz, period ${periodFrames} frames, ring ${bufferFrames} frames\n`,
    );
  }
  return microphone;
}

/**
 * Says what a microphone lost, if anything.
 *
 * @param microphone The microphone.
 * @returns A sentence, or nothing.
 */
export function lossOf(microphone: Microphone): string | undefined {
  const { lostFrames, slowConsumerFrames, xrunCount } = microphone.stats;
  if (lostFrames + slowConsumerFrames === 0) return undefined;
  const { sampleRate } = microphone.parameters;
  const lostMs = Math.round(
    (lostFrames + slowConsumerFrames) * 1000 / sampleRate,
  );
  return `Lost ${lostMs} ms of audio: ${lostFrames} frames in ${xrunCount} overruns of the device, ${slowConsumerFrames} because this machine was too slow`;
}
