/**
 * Where the program finds the API key.
 *
 * @module
 */

import type { World } from "./command.ts";
import type { Log } from "./log.ts";
import type { Options } from "./options.ts";

/** The name of systemd's credential, see `LoadCredential=` in systemd.exec(5). */
export const CREDENTIAL_NAME = "openai_api_key";

/** Permission bits of a file for anybody but its owner. */
const OTHERS = 0o077;

/**
 * Finds the API key: in the file that the user names, else in `OPENAI_API_KEY`,
 * else in the credential that systemd passes on to a service.
 *
 * @param options What the user gave.
 * @param world Where it runs.
 * @param log Where it is said that others can read the file.
 * @returns What reads the key anew for every connection, so that a new key needs
 *   no restart; `undefined` when only `OPENAI_API_KEY` is left to ask.
 */
export function apiKeyOf(
  options: Options,
  world: World,
  log: Log,
): (() => Promise<string>) | undefined {
  const file = options.text("key-file");
  if (file !== undefined) {
    return async () => {
      const key = await readKey(file, log);
      if (key.trim() !== "") return key;
      throw new Error(`There is no API key in "${file}": write it there`);
    };
  }
  if (world.variable("OPENAI_API_KEY") !== undefined) return undefined;
  const folder = world.variable("CREDENTIALS_DIRECTORY");
  if (folder === undefined) return undefined;
  return () => readKey(`${folder}/${CREDENTIAL_NAME}`, log);
}

async function readKey(path: string, log: Log): Promise<string> {
  try {
    const { mode } = await Deno.stat(path);
    if (mode !== null && (mode & OTHERS) !== 0) {
      log.warn(
        `Others can read the API key in "${path}". Run: chmod 600 "${path}"`,
      );
    }
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new Error(
      `Cannot read the API key in "${path}": ${(cause as Error).message}`,
      { cause },
    );
  }
}
