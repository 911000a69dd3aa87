/**
 * What Deno is told of the program, in one place: compiled binaries have it built in,
 * and `deno task earshot` puts the output of this script into its command.
 *
 * @module
 */

/** Variables of the environment that the program reads. */
const VARIABLES = [
  // One for each option, and EARSHOT_LIBASOUND.
  "EARSHOT_*",
  "CREDENTIALS_DIRECTORY",
  "HOME",
  "LOGNAME",
  "NOTIFY_SOCKET",
  "OPENAI_API_KEY",
  "USER",
  "WATCHDOG_PID",
  "WATCHDOG_USEC",
  "XDG_CONFIG_HOME",
  "XDG_RUNTIME_DIR",
];

/**
 * Says what the program may do. The user names servers and files, so that these
 * cannot be narrowed down; the one library can.
 *
 * @param arch The processor that the program will run on, as `Deno.build.arch`
 *   names it.
 * @returns The flags of `deno run` and `deno compile`.
 */
export function permissionFlags(arch: string = Deno.build.arch): string[] {
  const libraries = [
    `/usr/lib/${arch}-linux-gnu/libasound.so.2`,
    "/usr/lib64/libasound.so.2",
    "/usr/lib/libasound.so.2",
  ];
  return [
    "--allow-net",
    "--allow-read",
    "--allow-write",
    `--allow-env=${VARIABLES.join()}`,
    `--allow-ffi=${libraries.join()}`,
    // Hooks, and "doctor" and "service" for iw and systemctl.
    "--allow-run=/bin/sh",
  ];
}

/**
 * Says all that Deno is told.
 *
 * @param arch As for {@linkcode permissionFlags}.
 * @returns The flags of `deno run` and `deno compile`.
 */
export function programFlags(arch?: string): string[] {
  // See src/cli/trimming.ts.
  return [...permissionFlags(arch), "--v8-flags=--expose-gc"];
}

if (import.meta.main) console.log(programFlags().join(" "));
