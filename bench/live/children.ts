/**
 * Processes that the bench starts: each is bound to a scope, so that none of them
 * outlives it, whatever they have started themselves.
 *
 * @module
 */

import { processTree } from "./process_cost.ts";

/** What is kept of what a process says on stderr. */
const STDERR_LENGTH = 2000;

/** How a process is started. */
export interface ChildOptions {
  /** What is added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs. */
  readonly cwd?: string;
  /** Whether its output is wanted; else it is thrown away. */
  readonly hasOutput?: boolean;
  /** Whether it is given input. */
  readonly hasInput?: boolean;
}

/** A process that runs. */
export class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #name: string;
  readonly #stderr: Promise<void>;
  #said = "";

  /**
   * @param process What was started.
   * @param name What it is called when it fails.
   */
  constructor(process: Deno.ChildProcess, name: string) {
    this.#process = process;
    this.#name = name;
    this.#stderr = this.#listen();
  }

  /** Its id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** What it writes; only with `hasOutput`. */
  get stdout(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#process.stdout;
  }

  /** What it reads; only with `hasInput`. */
  get stdin(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#process.stdin;
  }

  /**
   * Waits for an end that is a failure.
   *
   * @throws {Error} When it has ended, with what it said last.
   */
  async died(): Promise<never> {
    const { code } = await this.#process.status;
    await this.#stderr;
    const said = this.#said.trim().split("\n").at(-1) ?? "";
    throw new Error(`${this.#name} ended with code ${code}: ${said}`);
  }

  /** Ends it, and all that it has started. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of processTree(this.pid)) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    await this.#process.status;
  }

  async #listen(): Promise<void> {
    const text = this.#process.stderr.pipeThrough(new TextDecoderStream());
    for await (const part of text) {
      this.#said = (this.#said + part).slice(-STDERR_LENGTH);
    }
  }
}

/**
 * Starts a process, which lives until it is disposed of.
 *
 * @param command Its name or path.
 * @param args Its arguments.
 * @param options How.
 * @returns The process.
 */
export function startChild(
  command: string,
  args: readonly string[],
  options: ChildOptions = {},
): Child {
  const { env, cwd, hasOutput, hasInput } = options;
  return new Child(
    new Deno.Command(command, {
      args: [...args],
      env: { ...env },
      cwd,
      stdin: hasInput ? "piped" : "null",
      stdout: hasOutput ? "piped" : "null",
      stderr: "piped",
    }).spawn(),
    command,
  );
}
