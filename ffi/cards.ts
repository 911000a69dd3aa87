/**
 * The sound cards of this machine.
 *
 * @module
 */

import { check } from "./errno.ts";
import { acquireAlsa, type Alsa, releaseAlsa } from "./library.ts";
import { cString, readCString } from "./memory.ts";

/** A sound card that is there now. */
export interface Card {
  /** Its number; it can change when cards are plugged in and out. */
  readonly number: number;
  /** Its id, such as `"Device"` for many USB microphones. */
  readonly id: string;
  /** Its long name, such as `"USB PnP Sound Device at usb-…, full speed"`. */
  readonly longName: string;
  /** What it is made of, such as `"USB0d8c:0014"`; may be empty. */
  readonly components: string;
}

/**
 * Lists the cards that this user may open.
 *
 * @returns The cards, by number.
 * @throws {AlsaError} When the library or the list of cards cannot be had.
 */
export function listCards(): Card[] {
  const alsa = acquireAlsa();
  try {
    return mapCards(alsa, (card) => card);
  } finally {
    releaseAlsa();
  }
}

/**
 * Makes something of each card that this user may open.
 *
 * @param alsa The open library.
 * @param toResult Makes it, of the card and its control (`snd_ctl_t *`), which
 *   is open until this returns.
 * @returns What was made, by the cards' numbers.
 * @throws {AlsaError} When the list of cards cannot be had.
 */
export function mapCards<Result>(
  alsa: Alsa,
  toResult: (card: Card, ctl: bigint) => Result,
): Result[] {
  const results: Result[] = [];
  const next = new Int32Array([-1]);
  for (;;) {
    check("snd_card_next", alsa.snd_card_next(next));
    const number = next[0]!;
    if (number < 0) return results;
    const pointer = new BigUint64Array(1);
    // One that was pulled out meanwhile is no card any more.
    if (alsa.snd_ctl_open(pointer, cString(`hw:${number}`), 0) < 0) continue;
    const ctl = pointer[0]!;
    try {
      const card = readCard(alsa, ctl, number);
      if (card !== undefined) results.push(toResult(card, ctl));
    } finally {
      alsa.snd_ctl_close(ctl);
    }
  }
}

function readCard(alsa: Alsa, ctl: bigint, number: number): Card | undefined {
  const info = alsa.calloc(1n, alsa.snd_ctl_card_info_sizeof());
  try {
    if (alsa.snd_ctl_card_info(ctl, info) < 0) return undefined;
    const text = (address: bigint) => readCString(alsa, address) ?? "";
    return {
      number,
      id: text(alsa.snd_ctl_card_info_get_id(info)),
      longName: text(alsa.snd_ctl_card_info_get_longname(info)),
      components: text(alsa.snd_ctl_card_info_get_components(info)),
    };
  } finally {
    alsa.free(info);
  }
}
