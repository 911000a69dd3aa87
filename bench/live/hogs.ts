/**
 * Something else to do for every core.
 *
 * @module
 */

import { startChild } from "./children.ts";

/**
 * Keeps cores busy.
 *
 * @param count How many, from the first one on.
 * @returns What ends them.
 */
export function startHogs(count: number): AsyncDisposable {
  const hogs = new AsyncDisposableStack();
  for (let core = 0; core < count; core++) {
    hogs.use(
      startChild("taskset", [
        ...["-c", String(core)],
        ...["sh", "-c", "while :; do :; done"],
      ]),
    );
  }
  return hogs;
}
