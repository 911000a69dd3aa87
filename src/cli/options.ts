/**
 * The options that a command runs with: what was typed goes before the
 * environment, that before the configuration file, and that before the default.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import {
  type ConfigFile,
  defaultConfigPath,
  readConfigFile,
} from "./config_file.ts";
import { didYouMean } from "./did_you_mean.ts";
import {
  isNegatable,
  type OptionName,
  specOf,
  variableOf,
} from "./option_table.ts";
import { checkText, fromVariable, type OptionValue } from "./option_value.ts";
import { UsageError } from "./usage_error.ts";

interface Setting {
  readonly value: OptionValue;
  readonly origin: string;
}

/** What a command takes. */
export interface OptionRules {
  /** The options that it has. */
  readonly options: readonly OptionName[];
  /** What its operands are called, for errors; "[…]" can be left out. */
  readonly operands?: readonly string[];
}

/** The options that a command runs with. */
export class Options {
  readonly #settings = new Map<OptionName, Setting>();
  /** What is no option: file names and the like. */
  readonly operands: readonly string[];
  /** The configuration file; none when the command needs none. */
  readonly configFile: ConfigFile | undefined;

  /**
   * Reads what was typed behind a command's name, the environment and the
   * configuration file.
   *
   * @param args The arguments.
   * @param rules What the command takes.
   * @param variable Reads the environment.
   * @throws {UsageError} When something is unknown, missing or out of range.
   */
  constructor(
    args: readonly string[],
    rules: OptionRules,
    variable: (name: string) => string | undefined,
  ) {
    const { options: names, operands = [] } = rules;
    this.operands = this.#parse(args, names);
    // With it, nothing else matters.
    if (this.has("help")) return;
    checkOperands(this.operands, operands);
    for (const name of names) {
      if (specOf(name).only === "flag") continue;
      const origin = variableOf(name);
      const text = variable(origin);
      if (text === undefined) continue;
      this.offer(name, fromVariable(name, text, origin), origin);
    }
    if (!names.includes("config")) return;
    const named = this.text("config");
    const path = named ?? defaultConfigPath(variable);
    if (path === undefined) return;
    this.configFile = readConfigFile(path, named !== undefined);
    for (const [name, value] of this.configFile.values) {
      if (names.includes(name)) this.offer(name, value, path);
    }
  }

  /** Takes the settings that were typed, and gives what is no option. */
  #parse(args: readonly string[], names: readonly OptionName[]): string[] {
    const specs = names.map((name) => [name, specOf(name)] as const);
    const withValue = names.filter((name) => specOf(name).value !== undefined);
    const switches = names.filter((name) => specOf(name).value === undefined);
    const negations = new Map(
      switches.filter(isNegatable)
        .map((name) => [`no-${name}`, name]),
    );
    const parsed: { _: unknown[]; [name: string]: unknown } = parseArgs(
      withNegativeNumbers(args, withValue),
      {
        string: ["_", ...withValue],
        boolean: [...switches, ...negations.keys()],
        alias: Object.fromEntries(
          specs.flatMap(([name, { alias }]) => alias ? [[alias, name]] : []),
        ),
        unknown: (arg) => {
          if (!arg.startsWith("-") || arg === "-") return;
          throw new UsageError(
            `Unknown option "${arg}"${didYouMean(arg, names)}`,
          );
        },
      },
    );
    for (const name of switches) {
      if (parsed[name] === true) this.offer(name, true, `--${name}`);
    }
    for (const [negation, name] of negations) {
      if (parsed[negation] !== true) continue;
      if (this.has(name)) {
        throw new UsageError(
          `Cannot use both --${name} and --${negation}: give one of them`,
        );
      }
      this.offer(name, false, `--${negation}`);
    }
    for (const name of withValue) {
      const value = parsed[name];
      if (typeof value !== "string") continue;
      this.offer(name, checkText(name, value, `--${name}`), `--${name}`);
    }
    return parsed._.map(String);
  }

  /**
   * Takes a setting, unless one that goes before it was taken.
   *
   * @param name The option.
   * @param value Its value, checked.
   * @param origin Where it was given.
   */
  offer(name: OptionName, value: OptionValue, origin: string): void {
    if (!this.#settings.has(name)) this.#settings.set(name, { value, origin });
  }

  /**
   * Says whether a switch is on, or whether an option has a value that is not
   * its default.
   *
   * @param name The option.
   */
  has(name: OptionName): boolean {
    const setting = this.#settings.get(name);
    return setting !== undefined && setting.value !== false;
  }

  /**
   * Gives the value of an option.
   *
   * @param name The option.
   * @returns The text, or `undefined` when it was not given.
   */
  text(name: OptionName): string | undefined {
    const value = this.#settings.get(name)?.value;
    return typeof value === "string" ? value : undefined;
  }

  /**
   * Gives the value of an option that is a number.
   *
   * @param name The option; its range was checked.
   * @returns The number, or `undefined` when it was not given.
   */
  number(name: OptionName): number | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : Number(value);
  }

  /**
   * Says whether an option was typed: a setting of the environment or a file is
   * meant for whichever command can use it, one that was typed for this one.
   *
   * @param name The option.
   */
  isTyped(name: OptionName): boolean {
    return this.originOf(name)?.startsWith("--") ?? false;
  }

  /**
   * Says where the value of an option comes from.
   *
   * @param name The option.
   * @returns The flag, the variable or the file, or `undefined` for the default.
   */
  originOf(name: OptionName): string | undefined {
    return this.#settings.get(name)?.origin;
  }
}

/** A parser takes what begins with a dash for an option, also "-6". */
function withNegativeNumbers(
  args: readonly string[],
  names: readonly OptionName[],
): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const last = joined.at(-1);
    const isValue = /^-\d/.test(arg) && last?.startsWith("--") &&
      names.some((name) => last === `--${name}`);
    if (isValue) joined[joined.length - 1] += `=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

function checkOperands(
  operands: readonly string[],
  names: readonly string[],
): void {
  const missing = names[operands.length];
  if (missing !== undefined && !missing.startsWith("[")) {
    throw new UsageError(`Missing ${missing}`);
  }
  const extra = operands[names.length];
  if (extra !== undefined) {
    throw new UsageError(
      `Unexpected "${extra}": the command takes ${
        names.length === 0 ? "options only" : `no more than ${names.join(" ")}`
      }`,
    );
  }
  operands.forEach((operand, index) => {
    if (!names[index]!.includes("|")) return;
    const words = names[index]!.split("|");
    if (words.includes(operand)) return;
    throw new UsageError(
      `Unknown "${operand}"${
        didYouMean(operand, words) || `: it must be one of ${words.join(", ")}`
      }`,
    );
  });
}
