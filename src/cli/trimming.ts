/**
 * Memory for months: Deno starts with work that takes megabytes once, and malloc
 * would keep them.
 *
 * @module
 */

import type { World } from "./command.ts";

/** By then all code has been loaded, and has run. */
const FIRST_TRIM_MS = 10_000;

/** It costs about a millisecond. */
const TRIM_INTERVAL_MS = 60_000;

/**
 * Gives back to the kernel what was freed, now and then.
 *
 * @param world Where the program runs.
 * @returns What ends it.
 */
export function startTrimming(world: World): Disposable {
  const { clock, system } = world;
  const ended = new AbortController();
  const { signal } = ended;
  const trim = async () => {
    await clock.sleep(FIRST_TRIM_MS, { signal });
    for (;;) {
      system.trimMemory();
      await clock.sleep(TRIM_INTERVAL_MS, { signal });
    }
  };
  // It is over, or there is no libc to ask, which is no reason to end.
  trim().catch(() => {});
  return { [Symbol.dispose]: () => ended.abort() };
}
