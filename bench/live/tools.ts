/**
 * Programs and headers that the bench needs of Debian, and what is built with
 * them.
 *
 * @module
 */

import { run } from "../../scripts/run.ts";

/** Debian's own, which has Debian's modules. */
export const PYTHON = "/usr/bin/python3";

/** The package that a program is in, where its name does not tell. */
const PACKAGES: Readonly<Record<string, string>> = {
  arecord: "alsa-utils",
  node: "nodejs",
  [PYTHON]: "python3",
  pacat: "pulseaudio-utils",
  pactl: "pulseaudio-utils",
  parec: "pulseaudio-utils",
  taskset: "util-linux",
};

/**
 * Makes sure that programs are there.
 *
 * @param commands Their names.
 * @throws {Error} When one is missing, with the package that has it.
 */
export async function requireTools(...commands: string[]): Promise<void> {
  for (const command of commands) {
    await run("sh", ["-c", `command -v ${command}`]).catch((cause) => {
      throw missing(command, PACKAGES[command] ?? command, cause);
    });
  }
}

/**
 * Makes sure that Python has modules.
 *
 * @param modules The names of the modules.
 * @throws {Error} When one is missing, with the package that has it.
 */
export async function requirePython(...modules: string[]): Promise<void> {
  await requireTools(PYTHON);
  for (const module of modules) {
    await run(PYTHON, ["-c", `import ${module}`]).catch((cause) => {
      throw missing(`Python's ${module}`, `python3-${module}`, cause);
    });
  }
}

/**
 * Builds C against libasound.
 *
 * @param source The name of a file of this folder.
 * @param output The file to write.
 * @param flags What the compiler is told besides.
 * @returns `output`.
 * @throws {Error} When that cannot be done, with the package that is missing.
 */
export async function compileC(
  source: string,
  output: string,
  ...flags: string[]
): Promise<string> {
  await requireTools("gcc");
  const header = "/usr/include/alsa/asoundlib.h";
  await Deno.stat(header).catch((cause) => {
    throw missing(header, "libasound2-dev", cause);
  });
  const path = `${import.meta.dirname}/${source}`;
  await run("gcc", ["-O2", ...flags, path, "-o", output, "-lasound"]);
  return output;
}

/**
 * Installs packages of npm, if they are not in a cache yet.
 *
 * @param packages Names with versions.
 * @returns The folder that they are installed in.
 */
export async function installFromNpm(
  packages: readonly string[],
): Promise<string> {
  await requireTools("node", "npm");
  const cache = Deno.env.get("XDG_CACHE_HOME") ??
    `${Deno.env.get("HOME") ?? "."}/.cache`;
  const folder = `${cache}/earshot-bench`;
  await Deno.mkdir(folder, { recursive: true });
  await run("npm", [
    "install",
    ...["--prefer-offline", "--no-audit", "--no-fund", "--silent"],
    ...["--prefix", folder],
    ...packages,
  ]);
  return folder;
}

function missing(what: string, debianPackage: string, cause: unknown): Error {
  return new Error(
    `Cannot find ${what}. Run: apt-get install ${debianPackage}`,
    { cause },
  );
}
