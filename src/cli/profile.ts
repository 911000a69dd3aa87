/**
 * Profiles: chunk, period and scheduling that go together.
 *
 * @module
 */

import type { World } from "./command.ts";
import type { Log } from "./log.ts";
import type { Options } from "./options.ts";

/** What a profile stands for; flags, variables and the file go before it. */
interface Profile {
  /** Milliseconds of audio in a chunk. */
  readonly chunkMs: number;
  /** How willingly the kernel lets others go first, −20–19. */
  readonly nice: number;
}

/**
 * A chunk is one period in each, so that the program wakes up once for each chunk,
 * at the moment when it is complete. The ring is 2.5 s or more in all of them: a
 * long one costs memory, but no latency.
 */
const PROFILES: Readonly<Record<string, Profile>> = {
  "low-latency": { chunkMs: 20, nice: -10 },
  balanced: { chunkMs: 100, nice: 0 },
  "low-power": { chunkMs: 500, nice: 0 },
};

/**
 * Puts a profile behind what the user gave.
 *
 * @param options What the user gave.
 */
export function offerProfile(options: Options): void {
  const name = options.text("profile");
  if (name === undefined) return;
  const { chunkMs } = PROFILES[name]!;
  options.offer("chunk-ms", String(chunkMs), `--profile ${name}`);
}

/**
 * Has the kernel schedule the program as its profile says.
 *
 * @param options What the user gave.
 * @param world Where it runs.
 * @param log Where a refusal is said, for those who want to know.
 */
export function applyScheduling(
  options: Options,
  world: World,
  log: Log,
): void {
  const name = options.text("profile");
  const { nice } = PROFILES[name ?? "balanced"]!;
  if (nice === 0) return;
  const isSet = world.system.setNice(nice);
  const text = isSet
    ? `Scheduled before others (nice ${nice})`
    : `Not scheduled before others, as the kernel allows no nice ${nice}: see LimitNICE= of systemd`;
  if (options.has("explain")) log.info(text);
  else log.debug(text);
}
