/** Where the program finds the API key. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { apiKeyOf } from "../src/cli/api_key.ts";
import type { World } from "../src/cli/command.ts";
import { Log } from "../src/cli/log.ts";
import { Options } from "../src/cli/options.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";

async function inFolder(
  test: (lab: {
    path: string;
    folder: string;
    said: () => string;
    find: (
      args: string[],
      environment?: Record<string, string>,
    ) => ReturnType<typeof apiKeyOf>;
  }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/openai_api_key`;
  await Deno.writeTextFile(path, "sk-file\n", { mode: 0o600 });
  let said = "";
  const find = (args: string[], environment: Record<string, string> = {}) => {
    const variable = (name: string) => environment[name];
    const rules = { options: ["key-file"] } as const;
    const options = new Options(args, rules, variable);
    const stderr = {
      isTerminal: false,
      columns: 80,
      write: (text: string) => void (said += text),
    };
    const log = new Log(options, { stderr, clock: new FakeClock() });
    return apiKeyOf(options, { variable } as World, log);
  };
  try {
    await test({ path, folder, said: () => said, find });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("--key-file goes before OPENAI_API_KEY, that before systemd's credential", async () => {
  await inFolder(async ({ path, folder, find, said }) => {
    const environment = {
      OPENAI_API_KEY: "sk-env",
      CREDENTIALS_DIRECTORY: folder,
    };
    assertEquals(await find(["--key-file", path], environment)!(), "sk-file\n");
    assertEquals(find([], environment), undefined);
    assertEquals(
      await find([], { CREDENTIALS_DIRECTORY: folder })!(),
      "sk-file\n",
    );
    assertEquals(find([]), undefined);
    assertEquals(said(), "");
  });
});

Deno.test("a key file is read anew for each connection", async () => {
  await inFolder(async ({ path, find }) => {
    const read = find(["--key-file", path])!;
    await read();
    await Deno.writeTextFile(path, "sk-new");
    assertEquals(await read(), "sk-new");
  });
});

Deno.test("a key file that others can read is warned of, without the key", async () => {
  await inFolder(async ({ path, find, said }) => {
    await Deno.chmod(path, 0o640);
    await find(["--key-file", path])!();
    assertStringIncludes(said(), `Others can read the API key in "${path}"`);
    assertStringIncludes(said(), "chmod 600");
    assert(!said().includes("sk-"));
  });
});

Deno.test("a key file that is not there is named", async () => {
  await inFolder(async ({ find }) => {
    const error = await assertRejects(find(["--key-file", "/none"])!, Error);
    assertStringIncludes(error.message, 'Cannot read the API key in "/none"');
  });
});

Deno.test("a key file that is empty is named; a credential that is empty is no key", async () => {
  await inFolder(async ({ path, folder, find }) => {
    await Deno.writeTextFile(path, "\n");
    const error = await assertRejects(find(["--key-file", path])!, Error);
    assertStringIncludes(error.message, `There is no API key in "${path}"`);
    const credential = find([], { CREDENTIALS_DIRECTORY: folder })!;
    assertEquals((await credential()).trim(), "");
  });
});
