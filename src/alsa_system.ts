/**
 * What libasound says of itself and of the cards' mixers, the kernel's small
 * files, its scheduling and its memory.
 *
 * @module
 */

import { acquireAlsa, releaseAlsa } from "../ffi/library.ts";
import { readCString } from "../ffi/memory.ts";

export { type CaptureControl, readCaptureControls } from "../ffi/mixer.ts";
export { setNice } from "../ffi/priority.ts";
export { readSystemFile } from "../ffi/system_file.ts";
export { trimMemory } from "../ffi/trim.ts";

/**
 * Asks libasound for its version.
 *
 * @returns Such as `"1.2.8"`.
 * @throws {AlsaError} When the library cannot be loaded.
 */
export function alsaVersion(): string {
  const alsa = acquireAlsa();
  try {
    return readCString(alsa, alsa.snd_asoundlib_version()) ?? "unknown";
  } finally {
    releaseAlsa();
  }
}
