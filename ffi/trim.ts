/**
 * Gives memory back to the kernel, through libc, as `datagram.ts` does.
 *
 * @module
 */

import { acquireAlsa, releaseAlsa } from "./library.ts";

/**
 * Gives back what malloc keeps of what was freed.
 *
 * @throws {AlsaError} When libasound cannot be loaded.
 */
export function trimMemory(): void {
  const libc = acquireAlsa();
  try {
    libc.malloc_trim?.(0n);
  } finally {
    releaseAlsa();
  }
}
