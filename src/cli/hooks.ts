/**
 * Commands of the user's that run when something happens: a light for "it
 * listens", a line in a file for what was said.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { EventName } from "./option_table.ts";

/** Hooks that wait for their turn; with more of them the oldest gives way. */
const MAX_WAITING = 16;

/** How long a hook may run. */
const HOOK_TIMEOUT_MS = 10_000;

/** How long the end waits for hooks that are still to run. */
const END_MS = 2000;

/** The longest text that a hook is given; Linux takes no more than 128 KiB. */
const MAX_TEXT_LENGTH = 32_768;

/** What a hook is told in its environment. */
export type HookVariables = Readonly<Record<string, string>>;

/** Runs a shell command. */
export type RunHook = (
  command: string,
  variables: HookVariables,
  signal: AbortSignal,
) => Promise<number>;

/** What {@linkcode Hooks} are made with. */
export interface HooksOptions {
  /** The shell command of each event that has one. */
  readonly commands: Partial<Record<EventName, string | undefined>>;
  /** Says that a hook failed. */
  readonly say: (text: string) => void;
  /** The clock of the time limits. */
  readonly clock: Clock;
  /**
   * Runs a command; its result is the exit code. Aborted, it kills the command.
   *
   * @default {the shell}
   */
  readonly run?: RunHook;
}

interface Waiting {
  readonly event: EventName;
  readonly command: string;
  readonly variables: HookVariables;
}

/**
 * Runs hooks one after another, so that what switches on comes before what
 * switches off. Whoever fires one never waits for it.
 */
export class Hooks implements AsyncDisposable {
  readonly #options: HooksOptions;
  readonly #run: RunHook;
  readonly #waiting: Waiting[] = [];
  readonly #ended = new AbortController();
  #running: Promise<void> | undefined;

  /** @param options What is run, and who is told. */
  constructor(options: HooksOptions) {
    this.#options = options;
    this.#run = options.run ?? runShell;
  }

  /**
   * Runs the hook of an event, if there is one.
   *
   * @param event What happened.
   * @param text What was said, or what went wrong.
   */
  fire(event: EventName, text = ""): void {
    const command = this.#options.commands[event];
    if (command === undefined || this.#ended.signal.aborted) return;
    const { clock, say } = this.#options;
    const time = new Date(performance.timeOrigin + clock.now()).toISOString();
    this.#waiting.push({
      event,
      command,
      variables: {
        EARSHOT_EVENT: event,
        // A variable ends at a NUL.
        EARSHOT_TEXT: text.replaceAll("\0", "").slice(0, MAX_TEXT_LENGTH),
        EARSHOT_TIME: time,
      },
    });
    if (this.#waiting.length > MAX_WAITING) {
      const { event } = this.#waiting.shift()!;
      say(`A hook of ${event} was left out, as those before it take too long`);
    }
    this.#running ??= this.#runAll();
  }

  /** Runs what still waits, for 2 seconds at most, and kills the rest. */
  async [Symbol.asyncDispose](): Promise<void> {
    const over = new AbortController();
    this.#options.clock.sleep(END_MS, { signal: over.signal })
      .then(() => this.#ended.abort(), () => {});
    await this.#running;
    over.abort();
    this.#ended.abort();
  }

  async #runAll(): Promise<void> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      if (this.#ended.signal.aborted) {
        this.#options.say(`A hook of ${next.event} was left out at the end`);
      } else await this.#runOne(next);
    }
    this.#running = undefined;
  }

  async #runOne({ event, command, variables }: Waiting): Promise<void> {
    const { clock, say } = this.#options;
    const over = new AbortController();
    const timeout = new AbortController();
    clock.sleep(HOOK_TIMEOUT_MS, { signal: over.signal })
      .then(() => timeout.abort(), () => {});
    const signal = AbortSignal.any([timeout.signal, this.#ended.signal]);
    try {
      const code = await this.#run(command, variables, signal);
      if (signal.aborted) {
        const why = timeout.signal.aborted
          ? `after ${HOOK_TIMEOUT_MS / 1000} seconds`
          : "at the end";
        say(`The hook of ${event} was killed ${why}`);
      } else if (code !== 0) {
        say(`The hook of ${event} failed with exit code ${code}`);
      }
    } catch (error) {
      say(`The hook of ${event} cannot be run: ${(error as Error).message}`);
    } finally {
      over.abort();
    }
  }
}

/**
 * Runs a command with the shell. What happened is in its environment only,
 * never in its text, so that nobody can say words that are run. It does not get
 * the API key.
 *
 * @param command The shell command.
 * @param variables What it is told.
 * @param signal Kills it, and what it started.
 * @returns The exit code.
 */
export async function runShell(
  command: string,
  variables: HookVariables,
  signal: AbortSignal,
): Promise<number> {
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", command],
    env: {
      ...variables,
      OPENAI_API_KEY: "",
      CREDENTIALS_DIRECTORY: "",
      // It must not speak to systemd in our name.
      NOTIFY_SOCKET: "",
    },
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
    // It leads a group of processes, which is killed as a whole.
    detached: true,
  }).spawn();
  const kill = () => {
    // Deno.kill() needs the permission to run, and so to kill, everything.
    new Deno.Command("/bin/sh", {
      args: ["-c", `kill -KILL -${child.pid}`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn().status.catch(() => {});
  };
  signal.addEventListener("abort", kill);
  if (signal.aborted) kill();
  try {
    return (await child.status).code;
  } finally {
    signal.removeEventListener("abort", kill);
  }
}
