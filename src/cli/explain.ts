/**
 * How a microphone is opened, and why so.
 *
 * @module
 */

import { type CaptureDevice, captureRateOf } from "../alsa_device.ts";
import type { PcmParameters } from "../pcm.ts";
import { deviceNameOf, type World } from "./command.ts";
import type { Log } from "./log.ts";
import {
  GAIN_NAMES,
  microphonesPath,
  VAD_NAMES,
} from "./microphone_settings.ts";
import type { Options } from "./options.ts";

/**
 * Says how a device is captured at a rate, mono, and why.
 *
 * @param device The device.
 * @param sampleRate The rate, in Hz.
 * @returns Words such as `48 kHz, made 24 kHz by our filter, as it has no 24 kHz`.
 */
export function choiceFor(
  { busy, native }: CaptureDevice,
  sampleRate: number,
): string {
  if (busy) return "(busy)";
  const wanted = `${sampleRate / 1000} kHz`;
  if (native === undefined) {
    return `${wanted}: a sound server or a plugin converts, or we do`;
  }
  const rate = captureRateOf(native, sampleRate);
  if (rate === undefined) return "nothing: it has no usual rate";
  const format = native.sampleFormats.includes("S16_LE")
    ? ""
    : `, ${native.sampleFormats[0]} made S16_LE by ALSA`;
  const channels = native.channelCounts.includes(1)
    ? ""
    : `, ${native.channelCounts[0]} channels made one by ALSA`;
  return rate === sampleRate
    ? `${wanted}, as it has that${format}${channels}`
    : `${
      rate / 1000
    } kHz, made ${wanted} by our filter, as it has no ${wanted}${format}${channels}`;
}

/**
 * Prepares the words about a microphone: what its hardware has can be asked only
 * before it is open.
 *
 * @param options What the user gave; `--explain` makes it said, else it is for
 *   those who debug.
 * @param world Where the list of devices comes from.
 * @param log Where it is said.
 * @param isGated Whether the program itself tells speech from the rest: else what
 *   is kept for that is not in use.
 * @returns A function that says it, once the microphone is open.
 */
export function explanationFor(
  options: Options,
  world: World,
  log: Log,
  isGated = true,
): (parameters: PcmParameters) => void {
  if (!options.has("explain")) {
    return (parameters) => log.debug(openedAs(parameters));
  }
  const name = deviceNameOf(options, world);
  const device = world.listDevices().find((device) => device.name === name);
  return (parameters) => {
    log.info(openedAs(parameters));
    if (device?.native !== undefined && options.text("channel") === undefined) {
      log.info(`Chosen: ${choiceFor(device, parameters.sampleRate)}`);
    }
    const used = isGated ? [...GAIN_NAMES, ...VAD_NAMES] : GAIN_NAMES;
    const kept = used.filter((name) =>
      options.originOf(name) === microphonesPath(options, world)
    );
    if (kept.length > 0) {
      log.info(
        `From "earshot calibrate": ${
          kept.map((name) => `--${name} ${options.text(name) ?? ""}`.trim())
            .join(", ")
        }`,
      );
    }
  };
}

/** Says what a device was opened with, and what is converted. */
function openedAs(parameters: PcmParameters): string {
  const {
    device,
    sampleRate,
    channelCount,
    periodFrames,
    bufferFrames,
    deviceRate,
  } = parameters;
  const ms = (frames: number) => `${Math.round(frames * 1000 / sampleRate)} ms`;
  const rate = deviceRate === undefined
    ? `${sampleRate} Hz`
    : `${sampleRate} Hz, which it does not have: converted from its ${deviceRate} Hz`;
  const channels = channelCount === 1 ? "" : `, ${channelCount} channels`;
  return `Opened "${device}" at ${rate}${channels}; period ${periodFrames} frames (${
    ms(periodFrames)
  }), ring ${bufferFrames} frames (${ms(bufferFrames)})`;
}
