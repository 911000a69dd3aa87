/**
 * `earshot config`: which settings hold, where they come from, and what a file
 * of them may say.
 *
 * @module
 */

import { type Command, COMMON_OPTIONS } from "./command.ts";
import { CONFIG_NAMES } from "./config_file.ts";
import { type OptionName, specOf } from "./option_table.ts";
import { jsonTypeOf } from "./option_value.ts";
import type { Options } from "./options.ts";
import { offerProfile } from "./profile.ts";
import { table } from "./table.ts";

/** `earshot config`. */
export const config: Command = {
  name: "config",
  summary: "Show the settings and where they come from.",
  operands: ["show|schema"],
  options: [
    ...CONFIG_NAMES,
    ...COMMON_OPTIONS.filter((name) => !CONFIG_NAMES.includes(name)),
  ],
  details:
    `Every option can be a flag (--keep-seconds 30), a variable of the environment
(EARSHOT_KEEP_SECONDS=30), or a line in a file ("keep-seconds": 30), which is JSON
with comments. A flag goes before a variable, a variable before the file, and the
file before the default. A switch is true or false in the file, 1 or 0 in the
environment, and --no-NAME as a flag undoes it. The API key is no setting.

"show" tells what holds; "schema" prints a JSON schema for editors.

Examples:
  earshot config show
  earshot config show --config kiosk.jsonc --json
  earshot config schema > earshot.schema.json`,

  run(options, world) {
    const [action] = options.operands;
    offerProfile(options);
    world.stdout.write(
      action === "schema"
        ? `${JSON.stringify(configSchema(), null, 2)}\n`
        : options.has("json")
        ? `${JSON.stringify(settingsOf(options), null, 2)}\n`
        : shown(options),
    );
    return Promise.resolve();
  },
};

interface SettingRow {
  readonly name: OptionName;
  /** `null` where nothing was given. */
  readonly value: string | number | boolean | null;
  /** The flag, the variable, the file, or `default`. */
  readonly from: string;
}

function settingsOf(options: Options): SettingRow[] {
  return CONFIG_NAMES.map((name) => {
    const from = options.originOf(name);
    if (from === undefined) {
      const value = plainDefault(name) ?? null;
      return { name, value, from: "default" };
    }
    const type = jsonTypeOf(specOf(name));
    const value = type === "boolean"
      ? options.has(name)
      : type === "number"
      ? options.number(name)!
      : options.text(name)!;
    return { name, value, from };
  });
}

function shown(options: Options): string {
  const rows = settingsOf(options).map(({ name, value, from }) => [
    name,
    from === "default" && value === null
      ? String(specOf(name).default ?? "")
      : String(value),
    from,
  ]);
  const { configFile } = options;
  const file = configFile === undefined
    ? "There is no home for a file of settings"
    : configFile.exists
    ? `The file of settings is ${configFile.path}`
    : `There is no file of settings; it would be ${configFile.path}`;
  return `${file}\n\n${table([["NAME", "VALUE", "FROM"], ...rows])}`;
}

/**
 * Makes the schema of the configuration file.
 *
 * @returns A JSON schema of draft 2020-12.
 */
export function configSchema(): object {
  const properties = CONFIG_NAMES.map((name) => {
    const { range, isWhole, choices, isList, help } = specOf(name);
    const type = jsonTypeOf(specOf(name));
    const value = plainDefault(name);
    const words = choices?.join("|");
    const isNumbers = isList && range !== undefined;
    return [name, {
      description: help,
      type: isNumbers ? ["integer", type] : isWhole ? "integer" : type,
      ...(isNumbers && { pattern: "^\\d+(,\\d+)*$" }),
      ...(range && { minimum: range[0], maximum: range[1] }),
      ...(choices && !isList && { enum: choices }),
      ...(isList && choices && { pattern: `^(${words})(,(${words}))*$` }),
      ...(value !== undefined && { default: value }),
    }];
  });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Settings of earshot",
    type: "object",
    additionalProperties: false,
    properties: {
      $schema: { type: "string" },
      ...Object.fromEntries(properties),
    },
  };
}

/** A default that is a value, not words about it. */
function plainDefault(name: OptionName): string | number | boolean | undefined {
  const spec = specOf(name);
  if (spec.value === undefined) return false;
  const value = spec.default;
  return typeof value === "string" && value.startsWith("(") ? undefined : value;
}
