/**
 * Compiles the program into one file: `deno task compile [TARGET [OUTPUT]]`. It
 * uses the Deno that runs it, which downloads what it needs for other machines.
 *
 * @module
 */

import { makeBuildStamp } from "./build_stamp.ts";
import { programFlags } from "./program_flags.ts";
import { stdFlags } from "./std_flags.ts";

/** The folder of `deno.json`. */
const ROOT = `${import.meta.dirname}/../`;

/** Where `src/cli/version.ts` looks for it, within the binary. */
const STAMP = "dist/build.json";

/** What can be compiled for; libasound exists nowhere else. */
const TARGETS: readonly string[] = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
];

/**
 * Compiles the program, with its permissions and its stamp built in.
 *
 * @param target What to compile for.
 * @param output The file to write, from the folder of `deno.json`.
 * @throws {Error} When the target is unknown, or Deno fails, which says why.
 */
export async function compile(target: string, output: string): Promise<void> {
  if (!TARGETS.includes(target)) {
    throw new Error(
      `Cannot compile for "${target}" as the target must be one of ${
        TARGETS.join(", ")
      }`,
    );
  }
  const stamp = await makeBuildStamp(ROOT, target);
  await Deno.mkdir(`${ROOT}dist`, { recursive: true });
  await Deno.writeTextFile(`${ROOT}${STAMP}`, `${JSON.stringify(stamp)}\n`);
  const { flags: std } = await stdFlags();
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      ...programFlags(target.split("-")[0]),
      // It would be read from, and written to, a file of a known name in /tmp,
      // where others may have put theirs. Without it we start no later.
      "--no-code-cache",
      ...std,
      ...["--include", STAMP],
      ...["--target", target],
      ...["--output", output],
      "cli.ts",
    ],
    cwd: ROOT,
  }).spawn().status;
  if (!success) {
    throw new Error(
      `Deno could not compile ${output} for ${target}, and says why above`,
    );
  }
}

if (import.meta.main) {
  const [target = Deno.build.target, output = "dist/earshot"] = Deno.args;
  try {
    await compile(target, output);
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
