/**
 * Stands in for `@std/cli/parse-args` where JSR is out of reach, as far as
 * this project uses it.
 */

import { parseArgs as parse } from "node:util";

export interface ParseOptions {
  readonly string?: readonly string[];
  readonly boolean?: readonly string[];
  readonly alias?: Readonly<Record<string, string>>;
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

export interface Args {
  _: (string | number)[];
  // deno-lint-ignore no-explicit-any
  [name: string]: any;
}

export function parseArgs(args: string[], options: ParseOptions = {}): Args {
  const { string = [], boolean = [], alias = {}, unknown } = options;
  const strings = new Set(string);
  const booleans = new Set(boolean);
  const shorts = Object.fromEntries(
    Object.entries(alias).map(([short, name]) => [name, short]),
  );
  const typed = (names: Iterable<string>, type: "string" | "boolean") =>
    [...names].filter((name) => name !== "_")
      .map((name) => {
        const short = shorts[name];
        return [
          name,
          short === undefined ? { type } : { type, short },
        ] as const;
      });
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  const { tokens } = parse({
    // An option in the place of a value is an option, and the value is empty.
    args: args.map((arg, index) => {
      if (index >= end) return arg;
      const [, short = "", given] = /^-([^-])=(.*)$/.exec(arg) ?? [];
      if (short in alias) return `--${alias[short]}=${given}`;
      const name = arg.startsWith("--") ? arg.slice(2) : alias[arg.slice(1)];
      const next = args[index + 1];
      const lacksValue = name !== undefined && strings.has(name) &&
        (next === undefined || /^-./.test(next));
      return lacksValue ? `--${name}=` : arg;
    }),
    options: Object.fromEntries([
      ...typed(strings, "string"),
      ...typed(booleans, "boolean"),
    ]),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  const result: Args = { _: [] };
  for (const name of booleans) result[name] = false;
  for (const token of tokens) {
    if (token.kind === "positional") {
      const arg = token.value;
      if (token.index < end && unknown?.(arg) === false) continue;
      const isNumber = !strings.has("_") && arg.trim() !== "" &&
        !isNaN(Number(arg));
      result._.push(isNumber ? Number(arg) : arg);
    } else if (token.kind === "option") {
      const { name, value } = token;
      if (booleans.has(name)) {
        result[name] = value !== "false";
      } else if (strings.has(name)) {
        result[name] = value ?? "";
      } else if (unknown?.(args[token.index]!, name, value ?? true) !== false) {
        result[name] = value ?? true;
      }
    }
  }
  for (const [short, name] of Object.entries(alias)) {
    if (name in result) result[short] = result[name];
  }
  return result;
}
