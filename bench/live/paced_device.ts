/**
 * The paced device: `paced_pcm.c`, which behaves like a sound card with a ring
 * that overruns. It runs within the client, and costs every client the same.
 *
 * When a sample was captured is known exactly: its position is that of the clock.
 *
 * @module
 */

import type { Device } from "./device.ts";
import { monotonicMs } from "./libc.ts";
import { compileC } from "./tools.ts";

/** What ALSA itself is configured by. */
export const ALSA_CONFIG = "/usr/share/alsa/alsa.conf";

const RATES = [16_000, 24_000];

/**
 * Builds the device.
 *
 * @param folder Where it goes.
 * @returns The device.
 * @throws {Error} When it cannot be built.
 */
export async function openPacedDevice(folder: string): Promise<Device> {
  const library = await compileC(
    "paced_pcm.c",
    `${folder}/paced_pcm.so`,
    ...["-shared", "-fPIC", "-DPIC"],
  );
  const epochSeconds = Math.floor(monotonicMs() / 1000);
  const config = `${folder}/paced.conf`;
  await Deno.writeTextFile(
    config,
    `pcm_type.earshot_paced { lib "${library}" }
pcm.!default {
  type earshot_paced
  epoch_seconds ${epochSeconds}
  hint { show on description "Paced device of Earshot's bench" }
}
`,
  );
  return {
    id: "paced",
    env: { ALSA_CONFIG_PATH: `${ALSA_CONFIG}:${config}` },
    hasRate: (sampleRate) => RATES.includes(sampleRate),
    epochMs: () => Promise.resolve(epochSeconds * 1000),
    // Nothing runs; the folder is its owner's.
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
