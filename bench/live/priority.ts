/**
 * Who may wait and who may not. What measures must not be delayed by what it
 * measures: the sink, the sound server and its player come first, where the bench
 * runs as root; the clients and the hogs have the priority that everybody has.
 *
 * @module
 */

/** The command that starts another one first in line; without the right, as usual. */
export const URGENT = ["nice", "-n", "-15"] as const;
