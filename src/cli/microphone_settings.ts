/**
 * What `earshot calibrate` found for each microphone: a file beside that of the
 * settings, whose values stand behind all that the user says.
 *
 * @module
 */

import { type Command, deviceNameOf, type World } from "./command.ts";
import { defaultConfigPath } from "./config_file.ts";
import { didYouMean } from "./did_you_mean.ts";
import { fromJson, type OptionValue } from "./option_value.ts";
import type { Options } from "./options.ts";
import { UsageError } from "./usage_error.ts";

/** The settings of one microphone: those that differ from the defaults. */
export type MicrophoneSettings = Partial<
  Record<SettingName, string | number | boolean>
>;

type SettingName = typeof GAIN_NAMES[number] | typeof VAD_NAMES[number];

/** What is done to the audio. */
export const GAIN_NAMES = ["dc-block", "gain-db"] as const;

/** What tells speech from the rest; together they mean something. */
export const VAD_NAMES = ["vad-engine", "vad-threshold"] as const;

const NAMES: readonly SettingName[] = [...GAIN_NAMES, ...VAD_NAMES];

/** The file's content: the microphones by ALSA's name. */
type Microphones = Record<string, MicrophoneSettings>;

/**
 * Says where the file is: beside the file of settings.
 *
 * @param options What the user gave.
 * @param world Where the home is.
 * @returns The path, or `undefined` without a home.
 */
export function microphonesPath(
  options: Options,
  world: World,
): string | undefined {
  const path = options.configFile?.path ?? defaultConfigPath(world.variable);
  return path?.replace(/[^/]*$/, "microphones.json");
}

/**
 * Adds what was found for the microphone to what the user gave. The gain is left
 * out when the user gave one, and what is about speech when the user gave a
 * threshold or another engine, or an RMS threshold would be behind another gain.
 *
 * @param options What the user gave.
 * @param command The command that is to run.
 * @param world Where it runs.
 * @throws {UsageError} When the file cannot be used.
 */
export function offerMicrophoneSettings(
  options: Options,
  command: Command,
  world: World,
): void {
  const hears = command.options.some((name) =>
    GAIN_NAMES.some((gain) => gain === name)
  );
  const isFile = command.name === "vad" && options.operands.length > 0 ||
    options.text("input") !== undefined;
  const path = microphonesPath(options, world);
  if (!hears || isFile || path === undefined) return;
  const microphones = readMicrophones(path);
  if (Object.keys(microphones).length === 0) return;
  const device = deviceNameOf(options, world);
  const found = checked(microphones[device] ?? {}, device, path);
  const isOwnGain = options.originOf("gain-db") !== undefined ||
    options.originOf("auto-gain") !== undefined;
  const engine = options.text("vad-engine");
  const isOwnVad = options.originOf("vad-threshold") !== undefined ||
    engine !== undefined && engine !== found["vad-engine"] ||
    isOwnGain && found["vad-engine"] === "energy";
  const names: SettingName[] = [
    ...(isOwnGain ? ["dc-block"] as const : GAIN_NAMES),
    ...(isOwnVad ? [] : VAD_NAMES),
  ];
  for (const name of names) {
    const value = found[name];
    if (value === undefined || !command.options.includes(name)) continue;
    options.offer(name, value, path);
  }
}

/** Checks what the file says of a microphone. */
function checked(
  settings: MicrophoneSettings,
  device: string,
  path: string,
): Partial<Record<SettingName, OptionValue>> {
  const values: Partial<Record<SettingName, OptionValue>> = {};
  for (const [key, value] of Object.entries(settings)) {
    const place = `"${key}" of "${device}" in "${path}"`;
    const name = NAMES.find((name) => name === key);
    try {
      if (name === undefined) {
        throw new UsageError(
          `Unknown key ${place}${
            didYouMean(key, NAMES) || `: it must be one of ${NAMES.join(", ")}`
          }`,
        );
      }
      values[name] = fromJson(name, value, place);
    } catch (cause) {
      throw new UsageError(
        `${
          (cause as Error).message
        }. Mend the file, or run "earshot calibrate" for this microphone again`,
        { cause },
      );
    }
  }
  return values;
}

/**
 * Says whether something is kept for a microphone.
 *
 * @param path The file.
 * @param device ALSA's name of the microphone.
 * @throws {UsageError} When the file cannot be used.
 */
export function isKept(path: string, device: string): boolean {
  return Object.hasOwn(readMicrophones(path), device);
}

/**
 * Saves what was found for a microphone.
 *
 * @param path The file.
 * @param device ALSA's name of the microphone.
 * @param settings What was found; nothing forgets the microphone.
 * @throws {Error} When the file cannot be read or written.
 */
export async function saveMicrophoneSettings(
  path: string,
  device: string,
  settings: MicrophoneSettings | undefined,
): Promise<void> {
  const { [device]: _, ...others } = readMicrophones(path);
  const content = settings === undefined
    ? others
    : { ...others, [device]: settings };
  try {
    await Deno.mkdir(path.replace(/\/?[^/]*$/, "") || ".", { recursive: true });
    // Whoever starts meanwhile reads the old file or the new one.
    await Deno.writeTextFile(
      `${path}.part`,
      `${JSON.stringify(content, null, 2)}\n`,
    );
    await Deno.rename(`${path}.part`, path);
  } catch (cause) {
    throw new Error(
      `Cannot save the settings in "${path}": ${
        (cause as Error).message
      }. Give --config a place that you may write to`,
      { cause },
    );
  }
}

function readMicrophones(path: string): Microphones {
  // Without the permission there is nothing worth a prompt.
  const { state } = Deno.permissions.querySync({ name: "read", path });
  if (state !== "granted") return {};
  let content: unknown;
  try {
    content = JSON.parse(Deno.readTextFileSync(path));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return {};
    throw unusable(path, (cause as Error).message, cause);
  }
  const isRight = isObject(content) && Object.values(content).every(isObject);
  if (!isRight) {
    throw unusable(path, "it must be an object of objects of settings");
  }
  return content as Microphones;
}

function unusable(path: string, why: string, cause?: unknown): UsageError {
  return new UsageError(
    `Cannot use the microphones in "${path}": ${why}. Remove or mend the file`,
    { cause },
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
