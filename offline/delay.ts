/** Stands in for `@std/async/delay` where JSR is out of reach. */

import { setTimeout } from "node:timers/promises";

/** The longest time that a timer can be set to. */
const MAX_MS = 2 ** 31 - 1;

export async function delay(
  ms: number,
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  const { signal } = options;
  signal?.throwIfAborted();
  try {
    for (let leftMs = ms; leftMs > MAX_MS; leftMs -= MAX_MS) {
      await setTimeout(MAX_MS, undefined, { signal });
    }
    await setTimeout(ms > MAX_MS ? ms % MAX_MS : ms, undefined, { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}
