/**
 * The kernel's small files, read through libc.
 *
 * Deno opens `/proc` with `--allow-all` only; the permission for libasound,
 * which is here anyway, includes libc.
 *
 * @module
 */

import { acquireAlsa, releaseAlsa } from "./library.ts";
import { cString } from "./memory.ts";

/** No file that is read here is longer. */
const MAX_BYTES = 64 * 1024;

/**
 * Reads a small file, such as those of `/proc`, at once.
 *
 * @param path The absolute path of the file; reading must not have to wait.
 * @returns Its text, no more than the first 64 KiB, or `undefined` when it
 *   cannot be read.
 * @throws {AlsaError} When libasound cannot be loaded.
 */
export function readSystemFile(path: string): string | undefined {
  const alsa = acquireAlsa();
  try {
    // Programs that are started meanwhile do not inherit the file ("e").
    const file = alsa.fopen(cString(path), cString("re"));
    if (file === 0n) return undefined;
    try {
      const bytes = new Uint8Array(MAX_BYTES);
      const length = alsa.fread(bytes, 1n, BigInt(bytes.length), file);
      // A directory can be opened, but not read.
      if (alsa.ferror(file) !== 0) return undefined;
      return new TextDecoder().decode(bytes.subarray(0, Number(length)));
    } finally {
      alsa.fclose(file);
    }
  } finally {
    releaseAlsa();
  }
}
