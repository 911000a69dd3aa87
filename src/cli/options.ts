/**
 * The options of all commands, in one table: it feeds the parser, the checks
 * and the help.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";

/** What a user typed is wrong; the exit code is 2. */
export class UsageError extends Error {
  /** `"UsageError"`. */
  override readonly name = "UsageError";
}

interface OptionSpec {
  /** What stands for the value in the help; a switch has none. */
  readonly value?: string;
  /** A number within a range, or one of a few words; else any text. */
  readonly range?: readonly [min: number, max: number];
  readonly isWhole?: boolean;
  readonly choices?: readonly string[];
  readonly alias?: string;
  readonly help: string;
}

/** Every option that some command has. */
const OPTIONS = {
  device: {
    value: "NAME",
    alias: "d",
    help: 'name or index of the device, as "earshot devices" lists it',
  },
  rate: {
    value: "HZ",
    range: [4000, 384_000],
    isWhole: true,
    help: "sample rate (default 24000, all that the Realtime API takes)",
  },
  channels: {
    value: "N",
    range: [1, 32],
    isWhole: true,
    help: "channels (default 1, all that the Realtime API takes)",
  },
  "chunk-ms": {
    value: "MS",
    range: [5, 60_000],
    help: "milliseconds of audio handled at a time",
  },
  "buffer-frames": {
    value: "N",
    range: [16, 480_000],
    isWhole: true,
    help: "most frames handed over by the device at once (default 4096)",
  },
  "vad-threshold": {
    value: "LEVEL",
    range: [0, 1],
    help: "RMS volume above which audio is speech, 0 to 1 (default 0.02)",
  },
  seconds: {
    value: "N",
    range: [0.001, 1e9],
    alias: "s",
    help: "stop after this time (default: at Ctrl-C)",
  },
  json: { help: "print JSON" },
  transcribe: {
    help: "a transcription session: text of what is said, no reply",
  },
  model: { value: "ID", help: "model of the session" },
  url: {
    value: "URL",
    help: "another endpoint: a compatible server, or Azure",
  },
  insecure: { help: "allow an unencrypted ws: URL to another machine" },
  vad: {
    value: "WHO",
    choices: ["client", "server"],
    help: "who finds the ends of turns: this program or the server",
  },
  "keep-seconds": {
    value: "N",
    range: [0, 3600],
    help: "speech kept while there is no connection (default 60)",
  },
  "fill-gaps": {
    help: "put silence in the place of audio that was lost",
  },
  "fail-fast": {
    help: "end when the microphone or the connection is lost",
  },
  input: { value: "FILE", help: "a 24000 Hz mono WAV to use for a microphone" },
  verbose: { alias: "v", help: "say more on stderr" },
  quiet: { alias: "q", help: "say nothing on stderr but errors" },
  help: { alias: "h", help: "show this help" },
} as const satisfies Record<string, OptionSpec>;

/** The name of an option, without its dashes. */
export type OptionName = keyof typeof OPTIONS;

/** The options that a user gave to a command. */
export class Options {
  readonly #values: ReadonlyMap<string, string | true>;
  /** What is no option: file names and the like. */
  readonly operands: readonly string[];

  /**
   * Parses what was typed behind a command's name.
   *
   * @param args The arguments.
   * @param allowed The options that the command has.
   * @param operandNames What the command's operands are called, for errors.
   * @throws {UsageError} When something is unknown, missing or out of range.
   */
  constructor(
    args: readonly string[],
    allowed: readonly OptionName[],
    operandNames: readonly string[] = [],
  ) {
    const specs = allowed.map((name) =>
      [name, OPTIONS[name] as OptionSpec] as const
    );
    const withValue = specs.filter(([, spec]) => spec.value !== undefined);
    const switches = specs.filter(([, spec]) => spec.value === undefined);
    const parsed: { _: unknown[]; [name: string]: unknown } = parseArgs([
      ...args,
    ], {
      string: ["_", ...withValue.map(([name]) => name)],
      boolean: switches.map(([name]) => name),
      alias: Object.fromEntries(
        specs.flatMap(([name, { alias }]) => alias ? [[alias, name]] : []),
      ),
      unknown: (arg) => {
        if (!arg.startsWith("-") || arg === "-") return;
        throw new UsageError(
          `Unknown option "${arg}"${didYouMean(arg, allowed)}`,
        );
      },
    });
    const values = new Map<string, string | true>();
    for (const [name, spec] of specs) {
      const value: unknown = parsed[name];
      if (value === true) values.set(name, true);
      if (typeof value === "string") {
        values.set(name, checked(name, value, spec));
      }
    }
    this.#values = values;
    this.operands = parsed._.map(String);
    if (values.has("help")) return;
    const missing = operandNames[this.operands.length];
    if (missing !== undefined) throw new UsageError(`Missing ${missing}`);
    const extra = this.operands[operandNames.length];
    if (extra !== undefined) throw new UsageError(`Unexpected "${extra}"`);
  }

  /**
   * Says whether a switch was given.
   *
   * @param name The switch.
   */
  has(name: OptionName): boolean {
    return this.#values.has(name);
  }

  /**
   * Gives the value of an option.
   *
   * @param name The option.
   * @returns The text, or `undefined` when it was not given.
   */
  text(name: OptionName): string | undefined {
    const value = this.#values.get(name);
    return value === true ? undefined : value;
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
}

/**
 * Lists options for a command's help.
 *
 * @param names The options.
 * @returns A line for each.
 */
export function helpOf(names: readonly OptionName[]): string {
  const rows = names.map((name) => {
    const { value, choices, alias, help } = OPTIONS[name] as OptionSpec;
    const argument = choices?.join("|") ?? value;
    const left = `${alias ? `-${alias}, ` : "    "}--${name}` +
      (argument === undefined ? "" : ` ${argument}`);
    return [left, help] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, help]) => `  ${left.padEnd(width)}  ${help}`)
    .join("\n");
}

function checked(name: string, value: string, spec: OptionSpec): string {
  const shown = `current value is "${value}"`;
  if (value === "") {
    throw new UsageError(`Missing the value of --${name}: ${spec.value}`);
  }
  if (spec.range !== undefined) {
    const [min, max] = spec.range;
    const number = Number(value);
    const isWhole = Number.isInteger(number) || !spec.isWhole;
    if (!(number >= min && number <= max) || !isWhole) {
      const kind = spec.isWhole ? "whole number" : "number";
      throw new UsageError(
        `Cannot use --${name} as it must be a ${kind} from ${min} to ${max}: ${shown}`,
      );
    }
  }
  if (spec.choices !== undefined && !spec.choices.includes(value)) {
    throw new UsageError(
      `Cannot use --${name} as it must be one of ${
        spec.choices.join(", ")
      }: ${shown}`,
    );
  }
  return value;
}

/**
 * Makes something out of what a user gave; what it refuses, the user got wrong.
 *
 * @param make Makes it; throws a `RangeError` or `TypeError` for a wrong value.
 * @returns What it made.
 * @throws {UsageError} When a value was refused.
 */
export function fromOptions<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) {
      throw new UsageError(error.message, { cause: error });
    }
    throw error;
  }
}

/**
 * Finds what a misspelt word was meant to be.
 *
 * @param word What was typed, with or without dashes.
 * @param candidates What could have been meant.
 * @returns A question to append to an error, or nothing.
 */
export function didYouMean(
  word: string,
  candidates: readonly string[],
): string {
  const dashes = word.match(/^-*/)![0];
  const bare = word.slice(dashes.length).split("=")[0]!;
  const best = candidates
    .map((name) => ({ name, edits: editDistance(bare, name) }))
    .sort((a, b) => a.edits - b.edits)[0];
  if (best === undefined || best.edits > Math.max(1, best.name.length / 3)) {
    return "";
  }
  return `: did you mean "${dashes === "" ? "" : "--"}${best.name}"?`;
}

/** Insertions, deletions and replacements between two words (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(
        next[j - 1]! + 1,
        row[j]! + 1,
        row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
      ));
    }
    row = next;
  }
  return row[b.length]!;
}
