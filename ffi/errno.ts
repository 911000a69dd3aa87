/**
 * libasound's return codes as errors.
 *
 * The texts are our own instead of `snd_strerror`'s, so that an error needs no
 * open library: it may be that the library is what is missing, and a fake
 * device has none.
 *
 * @module
 */

/** What went wrong, in the few kinds that call for different reactions. */
export type AlsaErrorKind =
  /** The library, the device or the card is not there (any more). */
  | "unavailable"
  /** The system or Deno does not allow it. */
  | "permission"
  /** Another program holds the device. */
  | "busy"
  /** The device cannot do what was asked of it. */
  | "config"
  /** The device's ring ran over; it can be started again. */
  | "xrun"
  /** The machine or the device was suspended; it can be resumed. */
  | "suspended"
  /** Anything else. */
  | "io";

interface Errno {
  readonly code: string;
  readonly text: string;
  readonly kind: AlsaErrorKind;
  /** Better than the advice that goes with the kind. */
  readonly advice?: string;
}

/** Linux's numbers (`asm-generic/errno*.h`), the same on x86-64 and aarch64. */
const ERRNOS: Readonly<Record<number, Errno>> = {
  1: { code: "EPERM", text: "operation not permitted", kind: "permission" },
  2: { code: "ENOENT", text: "no such device name", kind: "unavailable" },
  4: { code: "EINTR", text: "interrupted system call", kind: "io" },
  5: { code: "EIO", text: "input/output error", kind: "io" },
  6: { code: "ENXIO", text: "no such device", kind: "unavailable" },
  11: { code: "EAGAIN", text: "nothing to read yet", kind: "io" },
  12: { code: "ENOMEM", text: "out of memory", kind: "io" },
  13: { code: "EACCES", text: "permission denied", kind: "permission" },
  16: { code: "EBUSY", text: "device or resource busy", kind: "busy" },
  19: { code: "ENODEV", text: "no such device", kind: "unavailable" },
  22: { code: "EINVAL", text: "invalid argument", kind: "config" },
  24: { code: "EMFILE", text: "too many open files", kind: "io" },
  25: { code: "ENOTTY", text: "not a sound device", kind: "config" },
  32: { code: "EPIPE", text: "overrun", kind: "xrun" },
  38: { code: "ENOSYS", text: "function not implemented", kind: "config" },
  77: {
    code: "EBADFD",
    text: "wrong device state, as after its removal",
    kind: "unavailable",
  },
  86: { code: "ESTRPIPE", text: "device suspended", kind: "suspended" },
  110: { code: "ETIMEDOUT", text: "timed out", kind: "io" },
  111: {
    code: "ECONNREFUSED",
    text: "connection refused",
    kind: "unavailable",
    advice:
      'Start the sound server (PulseAudio or PipeWire) of this user, or choose a device of a card with --device ("earshot devices" lists them)',
  },
};

const ADVICE: Readonly<Record<AlsaErrorKind, string>> = {
  // Cards that the user may not open are invisible to libasound.
  unavailable:
    'List the devices with "earshot devices" and choose one with --device; if the microphone is missing there, check that it is plugged in and that the user is in the group "audio" ("sudo usermod -aG audio $USER")',
  permission:
    'Add the user to the group "audio" ("sudo usermod -aG audio $USER") and log in again',
  busy:
    'Close the program that holds the device ("fuser -v /dev/snd/*" names it), or use "default", which can be shared',
  config:
    'Ask for a channel count that the device has ("earshot devices" lists them), or use its "plughw:" name, which converts',
  xrun: "Read more often or ask for a larger buffer",
  suspended: "Resume the device, or prepare and start it again",
  io:
    "Plug the microphone in again, or restart the sound server; if the error stays, look into the kernel's log with dmesg",
};

/** Extra facts for an {@linkcode AlsaError}. */
export interface AlsaErrorOptions extends ErrorOptions {
  /** What was attempted, such as `the device "hw:9,0"` or a library's paths. */
  detail?: string;
  /** What libasound says of an errno that has no text here. */
  text?: string;
  /** Replaces the kind that follows from the errno. */
  kind?: AlsaErrorKind;
  /** Replaces the advice that follows from the kind. */
  advice?: string;
}

/**
 * A call into libasound that failed.
 *
 * The message names the C call, the errno and what to do next.
 *
 * @example Telling a busy device from a missing one
 * ```ts
 * import { AlsaError } from "@nevil/earshot";
 *
 * const error = new AlsaError("snd_pcm_open", 16);
 * error.kind; // "busy"
 * error.code; // "EBUSY"
 * ```
 */
export class AlsaError extends Error {
  /** `"AlsaError"`. */
  override readonly name = "AlsaError";
  /** The C function that failed, such as `"snd_pcm_open"`. */
  readonly call: string;
  /** The positive errno, such as 16; 0 when no C function was reached. */
  readonly errno: number;
  /** The errno's name, such as `"EBUSY"`. */
  readonly code: string;
  /** What went wrong, in the few kinds that call for different reactions. */
  readonly kind: AlsaErrorKind;
  /** One sentence that says what to do next. */
  readonly advice: string;

  /**
   * Describes a failed call.
   *
   * @param call The C function that failed.
   * @param errno Its errno, positive or (as libasound returns it) negative.
   * @param options What was attempted, and what to say instead of the defaults.
   */
  constructor(call: string, errno: number, options: AlsaErrorOptions = {}) {
    const number = Math.abs(errno);
    const known = ERRNOS[number];
    const code = number === 0 ? "NONE" : known?.code ?? `E${number}`;
    const kind = options.kind ?? known?.kind ?? "io";
    const advice = options.advice ?? known?.advice ?? ADVICE[kind];
    const what = options.detail === undefined ? "" : ` for ${options.detail}`;
    const why = number === 0
      ? ""
      : `: ${known?.text ?? options.text ?? "unknown error"} (${code})`;
    super(`${call} failed${what}${why}. ${advice}`, options);
    this.call = call;
    this.errno = number;
    this.code = code;
    this.kind = kind;
    this.advice = advice;
  }
}

/**
 * Turns a negative return code into an {@linkcode AlsaError}.
 *
 * @param call The C function that returned it.
 * @param result What it returned.
 * @param detail What was attempted.
 * @returns `result`, when it is not negative.
 * @throws {AlsaError} When `result` is negative.
 */
export function check(call: string, result: number, detail?: string): number {
  if (result < 0) throw new AlsaError(call, result, { detail });
  return result;
}
