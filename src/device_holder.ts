/**
 * Who holds a busy device, as the kernel tells it in `/proc`.
 *
 * @module
 */

import { cardInName } from "./card_identity.ts";
import { AlsaError } from "./pcm.ts";

/**
 * Reads a small text file.
 *
 * @param path Its absolute path.
 * @returns Its text, or `undefined` when it cannot be read.
 */
export type ReadFile = (path: string) => string | undefined;

/** `EBUSY`. */
const BUSY = 16;

/**
 * Adds to the error of a busy device who holds it.
 *
 * That is whoever captures from the card in the device's name, or from any card
 * when there is none in the name.
 *
 * @param error What opening the device threw.
 * @param device ALSA's name of the device.
 * @param read Reads the files of `/proc`.
 * @returns An error that names the holders in its advice; `error` itself when
 *   it says something else, or nobody is found.
 */
export function withHolders(
  error: unknown,
  device: string,
  read: ReadFile,
): unknown {
  if (!(error instanceof AlsaError) || error.errno !== BUSY) return error;
  const holders = findHolders(device, read);
  if (holders.length === 0) return error;
  const close = holders.length === 1 ? "close it" : "close them";
  // Where the default is what is busy, no sound server shares it.
  const orShare = device === "default"
    ? ""
    : ', or use "default", which can be shared';
  return new AlsaError(error.call, error.errno, {
    detail: `the device "${device}"`,
    advice: `It is held by ${holders.join(" and ")}: ${close}${orShare}`,
  });
}

/**
 * Reads who has opened a PCM substream.
 *
 * @param statusText Its file `status` in `/proc/asound`.
 * @returns The id of the process or thread; `undefined` when it is closed, and
 *   when the owner is outside of this container.
 */
export function ownerPidOf(statusText: string): number | undefined {
  const pid = /^owner_pid\s*:\s*(\d+)$/m.exec(statusText)?.[1];
  // An owner that this process cannot see is 0.
  return Number(pid) || undefined;
}

/**
 * Names who captures from a card, each once.
 *
 * @param device A name of the card, or any other name for all cards.
 * @param read Reads the files of `/proc`.
 * @returns Such as `"arecord" (process 1234)`.
 */
export function findHolders(device: string, read: ReadFile): string[] {
  const captures = listCaptures(read("/proc/asound/pcm") ?? "");
  const card = cardInName(device);
  const onCard = card === undefined
    ? []
    : captures.filter(({ cardNumber }) =>
      `${cardNumber}` === card ||
      read(`/proc/asound/card${cardNumber}/id`)?.trim() === card
    );
  const holders = (onCard.length > 0 ? onCard : captures)
    .flatMap(({ substreams }) => substreams)
    .map((substream) => ownerPidOf(read(`${substream}/status`) ?? ""))
    .filter((pid) => pid !== undefined)
    .map((pid) => nameProcess(pid, read));
  return [...new Set(holders)];
}

/** Reads the list of PCMs: `01-00: USB Audio : USB Audio : capture 1`. */
function listCaptures(
  pcms: string,
): { cardNumber: number; substreams: string[] }[] {
  const lines = pcms.matchAll(/^(\d+)-(\d+): .* : capture (\d+)$/gm);
  return [...lines].map(([_line, card, device, count]) => {
    const cardNumber = Number(card);
    const folder = `/proc/asound/card${cardNumber}/pcm${Number(device)}c`;
    const substreams = Array.from(
      { length: Number(count) },
      (_, index) => `${folder}/sub${index}`,
    );
    return { cardNumber, substreams };
  });
}

/** The owner is the thread that opened: its process has the better name. */
function nameProcess(owner: number, read: ReadFile): string {
  const status = read(`/proc/${owner}/status`) ?? "";
  const pid = /^Tgid:\s*(\d+)$/m.exec(status)?.[1] ?? owner;
  const name = read(`/proc/${pid}/comm`)?.trim();
  return name ? `"${name}" (process ${pid})` : `process ${pid}`;
}
