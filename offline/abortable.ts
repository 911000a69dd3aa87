/** Stands in for `@std/async/abortable` where JSR is out of reach. */

export async function abortable<T>(
  p: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([aborted.promise, p]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
