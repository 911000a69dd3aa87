/** Stands in for `@std/async/delay` where JSR is out of reach. */

import { setTimeout } from "node:timers/promises";

export async function delay(
  ms: number,
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  const { signal } = options;
  signal?.throwIfAborted();
  try {
    await setTimeout(ms, undefined, { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}
