/**
 * The options of all commands, in one table: it feeds the parser, the checks,
 * the help, the configuration file and its schema, the completions, and the
 * README.
 *
 * @module
 */

/** What an option is. */
export interface OptionSpec {
  /** What stands for the value in the help; a switch has none. */
  readonly value?: string;
  /** A number within a range; else, unless there are `choices`, any text. */
  readonly range?: readonly [min: number, max: number];
  /** Whether the number must be whole. */
  readonly isWhole?: boolean;
  /** The words that it can be. */
  readonly choices?: readonly string[];
  /** Whether several of them can be given, with commas between them. */
  readonly isList?: boolean;
  /** Its short name. */
  readonly alias?: string;
  /** What holds without it: a value, or words about it in brackets. */
  readonly default?: string | number;
  /** Where it can be given; everywhere, unless this says less. */
  readonly only?: "flag" | "flag or environment";
  /** What it does, in a line. */
  readonly help: string;
}

/** The width of a help, and what its left column may take of it. */
const MAX_WIDTH = 100;
const MAX_LEFT_WIDTH = 30;

const EVENTS = [
  "speech-start",
  "speech-end",
  "transcript",
  "error",
  "connected",
  "disconnected",
] as const;

/** Every option that some command has. */
export const OPTIONS = {
  device: {
    value: "NAME",
    alias: "d",
    default: "default",
    help: 'name or index of the device; "earshot devices" lists them',
  },
  rate: {
    value: "HZ",
    range: [4000, 384_000],
    isWhole: true,
    default: 24_000,
    help: "sample rate; the Realtime API takes only 24000",
  },
  channels: {
    value: "N",
    range: [1, 32],
    isWhole: true,
    default: 1,
    help: "channels; the Realtime API takes only 1",
  },
  channel: {
    value: "N[,N…]",
    range: [1, 32],
    isWhole: true,
    isList: true,
    default: "(their mean)",
    help: "the channel of the device to use, from 1; or several, in this order",
  },
  "dc-block": { help: "remove a DC offset, and rumble below 20 Hz" },
  "gain-db": {
    value: "DB",
    range: [-60, 60],
    default: 0,
    help: "make everything louder or quieter",
  },
  "auto-gain": {
    help: "bring voices slowly to one level, and limit peaks",
  },
  profile: {
    value: "NAME",
    choices: ["low-latency", "balanced", "low-power"],
    default: "(chunks of 200 ms)",
    help: "chunks of 20, 100 or 500 ms, and what suits them",
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
    default: 24_000,
    help: "most frames handed over at once: a chunk, or an equal part of it",
  },
  explain: {
    only: "flag",
    help: "say how the microphone was opened, and why so",
  },
  "vad-engine": {
    value: "ENGINE",
    choices: ["neural", "energy", "silero"],
    default: "(neural, or energy with --vad-threshold alone)",
    help: "what tells speech from the rest",
  },
  "vad-model": {
    value: "FILE",
    help: "Silero's ONNX file, for --vad-engine silero",
  },
  "vad-threshold": {
    value: "LEVEL",
    range: [0, 1],
    default: "(0.6; 0.5 for silero, 9 dB above the noise for energy)",
    help:
      "above it begins speech, 0 to 1: a probability, or an RMS volume for energy",
  },
  "vad-offset-threshold": {
    value: "LEVEL",
    range: [0, 1],
    default:
      "(0.75 of it; 0.15 lower for silero, 4 dB for energy; the same for an RMS volume)",
    help: "above it speech goes on, 0 to the threshold of its beginning",
  },
  "vad-min-speech-ms": {
    value: "MS",
    range: [0, 5000],
    default: "(neural 80, silero 64, energy 60; 0 for an RMS volume)",
    help: "how much speech it takes to be sure",
  },
  "vad-pre-roll-ms": {
    value: "MS",
    range: [0, 10_000],
    default: 300,
    help: "audio before speech that goes out with it",
  },
  "vad-hangover-ms": {
    value: "MS",
    range: [0, 60_000],
    default: 500,
    help: "how long it must be quiet before speech has ended",
  },
  "vad-max-utterance-ms": {
    value: "MS",
    range: [1000, 86_400_000],
    default: 60_000,
    help: "the longest utterance; a longer one is cut where it is quietest",
  },
  seconds: {
    value: "N",
    range: [0.001, 1e9],
    alias: "s",
    default: "(until Ctrl-C)",
    help: "stop after this time",
  },
  json: { help: "print JSON" },
  labels: {
    only: "flag",
    help: "print labels for Audacity: begin, end, text",
  },
  scores: {
    only: "flag",
    help: "also print the score of every block",
  },
  plot: {
    value: "FILE.svg",
    only: "flag or environment",
    help: "draw waveform, noise floor, score and speech over time",
  },
  transcribe: {
    help: "a transcription session: text of what is said, no reply",
  },
  model: { value: "ID", help: "model of the session" },
  url: {
    value: "URL",
    help: "another endpoint: a compatible server, or Azure",
  },
  insecure: { help: "allow an unencrypted ws: URL to another machine" },
  "key-file": {
    value: "FILE",
    default: "(OPENAI_API_KEY)",
    help: "file that holds the API key, for its owner only",
  },
  vad: {
    value: "WHO",
    choices: ["client", "server"],
    default: "(server; with --transcribe client)",
    help: "who finds the ends of turns: this program or the server",
  },
  "keep-seconds": {
    value: "N",
    range: [0, 3600],
    default: 60,
    help: "speech kept while there is no connection",
  },
  "fill-gaps": {
    help: "put silence in the place of audio that was lost",
  },
  "fail-fast": {
    help: "end when the microphone or the connection is lost",
  },
  input: {
    value: "FILE",
    help: "a WAV file (16-bit PCM) to use for a microphone",
  },
  "metrics-port": {
    value: "PORT",
    range: [1, 65_535],
    isWhole: true,
    help: "serve statistics to Prometheus, at http://127.0.0.1:PORT/metrics",
  },
  "recorder-minutes": {
    value: "N",
    range: [0.1, 120],
    default: "(off)",
    help: "flight recorder: keep the last minutes in memory, 3 MB each",
  },
  "recorder-folder": {
    value: "DIR",
    default: ".",
    help: "where they are written, when SIGUSR2 or an event asks for it",
  },
  "recorder-on": {
    value: "EVENTS",
    choices: EVENTS,
    isList: true,
    default: "(SIGUSR2 only)",
    help: "events that write them, such as error,disconnected",
  },
  "on-speech-start": {
    value: "COMMAND",
    help: "run a shell command when speech begins, such as: light on",
  },
  "on-speech-end": {
    value: "COMMAND",
    help: "when speech ends",
  },
  "on-transcript": {
    value: "COMMAND",
    help: "when words are recognised; they are in $EARSHOT_TEXT",
  },
  "on-error": {
    value: "COMMAND",
    help: "when something goes wrong; $EARSHOT_TEXT says what",
  },
  "on-connected": {
    value: "COMMAND",
    help: "when the session is there, or there again",
  },
  "on-disconnected": {
    value: "COMMAND",
    help: "when it is lost, and at the end",
  },
  system: {
    only: "flag",
    help: "a service of the machine, not of this user; needs root",
  },
  "dry-run": {
    only: "flag",
    help: "only show what would be written and run",
  },
  forget: {
    only: "flag",
    help: "forget what is kept for the microphone",
  },
  yes: {
    alias: "y",
    only: "flag",
    help: "do not ask",
  },
  online: {
    only: "flag",
    help: "also try the endpoint: name, encryption, latency, key",
  },
  log: {
    value: "HOW",
    choices: ["pretty", "json"],
    default: "(for a person)",
    help: "lines with time and level on stderr",
  },
  "log-level": {
    value: "LEVEL",
    choices: ["error", "warn", "info", "debug"],
    default: "info",
    help: "the least that is said on stderr",
  },
  config: {
    value: "FILE",
    default: "~/.config/earshot/config.jsonc",
    only: "flag or environment",
    help: "file with settings",
  },
  verbose: {
    alias: "v",
    only: "flag",
    help: "say more on stderr: --log-level debug",
  },
  quiet: {
    alias: "q",
    only: "flag",
    help: "say nothing on stderr but errors: --log-level error",
  },
  help: { alias: "h", only: "flag", help: "show this help" },
} as const satisfies Record<string, OptionSpec>;

/** The name of an option, without its dashes. */
export type OptionName = keyof typeof OPTIONS;

/** Every name, in the order of the table. */
export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

/** An event that runs a hook or writes the flight recorder. */
export type EventName = typeof EVENTS[number];

/**
 * Gives what the table says of an option.
 *
 * @param name The option.
 * @returns The row of the table.
 */
export function specOf(name: OptionName): OptionSpec {
  return OPTIONS[name];
}

/**
 * Says whether `--no-NAME` undoes an option: only a switch that a file or the
 * environment can turn on needs that.
 *
 * @param name The option.
 */
export function isNegatable(name: OptionName): boolean {
  const { value, only } = specOf(name);
  return value === undefined && only === undefined;
}

/**
 * Names the environment variable of an option.
 *
 * @param name The option.
 * @returns Such as `EARSHOT_KEEP_SECONDS`.
 */
export function variableOf(name: OptionName): string {
  return `EARSHOT_${name.toUpperCase().replaceAll("-", "_")}`;
}

/**
 * Lists options for a command's help.
 *
 * @param names The options.
 * @returns Lines of at most 100 characters, one or more for each.
 */
export function helpOf(names: readonly OptionName[]): string {
  const rows = names.map((name) => {
    const { value, choices, isList, alias, help } = specOf(name);
    const argument = isList ? value : choices?.join("|") ?? value;
    const left = `  ${alias ? `-${alias}, ` : "    "}--${name}` +
      (argument === undefined ? "" : ` ${argument}`);
    return [left, help + defaultOf(name)] as const;
  });
  const widths = rows.map(([left]) => left.length);
  const width = Math.max(...widths.filter((width) => width <= MAX_LEFT_WIDTH));
  const margin = `\n${" ".repeat(width + 2)}`;
  return rows.map(([left, help]) => {
    const lines = wrapped(help, MAX_WIDTH - width - 2).join(margin);
    return left.length > width
      ? `${left}${margin}${lines}`
      : `${left.padEnd(width)}  ${lines}`;
  }).join("\n");
}

function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) {
      lines[lines.length - 1] += ` ${word}`;
    } else lines.push(word);
  }
  return lines;
}

function defaultOf(name: OptionName): string {
  const value = specOf(name).default;
  if (value === undefined) return "";
  const isWords = typeof value === "string" && value.startsWith("(");
  return isWords ? ` (default: ${value.slice(1, -1)})` : ` (default ${value})`;
}
