/** What a shell offers at the tab key. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runShell } from "../src/cli/hooks.ts";
import { OPTIONS } from "../src/cli/option_table.ts";
import { run } from "./cli_lab.ts";

async function completionsFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await run(["completions", shell]);
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

/** Asks bash what it offers for a line that is typed up to its last word. */
async function offered(...words: string[]): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/script`,
      `${await completionsFor("bash")}
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_earshot
printf '%s\\n' "\${COMPREPLY[@]}" > ${folder}/reply
`,
    );
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const code = await runShell(
      `cd ${folder} && bash script ${quoted}`,
      {},
      new AbortController().signal,
    );
    assertEquals(code, 0);
    const reply = await Deno.readTextFile(`${folder}/reply`);
    return reply.trimEnd().split("\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("bash completes commands, options, words and files", async () => {
  assertEquals(await offered("earshot", "st"), ["stream"]);
  assertEquals(await offered("earshot", "stream", "--keep"), [
    "--keep-seconds",
  ]);
  assertEquals(await offered("earshot", "stream", "--no-fill"), [
    "--no-fill-gaps",
  ]);
  assertEquals(await offered("earshot", "meter", "--trans"), [""]);
  assertEquals(await offered("earshot", "stream", "--vad", ""), [
    "client",
    "server",
  ]);
  assertEquals(await offered("earshot", "service", "un"), ["uninstall"]);
  assertEquals(await offered("earshot", "completions", ""), [
    "bash",
    "zsh",
    "fish",
  ]);
  assertEquals(await offered("earshot", "help", "dev"), ["devices"]);
  assertEquals(await offered("earshot", "record", "scr"), ["script"]);
  assertEquals(await offered("earshot", "meter", "--config", "scr"), [
    "script",
  ]);
  assertEquals(await offered("earshot", "meter", "--rate", ""), [""]);
});

for (const shell of ["bash", "zsh", "fish"]) {
  Deno.test(`the completions of ${shell} know every command and option`, async () => {
    const script = await completionsFor(shell);
    for (const name of ["devices", "stream", "doctor", "completions"]) {
      assertStringIncludes(script, name);
    }
    for (const name of Object.keys(OPTIONS)) {
      assertStringIncludes(
        script,
        shell === "fish" ? `-l ${name}` : `--${name}`,
      );
    }
    assert(script.includes("earshot completions"));
  });
}
