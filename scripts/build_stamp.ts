/**
 * Finds out what a binary is made of, so that `earshot --version` can say it.
 *
 * @module
 */

import denoJson from "../deno.json" with { type: "json" };
import type { BuildStamp } from "../src/cli/version.ts";

/** Without git, or without a repository. */
const UNKNOWN = { commit: null, date: null };

/**
 * Makes the stamp of a binary that is compiled now. The same sources give the
 * same stamp, so the date is that of the commit.
 *
 * @param root The folder of `deno.json`.
 * @param target What the binary is for, such as `"aarch64-unknown-linux-gnu"`.
 * @returns The stamp.
 */
export async function makeBuildStamp(
  root: string,
  target: string,
): Promise<BuildStamp> {
  const commit = await describeCommit(root);
  return {
    version: denoJson.version,
    ...commit,
    target,
    deno: Deno.version.deno,
  };
}

async function describeCommit(
  root: string,
): Promise<Pick<BuildStamp, "commit" | "date">> {
  // Unpacked sources may lie within the repository of something else.
  if (await git(root, "rev-parse", "--show-cdup") !== "") return UNKNOWN;
  const head = await git(root, "log", "-1", "--format=%h %cs");
  const changes = await git(root, "status", "--porcelain");
  if (head === undefined || changes === undefined) return UNKNOWN;
  const [hash, date] = head.split(" ") as [string, string];
  return { commit: changes === "" ? hash : `${hash}+changes`, date };
}

async function git(
  root: string,
  ...args: string[]
): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      args,
      cwd: root,
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
