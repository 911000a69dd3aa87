/**
 * The configuration file: JSON with comments, with a key for every option that
 * can stand in it.
 *
 * @module
 */

import { readVariable } from "../environment.ts";
import { didYouMean } from "./did_you_mean.ts";
import { OPTION_NAMES, type OptionName, specOf } from "./option_table.ts";
import { fromJson, type OptionValue } from "./option_value.ts";
import { UsageError } from "./usage_error.ts";

/** A file of settings. */
export interface ConfigFile {
  /** Where it is. */
  readonly path: string;
  /** What it sets; nothing when there is no such file. */
  readonly values: ReadonlyMap<OptionName, OptionValue>;
  /** Whether it is there. */
  readonly exists: boolean;
}

/** The options that can stand in it. */
export const CONFIG_NAMES: readonly OptionName[] = OPTION_NAMES.filter((name) =>
  specOf(name).only === undefined
);

/**
 * Says where the file is, unless the user says so.
 *
 * @param variable Reads the environment.
 * @returns The path, or `undefined` without a home.
 */
export function defaultConfigPath(
  variable: (name: string) => string | undefined = readVariable,
): string | undefined {
  const home = variable("HOME");
  const base = variable("XDG_CONFIG_HOME") ?? (home && `${home}/.config`);
  return base && `${base}/earshot/config.jsonc`;
}

/**
 * Reads a file of settings.
 *
 * @param path Where it is.
 * @param isNamed Whether the user named it, so that it must be there.
 * @returns What it sets.
 * @throws {UsageError} When it cannot be read, is no JSON, or sets something
 *   unknown or wrong.
 */
export function readConfigFile(path: string, isNamed: boolean): ConfigFile {
  const text = readText(path, isNamed);
  if (text === undefined) return { path, values: new Map(), exists: false };
  return { path, values: parseConfig(text, path), exists: true };
}

/**
 * Reads the text of a file of settings.
 *
 * @param text JSON; comments, commas behind a last element, and nothing at all
 *   are allowed.
 * @param path Where it is, for errors.
 * @returns What it sets.
 * @throws {UsageError} When it is no JSON, or sets something unknown or wrong.
 */
export function parseConfig(
  text: string,
  path: string,
): Map<OptionName, OptionValue> {
  const json = withoutComments(text);
  let content: unknown;
  try {
    content = json.trim() === "" ? {} : JSON.parse(json);
  } catch (cause) {
    throw new UsageError(
      `Cannot read "${path}" as JSON: ${(cause as Error).message}`,
      { cause },
    );
  }
  if (
    typeof content !== "object" || content === null || Array.isArray(content)
  ) {
    throw new UsageError(
      `Cannot use "${path}" as it must hold one object, such as { "device": "default" }`,
    );
  }
  const values = new Map<OptionName, OptionValue>();
  for (const [key, value] of Object.entries(content)) {
    // Editors find the schema by it.
    if (key === "$schema") continue;
    const name = CONFIG_NAMES.find((name) => name === key);
    if (name === undefined) {
      throw new UsageError(
        `Unknown key "${key}" in "${path}"${
          didYouMean(key, CONFIG_NAMES) ||
          ': "earshot config show" lists what there is'
        }`,
      );
    }
    values.set(name, fromJson(name, value, `"${key}" in "${path}"`));
  }
  return values;
}

function readText(path: string, isNamed: boolean): string | undefined {
  // Without the permission, only a file that the user named is worth a prompt.
  const { state } = Deno.permissions.querySync({ name: "read", path });
  if (!isNamed && state !== "granted") return undefined;
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    if (!isNamed && cause instanceof Deno.errors.NotFound) return undefined;
    throw new UsageError(
      `Cannot read the settings in "${path}": ${(cause as Error).message}`,
      { cause },
    );
  }
}

/**
 * Blanks comments and commas behind last elements, so that the places in
 * `JSON.parse`'s errors stay right.
 */
function withoutComments(text: string): string {
  const string = String.raw`"(?:\\.|[^"\\])*"`;
  const comment = String.raw`\/\/[^\n]*|\/\*[^]*?\*\/`;
  return text
    .replaceAll(
      new RegExp(`${string}|${comment}`, "g"),
      (found) =>
        found.startsWith('"') ? found : found.replaceAll(/[^\n]/g, " "),
    )
    .replaceAll(
      new RegExp(String.raw`${string}|,(?=\s*[}\]])`, "g"),
      (found) => found === "," ? " " : found,
    );
}
