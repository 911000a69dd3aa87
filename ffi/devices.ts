/**
 * What there is to capture from: the cards' devices, and the names that ALSA's
 * configuration offers.
 *
 * @module
 */

import { type PcmCapabilities, readCapabilities } from "./capabilities.ts";
import { type Card, mapCards } from "./cards.ts";
import { check } from "./errno.ts";
import { acquireAlsa, type Alsa, releaseAlsa } from "./library.ts";
import { cString, readCString, readPointer } from "./memory.ts";
import { OPEN_NONBLOCK, STREAM_CAPTURE } from "./pcm.ts";

/** `-EBUSY`. */
const BUSY = -16;

/** A capture device of a sound card. */
export interface CardDevice {
  /** The card's number; it can change when cards are plugged in and out. */
  readonly card: number;
  /** The card's id, such as `"Device"` for many USB microphones. */
  readonly cardId: string;
  /** The card's long name, such as `"USB PnP Sound Device at usb-…"`. */
  readonly cardName: string;
  /** The device's number on the card. */
  readonly device: number;
  /** The device's name, such as `"USB Audio"`. */
  readonly deviceName: string;
  /** Whether another program holds the device now. */
  readonly busy: boolean;
  /** What the hardware has; `undefined` when it could not be opened. */
  readonly capabilities: PcmCapabilities | undefined;
}

/** A PCM name that ALSA's configuration offers. */
export interface PcmHint {
  /** The name to open, such as `"default"` or `"pulse"`. */
  readonly name: string;
  /** What the configuration says of it; it may have several lines. */
  readonly description: string;
}

/** Everything that can be captured from. */
export interface CaptureSources {
  /** The capture devices of the cards, by card and device number. */
  readonly cardDevices: CardDevice[];
  /** The names for capture, in the order of ALSA's configuration. */
  readonly hints: PcmHint[];
}

/**
 * Lists what there is to capture from.
 *
 * @returns The cards' devices and the names that the configuration offers.
 * @throws {AlsaError} When the library, the list of cards or the configuration
 *   cannot be had.
 */
export function listCaptureSources(): CaptureSources {
  const alsa = acquireAlsa();
  try {
    return { cardDevices: listCardDevices(alsa), hints: listHints(alsa) };
  } finally {
    releaseAlsa();
  }
}

function listCardDevices(alsa: Alsa): CardDevice[] {
  return mapCards(alsa, (card, ctl) => listDevicesOfCard(alsa, card, ctl))
    .flat();
}

function listDevicesOfCard(alsa: Alsa, card: Card, ctl: bigint): CardDevice[] {
  const pcmInfo = alsa.calloc(1n, alsa.snd_pcm_info_sizeof());
  const devices: CardDevice[] = [];
  const next = new Int32Array([-1]);
  try {
    for (;;) {
      if (alsa.snd_ctl_pcm_next_device(ctl, next) < 0) return devices;
      const device = next[0]!;
      if (device < 0) return devices;
      alsa.snd_pcm_info_set_device(pcmInfo, device);
      alsa.snd_pcm_info_set_stream(pcmInfo, STREAM_CAPTURE);
      // A device that only plays has no such stream.
      if (alsa.snd_ctl_pcm_info(ctl, pcmInfo) < 0) continue;
      devices.push({
        card: card.number,
        cardId: card.id,
        cardName: card.longName,
        device,
        deviceName: readCString(alsa, alsa.snd_pcm_info_get_name(pcmInfo)) ??
          "",
        ...probe(alsa, `hw:${card.number},${device}`),
      });
    }
  } finally {
    alsa.free(pcmInfo);
  }
}

/**
 * Asks a device which channel counts it has, by opening it for a moment.
 *
 * @param name ALSA's name of the device.
 * @returns The counts up to 32; `undefined` when it cannot be opened now.
 * @throws {AlsaError} When the library cannot be loaded.
 */
export function readChannelCounts(
  name: string,
): readonly number[] | undefined {
  const alsa = acquireAlsa();
  try {
    return probe(alsa, name).capabilities?.channelCounts;
  } finally {
    releaseAlsa();
  }
}

/** Opens a device for a moment to ask what it has. */
function probe(
  alsa: Alsa,
  name: string,
): Pick<CardDevice, "busy" | "capabilities"> {
  const pointer = new BigUint64Array(1);
  const result = alsa.snd_pcm_open(
    pointer,
    cString(name),
    STREAM_CAPTURE,
    OPEN_NONBLOCK,
  );
  if (result < 0) return { busy: result === BUSY, capabilities: undefined };
  const pcm = pointer[0]!;
  const capabilities = readCapabilities(alsa, pcm);
  alsa.snd_pcm_close(pcm);
  return { busy: false, capabilities };
}

function listHints(alsa: Alsa): PcmHint[] {
  const pointer = new BigUint64Array(1);
  const result = alsa.snd_device_name_hint(-1, cString("pcm"), pointer);
  check("snd_device_name_hint", result);
  const list = pointer[0]!;
  const hints: PcmHint[] = [];
  // An array of pointers, ended by `NULL`.
  for (let entry = list;; entry += 8n) {
    const hint = readPointer(alsa, entry);
    if (hint === 0n) break;
    const name = readHint(alsa, hint, "NAME");
    const direction = readHint(alsa, hint, "IOID");
    if (name === undefined || direction === "Output") continue;
    hints.push({ name, description: readHint(alsa, hint, "DESC") ?? "" });
  }
  alsa.snd_device_name_free_hint(list);
  return hints;
}

/** Reads one text of a hint, which the caller of libasound must free. */
function readHint(alsa: Alsa, hint: bigint, id: string): string | undefined {
  const address = alsa.snd_device_name_get_hint(hint, cString(id));
  const text = readCString(alsa, address);
  alsa.free(address);
  return text;
}
