/**
 * Runs another program for a script.
 *
 * @module
 */

/**
 * Runs a program to its end, without input.
 *
 * @param command Its name or path.
 * @param args Its arguments.
 * @param options Where it runs, the folder of the script's user by default, and
 *   what is added to its environment.
 * @returns What it wrote to stdout.
 * @throws {Error} When it is missing or fails, with what it says about that.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: Pick<Deno.CommandOptions, "cwd" | "env"> = {},
): Promise<string> {
  const text = [command, ...args].join(" ");
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(command, {
      args: [...args],
      ...options,
      stdin: "null",
    }).output();
  } catch (cause) {
    throw new Error(
      `Cannot run "${text}": ${(cause as Error).message}. Install ${command}`,
      { cause },
    );
  }
  const decoder = new TextDecoder();
  if (output.success) return decoder.decode(output.stdout);
  throw new Error(
    `"${text}" failed with exit code ${output.code}: ${
      decoder.decode(output.stderr).trim() || "it does not say why"
    }`,
  );
}
