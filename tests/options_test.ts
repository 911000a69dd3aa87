/** Settings: where they come from, which goes first, and what is refused. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CONFIG_NAMES, parseConfig } from "../src/cli/config_file.ts";
import { configSchema } from "../src/cli/config.ts";
import {
  OPTION_NAMES,
  OPTIONS,
  specOf,
  variableOf,
} from "../src/cli/option_table.ts";
import { run } from "./cli_lab.ts";
import { optionsTable } from "../scripts/options_table.ts";

async function withConfig(
  text: string,
  test: (path: string, home: string) => Promise<void>,
): Promise<void> {
  const home = await Deno.makeTempDir();
  const path = `${home}/.config/earshot/config.jsonc`;
  await Deno.mkdir(`${home}/.config/earshot`, { recursive: true });
  await Deno.writeTextFile(path, text);
  try {
    await test(path, home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

interface Row {
  name: string;
  value: unknown;
  from: string;
}

/** What `earshot config show` says of an option. */
async function shown(
  name: string,
  args: string[],
  environment: Record<string, string> = {},
): Promise<Pick<Row, "value" | "from">> {
  const { stdout, stderr } = await run(
    ["config", "show", "--json", ...args],
    { environment },
  );
  assertEquals(stderr, "");
  const rows: Row[] = JSON.parse(stdout);
  const { value, from } = rows.find((row) => row.name === name)!;
  return { value, from };
}

Deno.test("a flag goes before the environment, that before the file, and that before the default", async () => {
  await withConfig(`{ "keep-seconds": 3 }`, async (path, home) => {
    const environment = { HOME: home, EARSHOT_KEEP_SECONDS: "2" };
    const flag = ["--keep-seconds", "1"];
    const name = "keep-seconds";
    assertEquals(await shown(name, flag, environment), {
      value: 1,
      from: "--keep-seconds",
    });
    assertEquals(await shown(name, [], environment), {
      value: 2,
      from: "EARSHOT_KEEP_SECONDS",
    });
    assertEquals(await shown(name, [], { HOME: home }), {
      value: 3,
      from: path,
    });
    assertEquals(await shown(name, []), { value: 60, from: "default" });
  });
});

Deno.test("a switch of the file is undone by the environment and by --no-NAME", async () => {
  await withConfig(`{ "transcribe": true }`, async (path, home) => {
    const environment = { HOME: home };
    assertEquals(await shown("transcribe", [], environment), {
      value: true,
      from: path,
    });
    assertEquals(
      await shown("transcribe", [], {
        ...environment,
        EARSHOT_TRANSCRIBE: "0",
      }),
      { value: false, from: "EARSHOT_TRANSCRIBE" },
    );
    assertEquals(await shown("transcribe", ["--no-transcribe"], environment), {
      value: false,
      from: "--no-transcribe",
    });
  });
});

Deno.test("settings reach the command that they are for", async () => {
  await withConfig(
    `{ "device": "plughw:CARD=Device,DEV=0", "seconds": 0.1 }`,
    async (_path, home) => {
      const { code, opened } = await run(["meter"], {
        environment: { HOME: home },
      });
      assertEquals([code, opened], [0, ["plughw:CARD=Device,DEV=0"]]);
    },
  );
});

Deno.test("XDG_CONFIG_HOME and --config say where the file is", async () => {
  await withConfig(`{ "rate": 8000 }`, async (path, home) => {
    const environment = { HOME: "/none", XDG_CONFIG_HOME: `${home}/.config` };
    assertEquals((await shown("rate", [], environment)).from, path);
    assertEquals((await shown("rate", ["--config", path])).value, 8000);
    assertEquals(
      (await shown("rate", [], { EARSHOT_CONFIG: path })).value,
      8000,
    );
  });
});

Deno.test("earshot config show names the file, also one that is not there", async () => {
  const none = await run(["config", "show"], {
    environment: { HOME: "/none" },
  });
  assertStringIncludes(
    none.stdout,
    "There is no file of settings; it would be /none/.config/earshot/config.jsonc\n",
  );
  assertStringIncludes(none.stdout, "\nkeep-seconds ");
  for (const name of CONFIG_NAMES) {
    assertStringIncludes(none.stdout, `\n${name} `);
  }
});

Deno.test("a file of settings may have comments, commas behind last elements, and nothing in it", () => {
  assertEquals(
    parseConfig(
      `{
        // "rate": 1
        "url": "wss://host//path", /* , } */
        "on-error": "echo \\"a // b, ]\\" ,}",
      }`,
      "c",
    ),
    new Map([
      ["url", "wss://host//path"],
      ["on-error", 'echo "a // b, ]" ,}'],
    ]),
  );
  assertEquals(parseConfig("", "c").size, 0);
  assertEquals(parseConfig("// nothing yet\n", "c").size, 0);
  assertEquals(parseConfig(`{ "$schema": "./s.json" }`, "c").size, 0);
});

const WRONG_FILES: [string, string][] = [
  [
    `{ "keep-secnds": 3 }`,
    'Unknown key "keep-secnds" in "FILE": did you mean "keep-seconds"?',
  ],
  [`{ "apiKey": "x" }`, '"earshot config show" lists what there is'],
  [`{ "help": true }`, 'Unknown key "help"'],
  [
    `{ "rate": "48000" }`,
    'Cannot use "rate" in "FILE" as it must be a whole number from 4000 to 384000: current value is "48000"',
  ],
  [`{ "rate": 1 }`, "from 4000 to 384000"],
  [`{ "transcribe": 1 }`, "must be true or false: current value is 1"],
  [`{ "vad": "me" }`, "must be one of client, server"],
  [`{ "device": null }`, "must be a text: current value is null"],
  [`{ "device": "" }`, "Missing the value"],
  [`{\n "rate" 48000 }`, "line 2 column 9"],
  [`[1]`, "must hold one object"],
];

for (const [text, message] of WRONG_FILES) {
  Deno.test(`a file of settings that says ${text.replaceAll("\n", " ")} is refused with its place`, async () => {
    await withConfig(text, async (path) => {
      const { code, stdout, stderr } = await run(["meter", "--config", path]);
      assertEquals([code, stdout], [2, ""]);
      assertStringIncludes(stderr.replaceAll(path, "FILE"), message);
    });
  });
}

Deno.test("a file that the user names must be there", async () => {
  const { code, stderr } = await run(["meter", "--config", "/none.jsonc"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, 'Cannot read the settings in "/none.jsonc"');
});

Deno.test("a variable with a wrong value is refused by its name", async () => {
  for (
    const [variable, value, message] of [
      ["EARSHOT_RATE", "fast", "whole number from 4000 to 384000"],
      ["EARSHOT_FILL_GAPS", "maybe", "must be 1 or 0"],
    ] as const
  ) {
    const { code, stderr } = await run(["record", "x.wav"], {
      environment: { [variable]: value },
    });
    assertEquals(code, 2);
    assertStringIncludes(stderr, `Cannot use ${variable} as it`);
    assertStringIncludes(stderr, message);
  }
});

Deno.test("--help needs no file of settings that is right", async () => {
  await withConfig("{ broken", async (_path, home) => {
    const environment = { HOME: home };
    assertEquals((await run(["meter", "--help"], { environment })).code, 0);
    assertEquals(
      (await run(["completions", "bash"], { environment })).code,
      0,
    );
  });
});

Deno.test("earshot config schema describes every setting, with its range, words and default", async () => {
  const { stdout } = await run(["config", "schema"]);
  const schema = JSON.parse(stdout);
  assertEquals(schema, JSON.parse(JSON.stringify(configSchema())));
  assertEquals(schema.additionalProperties, false);
  assertEquals(Object.keys(schema.properties), ["$schema", ...CONFIG_NAMES]);
  assertEquals(schema.properties.rate, {
    description: OPTIONS.rate.help,
    type: "integer",
    minimum: 4000,
    maximum: 384_000,
    default: 24_000,
  });
  assertEquals(schema.properties.vad.enum, ["client", "server"]);
  const events = new RegExp(schema.properties["recorder-on"].pattern);
  assert(events.test("error,speech-start"));
  assert(!events.test("error,"));
});

Deno.test("what the schema allows, the file allows", () => {
  for (const name of CONFIG_NAMES) {
    const { range, choices, value } = specOf(name);
    const example = range?.[1] ?? choices?.[0] ??
      (value === undefined ? true : "text");
    const values = parseConfig(JSON.stringify({ [name]: example }), "c");
    assertEquals(String(values.get(name)), String(example));
  }
});

Deno.test("every option has a variable of its own", () => {
  const variables = OPTION_NAMES.map(variableOf);
  assertEquals(new Set(variables).size, variables.length);
  assertEquals(variableOf("keep-seconds"), "EARSHOT_KEEP_SECONDS");
});

Deno.test("the README's table of settings is the table of options", async () => {
  const readme = await Deno.readTextFile(
    new URL("../README.md", import.meta.url),
  );
  assertStringIncludes(readme, optionsTable());
});
