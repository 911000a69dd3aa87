/**
 * What a PCM capture device is to this package, real or fake.
 *
 * The methods follow libasound's `snd_pcm_*` calls closely enough that a fake
 * can fail in every way a card can, and no closer.
 *
 * @module
 */

import type { AudioFormat } from "./frame.ts";

export {
  AlsaError,
  type AlsaErrorKind,
  type AlsaErrorOptions,
} from "../ffi/errno.ts";

/**
 * What a sound card is known by when it comes back with another number, and
 * perhaps in another port.
 */
export interface CardIdentity {
  /** ALSA's id of it, such as `"Device"`; a twin's is then `"Device_1"`. */
  readonly id: string;
  /**
   * ALSA's long name, which holds the port that a USB card is plugged into:
   * `"USB PnP Sound Device at usb-0000:01:00.0-1.2, full speed"`.
   */
  readonly longName: string;
  /** What ALSA says it is made of, such as `"USB0d8c:0014"`; may be empty. */
  readonly components: string;
  /** Whether no other card was of its model when it was opened. */
  readonly isOnlyOfItsModel: boolean;
}

/** What is asked of a device. */
export interface PcmRequest extends AudioFormat {
  /** ALSA's name of the device, such as `"default"` or `"plughw:CARD=Mic"`. */
  readonly device: string;
  /**
   * The device must be on this card, whatever its number is now. That means
   * nothing where the name has no card in it: the default may have changed.
   */
  readonly card?: CardIdentity;
  /**
   * The channels of the device, from 0, that are wanted, in this order;
   * `channelCount` is how many. Without it the device chooses.
   */
  readonly channels?: readonly number[];
  /** Frames after which the device wakes its reader; it may choose others. */
  readonly periodFrames: number;
  /** Frames the device's own ring should hold; it may choose others. */
  readonly bufferFrames: number;
}

/**
 * What a device was configured to: rate and channels are as requested, and
 * `device` is the name that was opened.
 */
export interface PcmParameters extends Omit<PcmRequest, "card" | "channels"> {
  /**
   * The rate that the device itself runs at, in Hz, when its samples are
   * converted to `sampleRate`.
   */
  readonly deviceRate?: number;
}

/** The states of an ALSA PCM (`snd_pcm_state_t`). */
export type PcmState =
  | "open"
  | "setup"
  | "prepared"
  | "running"
  | "xrun"
  | "draining"
  | "paused"
  | "suspended"
  | "disconnected";

/** A snapshot of a device (`snd_pcm_status`). */
export interface PcmStatus {
  /** What the device is doing. */
  readonly state: PcmState;
  /** Frames that can be read now. */
  readonly availableFrames: number;
  /**
   * Frames between the next one to be read and the one that the converter
   * makes at this moment: `availableFrames` plus what the hardware still holds.
   */
  readonly delayFrames: number;
  /** The moment of the snapshot, in milliseconds of `performance.now()`. */
  readonly timestampMs: number;
}

/**
 * A configured capture device in the state `prepared`.
 *
 * Every method but {@linkcode PcmDevice.wait} and {@linkcode PcmDevice.close}
 * returns at once, and every one of them throws an `AlsaError` when the device
 * refuses.
 */
export interface PcmDevice {
  /** What the device was configured to. */
  readonly parameters: PcmParameters;
  /** The card that it is on, when it is on one. */
  readonly card?: CardIdentity;
  /** Starts capturing; the state becomes `running`. */
  start(): void;
  /**
   * Waits until a period can be read or the device needs attention.
   *
   * @param timeoutMs The longest wait. It is short (80 ms or less), because a
   *   wait cannot be cancelled.
   * @returns `false` when the time ran out, else `true`.
   */
  wait(timeoutMs: number): Promise<boolean>;
  /** Takes a snapshot of the device. */
  status(): PcmStatus;
  /**
   * Reads interleaved frames.
   *
   * @param samples Where they go; its length is a multiple of the channel count.
   * @returns How many frames were written, 0 when there is none to read.
   */
  read(samples: Int16Array): number;
  /** Makes the device ready to start, also after an xrun. */
  prepare(): void;
  /**
   * Asks a suspended device to go on.
   *
   * @returns `false` while it is still busy waking up: ask again later.
   */
  resume(): boolean;
  /** Stops at once; frames that were not read are discarded. */
  drop(): void;
  /** Releases the device; safe to call twice, never throws. */
  close(): Promise<void>;
}

/** Opens and configures a device. */
export type OpenPcm = (request: PcmRequest) => Promise<PcmDevice>;
