/**
 * Memory for months.
 *
 * Deno starts with work that takes megabytes once, which malloc would keep. And all
 * that is kept in a table while somebody waits leaves a little behind: V8 has that
 * table among its old objects, and collects those only when they have become
 * megabytes more.
 *
 * @module
 */

import { DEFAULT_CHUNK_MS } from "../capture_settings.ts";
import type { World } from "./command.ts";

/** By then all code has been loaded, and has run. */
const FIRST_TRIM_MS = 10_000;

/**
 * Each chunk leaves its part behind. At 20 ms that is two minutes; collecting costs
 * as much as some hundred chunks.
 */
const CHUNKS_PER_TRIM = 6000;

/**
 * Gives memory back, now and then.
 *
 * @param world Where the program runs.
 * @param chunkMs Milliseconds of audio handled at a time; those of a capture that is
 *   not told otherwise by default.
 * @returns What ends it.
 */
export function startTrimming(
  world: World,
  chunkMs = DEFAULT_CHUNK_MS,
): Disposable {
  const { clock, system } = world;
  const ended = new AbortController();
  const { signal } = ended;
  const trim = async () => {
    await clock.sleep(FIRST_TRIM_MS, { signal });
    for (;;) {
      system.trimMemory();
      await clock.sleep(CHUNKS_PER_TRIM * chunkMs, { signal });
    }
  };
  // It is over, or there is no libc to ask, which is no reason to end.
  trim().catch(() => {});
  return { [Symbol.dispose]: () => ended.abort() };
}
