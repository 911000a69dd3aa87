/**
 * `earshot completions`: what a shell offers at the tab key, made from the tables
 * of commands and options.
 *
 * @module
 */

import type { Command } from "./command.ts";
import {
  isNegatable,
  type OptionName,
  type OptionSpec,
  specOf,
} from "./option_table.ts";

/** What a value is, by what stands for it in the help. */
const FILE = "FILE";
const FOLDER = "DIR";

const SHELLS: Readonly<
  Record<string, (commands: readonly Command[]) => string>
> = { bash, zsh, fish };

/**
 * Makes the command.
 *
 * @param loadCommands Gives the commands of the program.
 * @returns `earshot completions`.
 */
export function completionsOf(
  loadCommands: () => Promise<readonly Command[]>,
): Command {
  return {
    name: "completions",
    summary: "Print what makes a shell complete this program's options.",
    operands: [Object.keys(SHELLS).join("|")],
    options: ["help"],
    details: `Examples:
  earshot completions bash > ~/.local/share/bash-completion/completions/earshot
  earshot completions zsh > ~/.zfunc/_earshot
  earshot completions fish > ~/.config/fish/completions/earshot.fish`,

    async run(options, world) {
      const [shell] = options.operands as [string];
      world.stdout.write(SHELLS[shell]!(await loadCommands()));
    },
  };
}

function bash(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  const values = distinctOptions(commands).flatMap(([name, spec]) => {
    if (spec.value === undefined) return [];
    const flags = [`--${name}`, ...(spec.alias ? [`-${spec.alias}`] : [])];
    const words = spec.choices !== undefined
      ? `compgen -W "${spec.choices.join(" ")}" -- "$current"`
      : spec.value === FILE
      ? 'compgen -f -- "$current"'
      : spec.value === FOLDER
      ? 'compgen -d -- "$current"'
      : undefined;
    const reply = words === undefined
      ? ""
      : `mapfile -t COMPREPLY < <(${words}); `;
    return [`    ${flags.join(" | ")}) ${reply}return ;;`];
  });
  const cases = commands.map((command) => {
    const flags = flagsOf(command).join(" ");
    const operands = operandWords(command);
    const words = operands === undefined
      ? ""
      : ` operands="${operands.join(" ")}"`;
    return `    ${command.name}) options="${flags}"${words} ;;`;
  });
  return `# bash completion for earshot; "earshot completions bash" made it.

_earshot() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local options="--help --version" operands=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "${names} help $options" -- "$current")
    return
  fi
  case $previous in
${values.join("\n")}
  esac
  case \${COMP_WORDS[1]} in
    help) options= operands="${names}" ;;
${cases.join("\n")}
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [[ -n $operands ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$operands" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}

complete -o filenames -F _earshot earshot
`;
}

function zsh(commands: readonly Command[]): string {
  const list = commands.map(({ name, summary }) =>
    `    ${quoted(`${name}:${summary}`)}`
  );
  const cases = commands.map((command) => {
    const rows = command.options.flatMap((name) => {
      const { alias, value, choices, isList, help } = specOf(name);
      const text = help.replaceAll(/[[\]\\]/g, "\\$&");
      const action = choices !== undefined && isList
        ? `:${value}:_sequence compadd - ${choices.join(" ")}`
        : choices !== undefined
        ? `:${value}:(${choices.join(" ")})`
        : value === FILE
        ? `:${value}:_files`
        : value === FOLDER
        ? `:${value}:_files -/`
        : value === undefined
        ? ""
        : `:${value}: `;
      const negation = isNegatable(name)
        ? [quoted(`--no-${name}[undo --${name}]`)]
        : [];
      return alias === undefined
        ? [quoted(`--${name}[${text}]${action}`), ...negation]
        : [
          `'(-${alias} --${name})'{-${alias},--${name}}${
            quoted(`[${text}]${action}`)
          }`,
          ...negation,
        ];
    });
    const operand = command.operands?.[0];
    const words = operandWords(command);
    if (operand !== undefined) {
      rows.push(
        quoted(
          words === undefined
            ? `1:${operand}:_files`
            : `1:what:(${words.join(" ")})`,
        ),
      );
    }
    return `    ${command.name})\n      _arguments -s \\\n        ${
      rows.join(" \\\n        ")
    } ;;`;
  });
  return `#compdef earshot
# zsh completion for earshot; "earshot completions zsh" made it.

_earshot() {
  local -a commands=(
${list.join("\n")}
    'help:Say more of a command.'
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    _arguments '--help[show what there is]' '--version[print the version]'
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
    help) _describe command commands ;;
${cases.join("\n")}
  esac
}

if [[ $funcstack[1] == _earshot ]]; then
  _earshot "$@"
else
  compdef _earshot earshot
fi
`;
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const { name, summary } = command;
    const seen = `-n '__fish_seen_subcommand_from ${name}'`;
    const words = operandWords(command);
    const takesFiles = command.operands !== undefined && words === undefined;
    return [
      `complete -c earshot -f -n __fish_use_subcommand -a ${name} -d ${
        fishQuoted(summary)
      }`,
      ...(takesFiles ? [`complete -c earshot ${seen} -F`] : []),
      ...(words === undefined
        ? []
        : [`complete -c earshot -f ${seen} -a ${fishQuoted(words.join(" "))}`]),
      ...command.options.flatMap((option) => {
        const { alias, value, choices, help } = specOf(option);
        const short = alias === undefined ? "" : ` -s ${alias}`;
        const argument = choices !== undefined
          ? ` -x -a ${fishQuoted(choices.join(" "))}`
          : value === FILE
          ? " -r -F"
          : value === FOLDER
          ? " -x -a '(__fish_complete_directories)'"
          : value === undefined
          ? ""
          : " -x";
        const line = (name: string, text: string) =>
          `complete -c earshot ${seen} -l ${name}${text}`;
        const own = line(
          option,
          `${short}${argument} -d ${fishQuoted(help)}`,
        );
        return isNegatable(option)
          ? [own, line(`no-${option}`, ` -d ${fishQuoted(`undo --${option}`)}`)]
          : [own];
      }),
    ];
  });
  return `# fish completion for earshot; "earshot completions fish" made it.

complete -c earshot -f
complete -c earshot -n __fish_use_subcommand -l help -d 'show what there is'
complete -c earshot -n __fish_use_subcommand -l version -d 'print the version'
${lines.join("\n")}
`;
}

/** Words that the first operand can be; none for a file. */
function operandWords({ operands }: Command): string[] | undefined {
  const [first] = operands ?? [];
  if (first === undefined) return undefined;
  return first.includes("|") ? first.split("|") : undefined;
}

function flagsOf({ options }: Command): string[] {
  return options.flatMap((name) =>
    isNegatable(name) ? [`--${name}`, `--no-${name}`] : [`--${name}`]
  );
}

function distinctOptions(
  commands: readonly Command[],
): [OptionName, OptionSpec][] {
  const names = new Set(commands.flatMap(({ options }) => [...options]));
  return [...names].map((name) => [name, specOf(name)]);
}

/** A word of zsh, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A word of fish, whatever is in it. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
}
