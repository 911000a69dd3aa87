/**
 * What a command is, and the world that it runs in.
 *
 * @module
 */

import type { CaptureDevice } from "../alsa_device.ts";
import type { Clock } from "../clock.ts";
import type { OpenPcm } from "../pcm.ts";
import type { SystemdNotifier } from "../systemd.ts";
import { helpOf, type OptionName } from "./option_table.ts";
import type { OptionRules, Options } from "./options.ts";
import type { System } from "./system.ts";
import { UsageError } from "./usage_error.ts";

/** A text stream of a terminal, a file or a pipe. */
export interface Output {
  /** Whether lines can be redrawn in place. */
  readonly isTerminal: boolean;
  /** Cells in a line. */
  readonly columns: number;
  /**
   * Writes at once.
   *
   * @param text What to write, with its line ends.
   */
  write(text: string): void;
}

/** Why a program is to end: the reason that its signal is aborted with. */
export class Interruption extends Error {
  /** `"Interruption"`. */
  override readonly name = "Interruption";
  /** The signal that the process was sent. */
  readonly signal: "SIGINT" | "SIGTERM";

  /** @param signal The signal that the process was sent. */
  constructor(signal: "SIGINT" | "SIGTERM") {
    super(`Interrupted by ${signal}`);
    this.signal = signal;
  }
}

/** The world that a command runs in; tests give it another. */
export interface World {
  /** Results. */
  readonly stdout: Output;
  /** Progress and errors. */
  readonly stderr: Output;
  /**
   * Aborted by Ctrl-C or SIGTERM, with an {@linkcode Interruption}: the command
   * ends in order.
   */
  readonly signal: AbortSignal;
  /** The clock of everything. */
  readonly clock: Clock;
  /** Opens microphones. */
  readonly openPcm: OpenPcm;
  /** Lists microphones. */
  readonly listDevices: () => CaptureDevice[];
  /** The machine around the program. */
  readonly system: System;
  /** Reads the environment; `undefined` is also what must not be read. */
  readonly variable: (name: string) => string | undefined;
  /**
   * Calls a function whenever the process is sent a signal.
   *
   * @param signal The signal.
   * @param listener The function.
   * @returns A function that ends this.
   */
  readonly onSignal: (
    signal: "SIGUSR1" | "SIGUSR2",
    listener: () => void,
  ) => () => void;
  /** Tells systemd, when this is a service of its. */
  readonly systemd?: SystemdNotifier;
}

/** One command of the program. */
export interface Command extends OptionRules {
  /** What is typed to run it. */
  readonly name: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** More to say, and examples. */
  readonly details: string;
  /**
   * Runs it.
   *
   * @param options What the user gave.
   * @param world Where it runs.
   * @returns The exit code, when the command has a say in it.
   */
  run(options: Options, world: World): Promise<number | void>;
}

/**
 * Makes the help of a command.
 *
 * @param command The command.
 * @returns The text.
 */
export function commandHelp(command: Command): string {
  const operands = (command.operands ?? []).map((name) => ` ${name}`).join("");
  return `${command.summary}

Usage: earshot ${command.name}${operands} [options]

Options:
${helpOf(command.options)}

${command.details}
`;
}

/** Options that every command with a microphone has. */
export const MICROPHONE_OPTIONS = [
  "device",
  "rate",
  "channels",
  "channel",
  "dc-block",
  "gain-db",
  "auto-gain",
  "chunk-ms",
  "buffer-frames",
  "explain",
] as const satisfies readonly OptionName[];

/** Options of every command that tells speech from the rest. */
export const VAD_OPTIONS = [
  "vad-engine",
  "vad-model",
  "vad-threshold",
  "vad-offset-threshold",
  "vad-min-speech-ms",
  "vad-pre-roll-ms",
  "vad-hangover-ms",
  "vad-max-utterance-ms",
] as const satisfies readonly OptionName[];

/** Options that every command has. */
export const COMMON_OPTIONS = [
  "log",
  "log-level",
  "config",
  "verbose",
  "quiet",
  "help",
] as const satisfies readonly OptionName[];

/**
 * Finds the microphone that the user means.
 *
 * @param options What the user gave.
 * @param world Where the list of devices comes from.
 * @returns ALSA's name of the device.
 * @throws {UsageError} When there is no device of a given index.
 */
export function deviceNameOf(options: Options, world: World): string {
  const device = options.text("device") ?? "default";
  if (!/^\d+$/.test(device)) return device;
  const found = world.listDevices().find(({ index }) =>
    index === Number(device)
  );
  if (found === undefined) {
    throw new UsageError(
      `There is no device ${device}: "earshot devices" lists what there is`,
    );
  }
  return found.name;
}
