/** Stands in for `@std/async/delay` where JSR is out of reach. */

/** The longest time that a timer can be set to. */
const MAX_MS = 2 ** 31 - 1;

export async function delay(
  ms: number,
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  const { signal } = options;
  for (let leftMs = ms; leftMs > MAX_MS; leftMs -= MAX_MS) {
    await sleep(MAX_MS, signal);
  }
  await sleep(ms > MAX_MS ? ms % MAX_MS : ms, signal);
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
