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

/** What V8 is told: all versions of Deno that can run this know these. */
const V8_FLAGS = [
  // See src/cli/trimming.ts.
  "--expose-gc",
  // V8 waits for 3000 calls until it optimizes a function, which is a minute at
  // chunks of 20 ms and ten at 200. See bench/README.md for what this gains.
  "--invocation-count-for-turbofan=200",
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
  return [...permissionFlags(arch), `--v8-flags=${V8_FLAGS.join()}`];
}

if (import.meta.main) console.log(programFlags().join(" "));
