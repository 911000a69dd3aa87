/** A compiled binary, run in a place of its own. */

import type { Arch } from "../../scripts/debian_package.ts";

/**
 * The folder of the binaries and packages to test, as `scripts/release.ts` makes
 * it. `.ci/binary` sets it; elsewhere the tests are skipped.
 */
export const FOLDER = Deno.env.get("EARSHOT_BINARIES");

/** The other processor's binary runs under this, with its libraries. */
const EMULATORS: Partial<Record<string, string>> = {
  aarch64: "qemu-aarch64-static",
  x86_64: "qemu-x86_64-static",
};

/** Under an emulator, JavaScript takes fifty times as long. */
const PATIENCE_MS = 120_000;

/** How a program ended. */
export interface Outcome {
  /** The exit code. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The path of a binary. */
export function binaryOf(arch: Arch): string {
  return `${FOLDER}/earshot-${arch}-linux`;
}

/**
 * A home, a working directory and a temporary folder that are empty, and a
 * libasound whose only microphone, `recording`, gives the samples of a file and
 * silence thereafter, as fast as they are read.
 */
export class Place implements AsyncDisposable {
  /** Relative file names count from here. */
  readonly cwd: string;
  readonly #folder: string;
  readonly #arch: Arch;

  private constructor(folder: string, arch: Arch) {
    this.#folder = folder;
    this.#arch = arch;
    this.cwd = `${folder}/user/cwd`;
  }

  /** Makes such a place. */
  static async make(
    arch: Arch,
    samples: Int16Array<ArrayBuffer> = new Int16Array(0),
  ): Promise<Place> {
    const folder = await Deno.makeTempDir();
    for (const name of ["home", "cwd", "tmp"]) {
      await Deno.mkdir(`${folder}/user/${name}`, { recursive: true });
    }
    await Deno.writeFile(
      `${folder}/recording.raw`,
      new Uint8Array(samples.buffer),
    );
    await Deno.writeTextFile(
      `${folder}/asound.conf`,
      `pcm.recording {
        type file
        slave.pcm { type null }
        file "/dev/null"
        infile "${folder}/recording.raw"
        format "raw"
        hint { show on description "A recording" }
      }`,
    );
    return new Place(folder, arch);
  }

  /** Starts the program. */
  start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Deno.ChildProcess {
    const emulator = this.#arch === Deno.build.arch
      ? []
      : [EMULATORS[this.#arch]!];
    const [command, ...rest] = [...emulator, binaryOf(this.#arch), ...args];
    const prefix = Deno.env.get("QEMU_LD_PREFIX");
    return new Deno.Command(command!, {
      args: rest,
      cwd: this.cwd,
      clearEnv: true,
      env: {
        HOME: `${this.#folder}/user/home`,
        TMPDIR: `${this.#folder}/user/tmp`,
        PATH: "/usr/bin:/bin",
        ALSA_CONFIG_PATH: `${this.#folder}/asound.conf`,
        ...(prefix === undefined ? {} : { QEMU_LD_PREFIX: prefix }),
        ...env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).spawn();
  }

  /** Runs the program to its end. */
  run(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Outcome> {
    return outcomeOf(this.start(args, env));
  }

  /** What lies in the home, the working directory and the temporary folder. */
  files(): string[] {
    const list = (folder: string): string[] =>
      [...Deno.readDirSync(`${this.#folder}/user/${folder}`)].flatMap((
        { name, isDirectory },
      ) => {
        const path = `${folder}/${name}`;
        return isDirectory ? [path, ...list(path)] : [path];
      });
    return ["home", "cwd", "tmp"].flatMap(list);
  }

  /** Removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Waits for the end of a program. */
export async function outcomeOf(process: Deno.ChildProcess): Promise<Outcome> {
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** Samples that tell any slip, swap or repetition, and are loud. */
export function distinctSamples(count: number): Int16Array<ArrayBuffer> {
  return Int16Array.from({ length: count }, (_, i) => (i * 40_503) & 0xffff);
}
