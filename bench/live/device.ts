/**
 * What a client captures from.
 *
 * @module
 */

/** Names of the devices. */
export const DEVICE_IDS = ["paced", "pulse"] as const;

/** One of them. */
export type DeviceId = typeof DEVICE_IDS[number];

/** A microphone that plays the signal of `marks.h`, as ALSA's device "default". */
export interface Device extends AsyncDisposable {
  /** Its name. */
  readonly id: DeviceId;
  /** What clients need in their environment to find it. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * The rate at which a client is given the samples as they are, if it wants
   * another one than 24 kHz.
   *
   * @param sampleRate What the client wants.
   */
  hasRate(sampleRate: number): boolean;
  /** When the signal began, in milliseconds of `CLOCK_MONOTONIC`. */
  epochMs(): Promise<number>;
}
