/**
 * The machine around the program, as far as commands ask it; tests give another.
 *
 * @module
 */

import {
  alsaVersion,
  type CaptureControl,
  readCaptureControls,
  readSystemFile,
  setNice,
  trimMemory,
} from "../alsa_system.ts";

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
  /**
   * Says whether something is there, be it a file, a folder or a socket.
   *
   * @param path Its path.
   */
  exists(path: string): boolean;
  /**
   * Asks libasound for its version.
   *
   * @throws {AlsaError} When it cannot be loaded.
   */
  alsaVersion(): string;
  /**
   * Reads the capture controls of a card's mixer.
   *
   * @param card ALSA's name of the card.
   * @throws {AlsaError} When it cannot be read.
   */
  captureControls(card: string): CaptureControl[];
  /**
   * Asks the kernel to schedule this program before others, or behind them.
   *
   * @param nice −20 (before everybody) to 19.
   * @returns Whether it does.
   */
  setNice(nice: number): boolean;
  /**
   * Collects garbage, where V8 was started with `--expose-gc`, and gives memory that
   * was freed back to the kernel.
   */
  trimMemory(): void;
  /**
   * Looks a name up.
   *
   * @param host The name.
   * @returns Its addresses.
   * @throws When it has none.
   */
  lookUp(host: string): Promise<string[]>;
  /**
   * Connects to a machine, encrypted, and hangs up.
   *
   * @param host Its name.
   * @param port The port.
   * @throws When there is no connection, or its certificate is not good.
   */
  connectTls(host: string, port: number): Promise<void>;
  /**
   * Asks a web server for a page, and forgets the page.
   *
   * @param url The page.
   * @param headers What is sent with the question.
   * @returns The status of the answer.
   * @throws When there is no answer.
   */
  get(url: string, headers: Readonly<Record<string, string>>): Promise<number>;
}

/** A network that does not answer within this time is no use. */
const NET_TIMEOUT_MS = 10_000;

/** No program that is run here has more to do. */
const RUN_TIMEOUT_MS = 30_000;

/** What a shell says of a program that is not there. */
const EXIT_NOT_FOUND = 127;

/** The machine that the program runs on. */
export const realSystem: System = {
  execPath: Deno.build.standalone ? Deno.execPath() : undefined,

  async run(command, args) {
    // Through the shell, which is all that needs a permission then.
    const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
      args: ["-c", 'exec "$0" "$@"', command, ...args],
      stdin: "null",
      signal: AbortSignal.timeout(RUN_TIMEOUT_MS),
    }).output();
    if (code === EXIT_NOT_FOUND) return undefined;
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  },

  confirm(question) {
    return Deno.stdin.isTerminal() ? confirm(question) : undefined;
  },

  readFile: readSystemFile,

  exists(path) {
    try {
      Deno.lstatSync(path);
      return true;
    } catch {
      return false;
    }
  },

  alsaVersion,
  captureControls: readCaptureControls,
  setNice,

  trimMemory() {
    (globalThis as { gc?: () => void }).gc?.();
    trimMemory();
  },

  async lookUp(host) {
    const lookups = (["A", "AAAA"] as const).map((type) =>
      Deno.resolveDns(host, type, {
        signal: AbortSignal.timeout(NET_TIMEOUT_MS),
      })
    );
    try {
      return await Promise.any(lookups);
    } catch (error) {
      throw (error as AggregateError).errors[0];
    }
  },

  async connectTls(hostname, port) {
    using _connection = await Deno.connectTls({ hostname, port });
  },

  async get(url, headers) {
    const response = await fetch(url, {
      headers,
      redirect: "manual",
      signal: AbortSignal.timeout(NET_TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status;
  },
};
