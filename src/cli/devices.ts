/**
 * `earshot devices`: what there is to capture from.
 *
 * @module
 */

import type { CaptureDevice } from "../alsa_device.ts";
import { type Command, COMMON_OPTIONS } from "./command.ts";
import { choiceFor } from "./explain.ts";
import { table } from "./table.ts";

/** What the Realtime API takes. */
const API_RATE = 24_000;

/** `earshot devices`. */
export const devices: Command = {
  name: "devices",
  summary: "List the microphones.",
  options: ["json", ...COMMON_OPTIONS],
  details:
    `INDEX and NAME both work with --device. NATIVE says what the hardware has, and is
empty for sound servers and for busy hardware. Whatever it has is converted to what
is asked for; --verbose says how, for the 24000 Hz mono of the Realtime API.

Examples:
  earshot devices
  earshot devices --json`,

  run(options, world) {
    const list = world.listDevices();
    if (options.has("json")) {
      world.stdout.write(`${JSON.stringify(list, null, 2)}\n`);
      return Promise.resolve();
    }
    if (list.length === 0) {
      throw new Error(
        "There is no capture device. Plug in a microphone and run this again",
      );
    }
    const isVerbose = options.has("verbose");
    const rows = list.map((device) => [
      String(device.index),
      device.name,
      device.description,
      nativeOf(device),
      ...(isVerbose ? [choiceFor(device, API_RATE)] : []),
    ]);
    const heads = ["INDEX", "NAME", "DESCRIPTION", "NATIVE"];
    world.stdout.write(
      table([isVerbose ? [...heads, "CHOSEN, AND WHY"] : heads, ...rows]),
    );
    const noHardware = list.every(({ name }) => !name.includes("CARD="));
    if (noHardware && !options.has("quiet")) {
      world.stderr.write(
        "No sound card with a microphone was found. Plug one in; inside a container, give it /dev/snd\n",
      );
    }
    return Promise.resolve();
  },
};

function nativeOf({ busy, native }: CaptureDevice): string {
  if (busy) return "(busy)";
  if (native === undefined) return "";
  const rates = native.sampleRates.map((rate) => rate / 1000).join("/");
  return `${rates} kHz, ${native.channelCounts.join("/")} ch, ${
    native.sampleFormats.join("/")
  }`;
}
