/**
 * The program `earshot`: finds the command, runs it, and turns its outcome into
 * an exit code.
 *
 * @module
 */

import denoJson from "./deno.json" with { type: "json" };

import { listDevices, openAlsaPcm } from "./src/alsa_device.ts";
import {
  type Command,
  commandHelp,
  Interruption,
  type Output,
  type World,
} from "./src/cli/command.ts";
import {
  COMMAND_NAMES,
  loadAllCommands,
  loadCommand,
} from "./src/cli/commands.ts";
import { didYouMean } from "./src/cli/did_you_mean.ts";
import { Log } from "./src/cli/log.ts";
import { offerMicrophoneSettings } from "./src/cli/microphone_settings.ts";
import { Options } from "./src/cli/options.ts";
import { realSystem } from "./src/cli/system.ts";
import { UsageError } from "./src/cli/usage_error.ts";
import { versionLine } from "./src/cli/version.ts";
import { systemClock } from "./src/clock.ts";
import { readVariable } from "./src/environment.ts";
import { SystemdNotifier } from "./src/systemd.ts";

/** What a shell expects of a program that a signal ended: 128 and its number. */
const EXIT_INTERRUPTED = 130;
const EXIT_TERMINATED = 143;
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** `deno task` passes on the signal that the terminal has sent us already. */
const SIGNAL_ECHO_MS = 500;

async function programHelp(): Promise<string> {
  const width = Math.max(...COMMAND_NAMES.map((name) => name.length));
  const rows = (await loadAllCommands()).map(({ name, summary }) =>
    `  ${name.padEnd(width)}  ${summary}`
  );
  return `earshot ${denoJson.version}: a microphone on Linux into the OpenAI Realtime API.

Usage: earshot COMMAND [options]

Commands:
${rows.join("\n")}

"earshot COMMAND --help" says more. "earshot --version" prints the version.
Nothing at hand? "earshot demo" needs no microphone, no key and no network.
`;
}

/**
 * Runs the program.
 *
 * @param args The arguments, without the program's name.
 * @param world Where it runs.
 * @returns The exit code: 0, 1 after a failure, 2 after a wrong use, 130 after
 *   Ctrl-C, 143 after SIGTERM.
 */
export async function main(
  args: readonly string[],
  world: World,
): Promise<number> {
  const [name, ...rest] = args;
  const helpFor = name === "help"
    ? rest.find((argument) => argument !== "--help" && argument !== "-h")
    : undefined;
  let log: Log | undefined;
  try {
    if (name === "--version" || name === "-V") {
      world.stdout.write(`${versionLine()}\n`);
      return 0;
    }
    if (name === "--help" || name === "-h" || name === "help" && !helpFor) {
      world.stdout.write(await programHelp());
      return 0;
    }
    if (name === undefined) throw new UsageError("Missing a command");
    const command = await findCommand(helpFor ?? name);
    const options = new Options(
      helpFor === undefined ? rest : ["--help"],
      command,
      world.variable,
    );
    if (options.has("help")) {
      world.stdout.write(commandHelp(command));
      return 0;
    }
    offerMicrophoneSettings(options, command, world);
    log = new Log(options, world, { indent: "earshot: " });
    return await command.run(options, world) ??
      (world.signal.aborted ? exitCodeOfInterruption(world) : 0);
  } catch (error) {
    return exitCodeOf(error, name, world, log);
  }
}

async function findCommand(name: string): Promise<Command> {
  if (COMMAND_NAMES.includes(name)) return await loadCommand(name);
  throw new UsageError(
    name.startsWith("-")
      ? `Unknown option "${name}": options come behind a command, one of ${
        COMMAND_NAMES.join(", ")
      }`
      : `Unknown command "${name}"${
        didYouMean(name, COMMAND_NAMES) ||
        `: it must be one of ${COMMAND_NAMES.join(", ")}`
      }`,
  );
}

function exitCodeOfInterruption({ signal: { reason } }: World): number {
  return reason instanceof Interruption && reason.signal === "SIGTERM"
    ? EXIT_TERMINATED
    : EXIT_INTERRUPTED;
}

function exitCodeOf(
  error: unknown,
  command: string | undefined,
  world: World,
  log: Log | undefined,
): number {
  // The reader of a pipe, such as "head", has had enough.
  if (error instanceof Deno.errors.BrokenPipe) return 0;
  if (world.signal.aborted && error === world.signal.reason) {
    return exitCodeOfInterruption(world);
  }
  const message = error instanceof Error ? error.message : String(error);
  if (log === undefined) world.stderr.write(`earshot: ${message}\n`);
  else log.fatal(message);
  if (!(error instanceof UsageError)) return EXIT_FAILURE;
  const known = command !== undefined && COMMAND_NAMES.includes(command);
  world.stderr.write(`Try "earshot ${known ? `${command} ` : ""}--help"\n`);
  return EXIT_USAGE;
}

/** The terminal, file or pipe that the process was started with. */
function outputOf(stream: typeof Deno.stdout | typeof Deno.stderr): Output {
  const encoder = new TextEncoder();
  const isTerminal = stream.isTerminal();
  return {
    isTerminal,
    get columns() {
      return isTerminal ? Deno.consoleSize().columns : 80;
    },
    write(text) {
      let bytes = encoder.encode(text);
      while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
    },
  };
}

/** Aborted by the first Ctrl-C or SIGTERM; the second one ends at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  let interruptedMs = 0;
  const interrupt = (signal: "SIGINT" | "SIGTERM") => {
    const nowMs = performance.now();
    if (!controller.signal.aborted) {
      interruptedMs = nowMs;
      controller.abort(new Interruption(signal));
    } else if (nowMs - interruptedMs > SIGNAL_ECHO_MS) {
      Deno.exit(EXIT_INTERRUPTED);
    }
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => interrupt(signal));
  }
  return controller.signal;
}

if (import.meta.main) {
  Deno.exit(
    await main(Deno.args, {
      stdout: outputOf(Deno.stdout),
      stderr: outputOf(Deno.stderr),
      signal: interruption(),
      clock: systemClock,
      openPcm: openAlsaPcm,
      listDevices,
      system: realSystem,
      variable: readVariable,
      onSignal: (signal, listener) => {
        Deno.addSignalListener(signal, listener);
        return () => Deno.removeSignalListener(signal, listener);
      },
      systemd: SystemdNotifier.fromEnvironment(),
    }),
  );
}
