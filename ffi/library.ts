/**
 * Finds libasound, opens it when it is first needed, and closes it after the
 * last use.
 *
 * It works with `--allow-ffi` and, for least permission, with
 * `--allow-ffi=<absolute path of libasound.so.2>`.
 *
 * @module
 */

import { AlsaError } from "./errno.ts";
import { cString } from "./memory.ts";
import { SYMBOLS } from "./symbols.ts";

type AlsaLibrary = Deno.DynamicLibrary<typeof SYMBOLS>;

/** The functions of the open library. */
export type Alsa = AlsaLibrary["symbols"];

/** Names the library's file, where none of the usual places is right. */
const PATH_VARIABLE = "EARSHOT_LIBASOUND";

/** Where Linux distributions keep the library. */
export const LIBRARY_PATHS: readonly [string, ...string[]] = [
  // Debian, Ubuntu, Raspberry Pi OS.
  `/usr/lib/${Deno.build.arch}-linux-gnu/libasound.so.2`,
  // Fedora, openSUSE.
  "/usr/lib64/libasound.so.2",
  // Arch Linux.
  "/usr/lib/libasound.so.2",
  // Wherever the dynamic linker looks; a scoped permission excludes this one.
  "libasound.so.2",
];

let shared: AlsaLibrary | undefined;
let holderCount = 0;

/**
 * Opens libasound, or shares it when it is open already.
 *
 * Loading takes some 10 ms, and Deno keeps some 15 kB of it for good. So a caller
 * that opens devices again and again holds the library meanwhile.
 *
 * @returns Its functions. Every call needs one {@linkcode releaseAlsa}.
 * @throws {AlsaError} `unavailable` when the library cannot be loaded,
 *   `permission` when Deno may not load it.
 */
export function acquireAlsa(): Alsa {
  if (shared === undefined) {
    shared = openLibrary();
    silence(shared.symbols);
  }
  holderCount++;
  return shared.symbols;
}

/**
 * Gives back what {@linkcode acquireAlsa} gave. The last holder closes the
 * library, together with the plugins it loaded, so that nothing is left open
 * (Deno's leak sanitizer would say so) and the next one reads ALSA's
 * configuration anew.
 */
export function releaseAlsa(): void {
  holderCount--;
  if (shared === undefined || holderCount > 0) return;
  shared.symbols.snd_config_update_free_global();
  shared.close();
  shared = undefined;
}

function openLibrary(): AlsaLibrary {
  if (Deno.build.os !== "linux") {
    throw new AlsaError("dlopen", 0, {
      detail: `libasound on "${Deno.build.os}"`,
      kind: "unavailable",
      advice: "Use Linux, as ALSA is a part of it",
    });
  }
  const paths = permittedPaths(candidatePaths());
  const errors: unknown[] = [];
  for (const path of paths) {
    try {
      return Deno.dlopen(path, SYMBOLS);
    } catch (error) {
      errors.push(error);
    }
  }
  throw new AlsaError("dlopen", 0, {
    detail: paths.map((path) => `"${path}"`).join(", "),
    kind: "unavailable",
    advice:
      `Install libasound2 ("sudo apt install libasound2", or libasound2t64 since Debian 13 and Ubuntu 24.04), or name the library's file in the variable ${PATH_VARIABLE}`,
    cause: errors.length === 1 ? errors[0] : new AggregateError(errors),
  });
}

/** A variable that may not be read is not asked for: it is rarely set. */
function candidatePaths(): readonly [string, ...string[]] {
  const permission = Deno.permissions.querySync({
    name: "env",
    variable: PATH_VARIABLE,
  });
  const path = permission.state === "granted"
    ? Deno.env.get(PATH_VARIABLE)
    : undefined;
  return path ? [path] : LIBRARY_PATHS;
}

/** Trying to load each path would prompt for each: this asks once at most. */
function permittedPaths(
  paths: readonly [string, ...string[]],
): readonly string[] {
  const permitted = paths.filter((path) =>
    Deno.permissions.querySync({ name: "ffi", path }).state === "granted"
  );
  if (permitted.length > 0) return permitted;
  if (Deno.permissions.requestSync({ name: "ffi" }).state === "granted") {
    return paths;
  }
  throw new AlsaError("dlopen", 0, {
    detail: "libasound, as the permission for it was not granted",
    kind: "permission",
    advice: `Run Deno with --allow-ffi=${
      paths[0]
    }, or with --allow-ffi if the library lies elsewhere`,
  });
}

/**
 * Keeps libasound's complaints off the user's stderr: whatever matters comes
 * back as an error code. Any C function that ignores its arguments can be the
 * handler. Since libasound 1.2.15 it silences the newer log as well.
 */
function silence(alsa: Alsa): void {
  const defaultNamespace = 0n; // RTLD_DEFAULT
  const getpid = alsa.dlsym(defaultNamespace, cString("getpid"));
  alsa.snd_lib_error_set_handler?.(getpid);
}
