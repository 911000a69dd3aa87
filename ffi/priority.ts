/**
 * The kernel's scheduling of this program, through libc, as `datagram.ts` does.
 *
 * @module
 */

import { acquireAlsa, releaseAlsa } from "./library.ts";

/** `PRIO_PROCESS`, which on Linux is one thread: 0 is the calling one. */
const PRIO_PROCESS = 0;

/**
 * Sets the nice value of the thread that runs JavaScript; threads that it starts
 * later inherit it.
 *
 * @param nice −20, which goes before everybody, to 19. Below 0 the kernel wants
 *   `CAP_SYS_NICE` or a limit (`LimitNICE=` of systemd) that allows it.
 * @returns Whether it was set.
 * @throws {AlsaError} When libasound cannot be loaded.
 */
export function setNice(nice: number): boolean {
  const libc = acquireAlsa();
  try {
    return libc.setpriority(PRIO_PROCESS, 0, nice) === 0;
  } finally {
    releaseAlsa();
  }
}
