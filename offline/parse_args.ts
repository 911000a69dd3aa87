/**
 * Stands in for `@std/cli/parse-args` where JSR is out of reach, as far as
 * this project uses it. `node:util` has such a parser, but loading that makes the
 * start of a program longer that cannot do so in use.
 */

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
  const result: Args = { _: [] };
  for (const name of booleans) result[name] = false;

  const take = (arg: string, name: string, value: string | undefined) => {
    if (booleans.has(name)) result[name] = value !== "false";
    else if (strings.has(name)) result[name] = value ?? "";
    else if (unknown?.(arg, name, value ?? true) !== false) {
      result[name] = value ?? true;
    }
  };
  const takePositional = (arg: string) => {
    const isNumber = !strings.has("_") && arg.trim() !== "" &&
      !isNaN(Number(arg));
    result._.push(isNumber ? Number(arg) : arg);
  };

  const end = args.includes("--") ? args.indexOf("--") : args.length;
  for (let i = 0; i < end; i++) {
    const arg = args[i]!;
    /** What follows, unless that is an option. */
    const following = () => {
      const next = args[i + 1];
      if (i + 1 >= end || next === undefined || /^-./.test(next)) {
        return undefined;
      }
      i++;
      return next;
    };
    const long = /^--([^=]+)(?:=(.*))?$/s.exec(arg);
    const short = /^-([^-]+?)(?:=(.*))?$/s.exec(arg);
    if (long !== null) {
      const [, name, given] = long;
      take(arg, name!, given ?? (strings.has(name!) ? following() : undefined));
    } else if (short !== null) {
      const [, letters, given] = short;
      for (const [k, letter] of [...letters!].entries()) {
        const name = alias[letter] ?? letter;
        const rest = letters!.slice(k + 1);
        if (strings.has(name)) {
          take(arg, name, given ?? (rest === "" ? following() : rest));
          break;
        }
        take(arg, name, rest === "" ? given : undefined);
      }
    } else if (unknown?.(arg) !== false) {
      takePositional(arg);
    }
  }
  for (const arg of args.slice(end + 1)) takePositional(arg);

  for (const [short, name] of Object.entries(alias)) {
    if (name in result) result[short] = result[name];
  }
  return result;
}
