/**
 * The capture volumes and switches of a card's mixer.
 *
 * @module
 */

import { check } from "./errno.ts";
import { acquireAlsa, type Alsa, releaseAlsa } from "./library.ts";
import { cString, readCString } from "./memory.ts";

/** `SND_MIXER_SCHN_LAST`: ALSA knows channels from 0 to this. */
const LAST_CHANNEL = 31;

/** A control of a mixer that changes what is captured. */
export interface CaptureControl {
  /** Its name, such as `"Mic"` or `"Capture"`. */
  readonly name: string;
  /**
   * The volume of the loudest channel, in percent of its range; `undefined`
   * without a volume.
   */
  readonly percent: number | undefined;
  /** The same in dB; `undefined` when the card does not tell. */
  readonly decibels: number | undefined;
  /**
   * Whether any channel is switched on; `undefined` without a switch.
   */
  readonly isOn: boolean | undefined;
}

/**
 * Reads the capture controls of a card.
 *
 * @param card ALSA's name of the card's control, such as `"hw:0"`.
 * @returns The active controls that have a capture volume or switch, in the
 *   order of the mixer.
 * @throws {AlsaError} When there is no such card, or it has no mixer that can be
 *   read.
 */
export function readCaptureControls(card: string): CaptureControl[] {
  const alsa = acquireAlsa();
  try {
    const pointer = new BigUint64Array(1);
    check("snd_mixer_open", alsa.snd_mixer_open(pointer, 0));
    const mixer = pointer[0]!;
    try {
      const detail = `the mixer of "${card}"`;
      check(
        "snd_mixer_attach",
        alsa.snd_mixer_attach(mixer, cString(card)),
        detail,
      );
      check(
        "snd_mixer_selem_register",
        alsa.snd_mixer_selem_register(mixer, 0n, 0n),
        detail,
      );
      check("snd_mixer_load", alsa.snd_mixer_load(mixer), detail);
      return readControls(alsa, mixer);
    } finally {
      // It closes the card's control, too.
      alsa.snd_mixer_close(mixer);
    }
  } finally {
    releaseAlsa();
  }
}

function readControls(alsa: Alsa, mixer: bigint): CaptureControl[] {
  const controls: CaptureControl[] = [];
  for (
    let element = alsa.snd_mixer_first_elem(mixer);
    element !== 0n;
    element = alsa.snd_mixer_elem_next(element)
  ) {
    if (alsa.snd_mixer_selem_is_active(element) === 0) continue;
    const hasVolume = alsa.snd_mixer_selem_has_capture_volume(element) !== 0;
    const hasSwitch = alsa.snd_mixer_selem_has_capture_switch(element) !== 0;
    if (!hasVolume && !hasSwitch) continue;
    const name = alsa.snd_mixer_selem_get_name(element);
    controls.push({
      name: readCString(alsa, name) ?? "",
      ...(hasVolume
        ? readVolume(alsa, element)
        : { percent: undefined, decibels: undefined }),
      isOn: hasSwitch ? readSwitch(alsa, element) : undefined,
    });
  }
  return controls;
}

function readVolume(
  alsa: Alsa,
  element: bigint,
): Pick<CaptureControl, "percent" | "decibels"> {
  const min = new BigInt64Array(1);
  const max = new BigInt64Array(1);
  const value = new BigInt64Array(1);
  alsa.snd_mixer_selem_get_capture_volume_range(element, min, max);
  let loudest: bigint | undefined;
  let decibels: number | undefined;
  for (const channel of channelsOf(alsa, element)) {
    if (
      alsa.snd_mixer_selem_get_capture_volume(element, channel, value) < 0 ||
      loudest !== undefined && value[0]! <= loudest
    ) continue;
    loudest = value[0]!;
    // ALSA counts in hundredths.
    decibels = alsa.snd_mixer_selem_get_capture_dB(element, channel, value) < 0
      ? undefined
      : Number(value[0]) / 100;
  }
  const range = Number(max[0]! - min[0]!);
  // A range of nothing cannot be turned down.
  if (loudest === undefined || range <= 0) {
    return { percent: undefined, decibels };
  }
  return { percent: Number(loudest - min[0]!) * 100 / range, decibels };
}

function readSwitch(alsa: Alsa, element: bigint): boolean | undefined {
  const value = new Int32Array(1);
  let isOn: boolean | undefined;
  for (const channel of channelsOf(alsa, element)) {
    if (
      alsa.snd_mixer_selem_get_capture_switch(element, channel, value) >= 0
    ) isOn ||= value[0] !== 0;
  }
  return isOn;
}

function channelsOf(alsa: Alsa, element: bigint): number[] {
  return Array.from({ length: LAST_CHANNEL + 1 }, (_, channel) => channel)
    .filter((channel) =>
      alsa.snd_mixer_selem_has_capture_channel(element, channel) !== 0
    );
}
