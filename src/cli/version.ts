/**
 * What `earshot --version` prints: which version this is, and what it was built
 * from.
 *
 * @module
 */

import denoJson from "../../deno.json" with { type: "json" };

/** What a compiled binary knows about itself. */
export interface BuildStamp {
  /** The version of the package, such as `"0.1.0"`. */
  readonly version: string;
  /**
   * The short hash of the commit, with `"+changes"` if the sources were not those
   * of the commit; `null` without git.
   */
  readonly commit: string | null;
  /** The day of the commit, such as `"2026-11-22"`; `null` without git. */
  readonly date: string | null;
  /** What it was compiled for, such as `"aarch64-unknown-linux-gnu"`. */
  readonly target: string;
  /** The version of the Deno within it. */
  readonly deno: string;
}

/** `deno task compile` puts it there, within the binary. */
const STAMP = new URL("../../dist/build.json", import.meta.url);

/**
 * Makes the line of `earshot --version`. Its first two words stay what they are:
 * scripts read them.
 *
 * @param stamp What is known of the binary; nothing when run from source.
 * @returns The line, without its end.
 */
export function versionLine(
  stamp: BuildStamp | undefined = readBuildStamp(),
): string {
  if (stamp === undefined) {
    return `earshot ${denoJson.version} (from source, Deno ${Deno.version.deno})`;
  }
  const { version, commit, date, target, deno } = stamp;
  const facts = [commit, date, target, `Deno ${deno}`];
  return `earshot ${version} (${
    facts.filter((fact) => fact !== null).join(", ")
  })`;
}

function readBuildStamp(): BuildStamp | undefined {
  // Beside the sources lies, at most, the stamp of some binary.
  if (!Deno.build.standalone) return undefined;
  try {
    return JSON.parse(Deno.readTextFileSync(STAMP));
  } catch {
    // Somebody compiled it in another way. That is no reason to fail.
    return undefined;
  }
}
