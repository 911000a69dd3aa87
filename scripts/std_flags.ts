/**
 * Tells a command how to come by the `@std` packages. `deno task` puts its
 * output into commands, as in `deno run $(deno task --quiet std) cli.ts`.
 * Nothing stands between the shell and the program then, which would have to
 * pass on signals and exit codes.
 *
 * @module
 */

import denoJson from "../deno.json" with { type: "json" };

const OFFLINE_MAP = "offline/import_map.json";

/** A network that swallows everything must not keep the user waiting. */
const PROBE_MS = 10_000;

/** How the `@std` packages can be had. */
export interface StdFlags {
  /** Whether they are the genuine ones. */
  readonly isGenuine: boolean;
  /** The flags of Deno that make it so, without a change of `deno.lock`. */
  readonly flags: readonly string[];
}

/**
 * Asks Deno whether it can get the packages that `deno.lock` names: from
 * JSR, from the mirror in `JSR_URL`, or from its cache. Where it cannot,
 * Deno's built-ins stand in, and stderr says so.
 *
 * @returns How they can be had.
 */
export async function stdFlags(): Promise<StdFlags> {
  // A folder is the user's own mirror: Deno does not hold it against the lock
  // file's integrities, and it may have other versions.
  const isFolder = Deno.env.get("JSR_URL")?.startsWith("file:");
  const lockFlag = isFolder ? "--no-lock" : "--frozen";
  const isGenuine = await canCache(lockFlag);
  if (!isGenuine) {
    console.error(
      "The @std packages of JSR are out of reach: Deno's built-ins stand in for them (offline/)",
    );
  }
  // Deno 2.7 refuses the leak sanitizers in deno.json, which it always has on.
  if (!("sanitizer" in Deno.test)) {
    const importMap = isGenuine ? "deno.json" : OFFLINE_MAP;
    const flags = ["--no-config", "--no-lock", `--import-map=${importMap}`];
    return { isGenuine, flags };
  }
  const flags = isGenuine
    ? [lockFlag]
    : ["--no-lock", `--import-map=${OFFLINE_MAP}`];
  return { isGenuine, flags };
}

async function canCache(lockFlag: string): Promise<boolean> {
  const specifiers = Object.values(denoJson.imports)
    .filter((specifier) => specifier.startsWith("jsr:"));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", lockFlag, ...specifiers],
    stdout: "null",
    stderr: "piped",
    signal: AbortSignal.timeout(PROBE_MS),
  }).output();
  // Packages that do not fit the lock file are no reason to do without them,
  // but an error that the command itself will report.
  return success || /lock ?file/i.test(new TextDecoder().decode(stderr));
}

if (import.meta.main) console.log((await stdFlags()).flags.join(" "));
