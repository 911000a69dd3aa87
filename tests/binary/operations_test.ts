/**
 * The compiled program as a service: its unit, its doctor, its signals.
 * `.ci/binary` says what this needs.
 */

import {
  assert,
  assertEquals,
  assertLess,
  assertStringIncludes,
} from "@std/assert";
import { run } from "../../scripts/run.ts";
import { startRealtimeServer } from "../../src/testing/mod.ts";
import { distinctSamples, FOLDER, outcomeOf, Place } from "./program.ts";

const ignore = FOLDER === undefined;
const ARCH = "x86_64";

/** What `systemd-analyze security` may say of the units, 0 (best) to 10. */
const MAX_EXPOSURE = { user: 5, system: 2 } as const;

/** What systemd thinks of a unit. */
async function exposureOf(
  unit: string,
  scope: "user" | "system",
): Promise<number> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/earshot.service`;
    await Deno.writeTextFile(path, unit);
    const env = { XDG_RUNTIME_DIR: folder };
    await run("systemd-analyze", [`--${scope}`, "verify", path], { env });
    const report = await run("systemd-analyze", [
      "security",
      "--no-pager",
      "--offline=true",
      path,
    ], { env });
    return Number(/exposure level for \S+: ([\d.]+)/.exec(report)![1]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name:
    "earshot service install writes a unit that systemd takes, for this program",
  ignore,
  async fn() {
    await using place = await Place.make(ARCH);
    // There is no systemd here that could be told.
    await Deno.mkdir(`${place.cwd}/bin`);
    await Deno.writeTextFile(
      `${place.cwd}/bin/systemctl`,
      `#!/bin/sh\necho "$@" >> ${place.cwd}/told\n`,
      { mode: 0o755 },
    );
    const env = { PATH: `${place.cwd}/bin:/usr/bin:/bin`, USER: "nobody" };
    const { code, stderr } = await place.run(
      ["service", "install", "--yes"],
      env,
    );
    assertEquals(code, 0, stderr);
    assertEquals(
      await Deno.readTextFile(`${place.cwd}/told`),
      "--user daemon-reload\n--user enable earshot.service\n--user restart --no-block earshot.service\n",
    );
    const home = `${place.cwd}/../home`;
    const unit = await Deno.readTextFile(
      `${home}/.config/systemd/user/earshot.service`,
    );
    assertStringIncludes(
      unit,
      `ExecStart=${FOLDER}/earshot-x86_64-linux stream`,
    );
    const exposure = await exposureOf(unit, "user");
    console.log(`systemd's security score of the user's service: ${exposure}`);
    assertLess(exposure, MAX_EXPOSURE.user);

    const system = await place.run([
      "service",
      "install",
      "--system",
      "--dry-run",
    ]);
    const text = /earshot\.service \(mode 0644\)\n((?: {4}.*\n|\n)*)/
      .exec(system.stdout)![1]!.replaceAll(/^ {4}/gm, "");
    const systemExposure = await exposureOf(text, "system");
    console.log(`and of the machine's: ${systemExposure}`);
    assertLess(systemExposure, MAX_EXPOSURE.system);
  },
});

Deno.test({
  name:
    "earshot doctor examines this machine, and its exit code tells the worst",
  ignore,
  async fn() {
    await using place = await Place.make(ARCH, distinctSamples(200_000));
    const { code, stdout } = await place.run(
      ["doctor", "--json", "--device", "recording"],
    );
    const { worst, findings } = JSON.parse(stdout);
    assertEquals(code, { fail: 1, warn: 3, info: 0, ok: 0 }[worst as string]);
    const library = findings.find((
      { check }: { check: string },
    ) => check === "library");
    assertStringIncludes(library.text, "libasound 1.");
  },
});

Deno.test({
  name: "earshot completions, config and settings work in the binary",
  ignore,
  async fn() {
    await using place = await Place.make(ARCH);
    const { stdout } = await place.run(["completions", "bash"]);
    assertStringIncludes(stdout, "complete -o filenames -F _earshot earshot");
    const { stdout: shown } = await place.run(["config", "show"], {
      EARSHOT_KEEP_SECONDS: "7",
    });
    assert(/^keep-seconds +7 +EARSHOT_KEEP_SECONDS$/m.test(shown), shown);
  },
});

Deno.test({
  name:
    "earshot stream prints statistics at SIGUSR1, runs hooks, and writes the flight record at SIGUSR2",
  ignore,
  async fn() {
    await using server = startRealtimeServer({});
    await using place = await Place.make(ARCH, distinctSamples(48_000));
    const process = place.start([
      "stream",
      ...["--device", "recording", "--url", server.url, "--log", "json"],
      ...["--recorder-minutes", "1", "--recorder-folder", "records"],
      ...[
        "--on-connected",
        "pwd > connected; kill -USR1 $PPID; kill -USR2 $PPID",
      ],
      ...["--seconds", "2"],
    ], { OPENAI_API_KEY: "sk-secret" });
    const { code, stderr } = await outcomeOf(process);
    assertEquals(code, 0, stderr);
    const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
    // Once for the signal, once for the end.
    const statistics = lines.filter(({ capture }) => capture !== undefined);
    assert(statistics.length >= 1, stderr);
    assert(!stderr.includes("Debugger"), stderr);
    assert(!stderr.includes("sk-secret"));
    const files = place.files();
    assert(files.includes("cwd/connected"), files.join());
    assertEquals(
      files.filter((file) => /records\/earshot-.*\.(wav|jsonl)$/.test(file))
        .length,
      2,
    );
  },
});
