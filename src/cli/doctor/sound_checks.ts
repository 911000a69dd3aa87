/**
 * Is there a microphone, and may it be used: library, cards, rights, sound
 * server, formats and mixer.
 *
 * @module
 */

import { type CaptureDevice, captureRateOf } from "../../alsa_device.ts";
import type { CaptureControl } from "../../alsa_system.ts";
import { cardInName } from "../../card_identity.ts";
import { findHolders } from "../../device_holder.ts";
import type { World } from "../command.ts";
import type { Finding } from "./finding.ts";

/** Where distributions keep the plugins of libasound. */
const PLUGIN_FOLDERS = [
  `/usr/lib/${Deno.build.arch}-linux-gnu/alsa-lib`,
  "/usr/lib64/alsa-lib",
  "/usr/lib/alsa-lib",
];

/** Plugins that matter, and what they are for. */
const PLUGINS = {
  pipewire: "libasound_module_pcm_pipewire.so",
  pulse: "libasound_module_pcm_pulse.so",
} as const;

/** What the Realtime API takes. */
const API_RATE = 24_000;

/** A capture volume below this is hardly ever meant. */
const LOW_VOLUME_PERCENT = 10;

/**
 * Looks at libasound and its plugins.
 *
 * @param world Where it runs.
 */
export function checkLibrary({ system }: World): Finding[] {
  const check = "library";
  let version: string;
  try {
    version = system.alsaVersion();
  } catch (error) {
    const { message } = error as Error;
    return [{ check, severity: "fail", text: message }];
  }
  const plugins = pluginsOf(system);
  return [{
    check,
    severity: "ok",
    text: `libasound ${version}; plugins for sound servers: ${
      plugins.join(", ") || "none"
    }`,
  }];
}

function pluginsOf(system: World["system"]): string[] {
  return Object.entries(PLUGINS)
    .filter(([, file]) =>
      PLUGIN_FOLDERS.some((folder) => system.exists(`${folder}/${file}`))
    )
    .map(([name]) => name);
}

interface KernelCard {
  readonly number: number;
  readonly id: string;
  readonly name: string;
}

/** Reads the kernel's list: ` 0 [Device ]: USB-Audio - USB PnP Sound Device`. */
function kernelCards({ system }: World): KernelCard[] {
  const text = system.readFile("/proc/asound/cards") ?? "";
  const lines = text.matchAll(/^\s*(\d+) \[(\S+)\s*\]: \S+ - (.*)$/gm);
  return [...lines].map(([, number, id, name]) => ({
    number: Number(number),
    id: id!,
    name: name!.trim(),
  }));
}

/**
 * Looks at the cards, and at who holds them.
 *
 * @param world Where it runs.
 */
export function checkCards(world: World): Finding[] {
  const check = "cards";
  const cards = kernelCards(world);
  if (cards.length === 0) {
    return [{
      check,
      severity: "warn",
      text: "The kernel has no sound card",
      advice:
        "Plug in a microphone; in a container or a virtual machine, pass it on (/dev/snd)",
    }];
  }
  const canCapture = world.system.readFile("/proc/asound/pcm") ?? "";
  return cards.map(({ number, id, name }) => {
    const card = `Card ${number}, "${id}" (${name})`;
    const isMicrophone = new RegExp(
      `^0*${number}-\\d+: .* : capture \\d+$`,
      "m",
    ).test(canCapture);
    if (!isMicrophone) {
      return { check, severity: "info", text: `${card}: it only plays` };
    }
    const holders = findHolders(`hw:${number}`, world.system.readFile);
    if (holders.length === 0) {
      return { check, severity: "ok", text: `${card}: free` };
    }
    return {
      check,
      severity: "info",
      text: `${card}: held by ${holders.join(" and ")}`,
      advice:
        'A sound server shares it as "default"; to open the card itself, end what holds it',
    };
  });
}

/**
 * Looks at the rights to open cards.
 *
 * @param world Where it runs.
 */
export function checkRights(world: World): Finding[] {
  const check = "rights";
  if (kernelCards(world).length === 0) return [];
  const { system } = world;
  const status = system.readFile("/proc/self/status") ?? "";
  const uid = /^Uid:\s+(\d+)/m.exec(status)?.[1];
  const groups = /^Groups:[ \t]*(.*)$/m.exec(status)?.[1]?.trim().split(/\s+/);
  const audio = /^audio:[^:]*:(\d+):/m.exec(
    system.readFile("/etc/group") ?? "",
  )?.[1];
  if (uid === "0") {
    return [{ check, severity: "ok", text: "root may use cards" }];
  }
  if (audio !== undefined && groups?.includes(audio)) {
    return [{ check, severity: "ok", text: "You are in the group audio" }];
  }
  return [{
    check,
    severity: "warn",
    text:
      "You are not in the group audio: cards open only while you sit at this machine, if at all",
    advice: "sudo usermod -aG audio $USER, and log in again",
  }];
}

/**
 * Looks at which sound servers run, and which owns the default device.
 *
 * @param world Where it runs.
 * @param devices What can be captured from.
 */
export function checkSoundServer(
  { system, variable }: World,
  devices: readonly CaptureDevice[],
): Finding[] {
  const check = "sound server";
  const folder = variable("XDG_RUNTIME_DIR");
  const servers = folder === undefined ? [] : [
    ...(system.exists(`${folder}/pipewire-0`) ? ["PipeWire"] : []),
    ...(system.exists(`${folder}/pulse/native`)
      ? ["PulseAudio (or its stand-in)"]
      : []),
  ];
  const description = devices.find(({ name }) => name === "default")
    ?.description;
  const owner = description === undefined
    ? ""
    : `; "default" is: ${description}`;
  if (servers.length > 0) {
    return [{
      check,
      severity: "ok",
      text: `${servers.join(" and ")} run${
        servers.length === 1 ? "s" : ""
      }${owner}`,
    }];
  }
  const isExpected = /pulse|pipewire/i.test(description ?? "");
  return [{
    check,
    severity: isExpected ? "warn" : "info",
    text: `No sound server runs for this user${owner}`,
    advice: isExpected
      ? 'Start it (systemctl --user start pipewire pipewire-pulse, or pulseaudio --start), or give --device a card of "earshot devices"'
      : undefined,
  }];
}

/**
 * Looks at what the chosen device has by itself.
 *
 * @param device ALSA's name of it.
 * @param devices What can be captured from.
 */
export function checkFormats(
  device: string,
  devices: readonly CaptureDevice[],
): Finding[] {
  const check = "formats";
  const found = devices.find(({ name }) => name === device);
  if (found?.busy) {
    return [{ check, severity: "info", text: `"${device}" is busy now` }];
  }
  if (found === undefined) {
    return [{
      check,
      severity: "info",
      text:
        `"${device}" is none of "earshot devices": its formats are not known`,
    }];
  }
  const { native } = found;
  if (native === undefined) {
    return [{
      check,
      severity: "info",
      text: `"${device}" takes any format: a sound server or a plugin converts`,
    }];
  }
  const rates = native.sampleRates.map((rate) => rate / 1000).join("/");
  const text = `"${device}" has ${rates} kHz, ${
    native.channelCounts.join("/")
  } channels, ${native.sampleFormats.join("/")}`;
  const rate = captureRateOf(native, API_RATE);
  if (rate === undefined) {
    return [{
      check,
      severity: "fail",
      text: `${text}; none of these rates is usual`,
      advice: "Use another device: earshot devices",
    }];
  }
  return [{
    check,
    severity: "ok",
    text: rate === API_RATE
      ? text
      : `${text}; it is captured at ${rate / 1000} kHz and converted`,
  }];
}

/**
 * Looks for a capture volume at zero and for a switch that is off.
 *
 * @param world Where it runs.
 * @param device ALSA's name of the device; of a card in it, only that one is
 *   looked at.
 */
export function checkMixer(world: World, device: string): Finding[] {
  const check = "mixer";
  const wanted = cardInName(device);
  const all = kernelCards(world);
  const cards = all
    .filter(({ number, id }) =>
      wanted === undefined || wanted === String(number) || wanted === id
    )
    .map(({ number, id }) => ({
      control: `hw:${number}`,
      name: `card ${number}, "${id}"`,
    }));
  // A sound server of another machine, say, has a mixer as well.
  const others = all.length > 0 || wanted !== undefined
    ? []
    : [{ control: "default", name: '"default"' }];
  return [...cards, ...others].flatMap(({ control, name: card }): Finding[] => {
    let controls;
    try {
      controls = world.system.captureControls(control);
    } catch (error) {
      // That there is no card is said elsewhere.
      if (control === "default") return [];
      const { message } = error as Error;
      return [{ check, severity: "warn", text: message }];
    }
    return judgeMixer(control, card, controls);
  });
}

/**
 * Of several inputs, a card often captures one: the switches of the others are
 * off. Only if all of them are, it is muted.
 */
function judgeMixer(
  control: string,
  card: string,
  controls: readonly CaptureControl[],
): Finding[] {
  const check = "mixer";
  const switched = controls.filter(({ isOn }) => isOn !== undefined);
  const isMuted = switched.length > 0 && switched.every(({ isOn }) => !isOn);
  return controls.map(({ name, percent, decibels, isOn }): Finding => {
    const level = percent === undefined
      ? "no volume"
      : `${Math.round(percent)} %${
        decibels === undefined ? "" : `, ${decibels.toFixed(1)} dB`
      }`;
    const text = `"${name}" of ${card}: ${level}`;
    const set = (what: string) =>
      `amixer -D ${control} sset '${name}' ${what}, or alsamixer -D ${control} (F4); "sudo alsactl store" keeps it`;
    if (isOn === false) {
      return isMuted && name === switched[0]!.name
        ? {
          check,
          severity: "fail",
          text: `${text}, and ${
            switched.length === 1 ? "the switch is" : "all switches are"
          } off: it is muted`,
          advice: set("cap"),
        }
        : { check, severity: "info", text: `${text}, and it is switched off` };
    }
    if (percent === 0) {
      return { check, severity: "fail", text, advice: set("80% cap") };
    }
    if (percent !== undefined && percent < LOW_VOLUME_PERCENT) {
      return { check, severity: "warn", text, advice: set("80% cap") };
    }
    return { check, severity: "ok", text };
  });
}
