/**
 * The machine around the program, as far as commands ask it; tests give another.
 *
 * @module
 */

import { readSystemFile } from "../alsa_system.ts";

/** What a program said and how it ended. */
export interface RunResult {
  /** Its exit code. */
  readonly code: number;
  /** What it wrote to stdout. */
  readonly stdout: string;
  /** What it wrote to stderr. */
  readonly stderr: string;
}

/** The machine around the program. */
export interface System {
  /** The compiled program's own file; nothing when it runs from its source. */
  readonly execPath: string | undefined;
  /**
   * Runs a program to its end.
   *
   * @param command Its name.
   * @param args Its arguments.
   * @returns What it said; nothing when there is no such program, or it did not
   *   end in time.
   */
  run(command: string, args: readonly string[]): Promise<RunResult | undefined>;
  /**
   * Asks the user.
   *
   * @param question A question to be answered with yes or no.
   * @returns Whether it was yes; nothing when there is nobody to ask.
   */
  confirm(question: string): boolean | undefined;
  /**
   * Reads a small file, also one of the kernel's.
   *
   * @param path Its path.
   * @returns Its text; nothing when it cannot be read.
   */
  readFile(path: string): string | undefined;
}

/** No program that is run here has more to do. */
const RUN_TIMEOUT_MS = 30_000;

/** The machine that the program runs on. */
export const realSystem: System = {
  execPath: Deno.build.standalone ? Deno.execPath() : undefined,

  async run(command, args) {
    try {
      const { code, stdout, stderr } = await new Deno.Command(command, {
        args: [...args],
        stdin: "null",
        signal: AbortSignal.timeout(RUN_TIMEOUT_MS),
      }).output();
      const decoder = new TextDecoder();
      return {
        code,
        stdout: decoder.decode(stdout),
        stderr: decoder.decode(stderr),
      };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  },

  confirm(question) {
    return Deno.stdin.isTerminal() ? confirm(question) : undefined;
  },

  readFile: readSystemFile,
};
