/**
 * Other programs.
 *
 * @module
 */

/**
 * Runs a program, and does not go on without it.
 *
 * @param program Its name.
 * @param args Its arguments.
 * @param cwd Where it runs.
 * @throws {Error} When it fails.
 */
export async function run(
  program: string,
  args: string[],
  cwd?: string,
): Promise<void> {
  if (!await succeeds(program, args, cwd)) {
    throw new Error(
      `Cannot go on as this failed: ${program} ${args.join(" ")}`,
    );
  }
}

/**
 * Runs a program.
 *
 * @param program Its name.
 * @param args Its arguments.
 * @param cwd Where it runs.
 * @returns Whether it did what it was to do.
 */
export async function succeeds(
  program: string,
  args: string[],
  cwd?: string,
): Promise<boolean> {
  const { success } = await new Deno.Command(program, {
    args,
    cwd,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}
