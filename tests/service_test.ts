/** `earshot service`: what is shown, written and run. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RunResult, System } from "../src/cli/system.ts";
import { unitOf } from "../src/cli/systemd_unit.ts";
import { EMPTY_SYSTEM, run } from "./cli_lab.ts";

const FINE: RunResult = { code: 0, stdout: "", stderr: "" };

/** A home, and a systemd that writes down what it is told. */
async function inHome(
  test: (lab: {
    home: string;
    ran: string[];
    service: (
      args: string[],
      system?: Partial<System>,
      environment?: Record<string, string>,
    ) => ReturnType<typeof run>;
  }) => Promise<void>,
): Promise<void> {
  const home = await Deno.makeTempDir();
  const ran: string[] = [];
  const service: Parameters<typeof test>[0]["service"] = (
    args,
    system = {},
    environment = {},
  ) =>
    run(["service", ...args], {
      environment: { HOME: home, USER: "pi", ...environment },
      system: {
        ...EMPTY_SYSTEM,
        execPath: "/usr/bin/earshot",
        exists(path) {
          try {
            Deno.lstatSync(path);
            return true;
          } catch {
            return false;
          }
        },
        run(command, args) {
          ran.push([command, ...args].join(" "));
          return Promise.resolve(FINE);
        },
        ...system,
      },
    });
  try {
    await test({ home, ran, service });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

const UNIT = ".config/systemd/user/earshot.service";

Deno.test("earshot service install --dry-run shows everything and does nothing", async () => {
  await inHome(async ({ home, ran, service }) => {
    const { code, stdout } = await service(["install", "--dry-run"], {}, {
      OPENAI_API_KEY: "sk-secret",
    });
    assertEquals(code, 0);
    assertStringIncludes(stdout, `# write ${home}/${UNIT} (mode 0644)\n`);
    assertStringIncludes(
      stdout,
      `    ExecStart=/usr/bin/earshot stream --config ${home}/.config/earshot/config.jsonc\n`,
    );
    assertStringIncludes(
      stdout,
      `# write ${home}/.config/earshot/openai_api_key (mode 0600)\n    the key of OPENAI_API_KEY\n`,
    );
    assertStringIncludes(stdout, "# run systemctl --user daemon-reload\n");
    assert(!stdout.includes("sk-secret"));
    assertEquals([...Deno.readDirSync(home)], []);
    assertEquals(ran, []);
  });
});

Deno.test("earshot service install writes unit, settings and key, and starts the service", async () => {
  await inHome(async ({ home, ran, service }) => {
    const { code, stdout, stderr } = await service(["install", "--yes"], {}, {
      OPENAI_API_KEY: "sk-secret",
    });
    assertEquals(code, 0);
    const unit = await Deno.readTextFile(`${home}/${UNIT}`);
    assertStringIncludes(unit, "Type=notify\n");
    assertStringIncludes(stdout, unit.split("\n")[3]!);
    const config = `${home}/.config/earshot/config.jsonc`;
    assertStringIncludes(await Deno.readTextFile(config), '"transcribe": true');
    const key = `${home}/.config/earshot/openai_api_key`;
    assertEquals(await Deno.readTextFile(key), "sk-secret\n");
    assertEquals((await Deno.stat(key)).mode! & 0o777, 0o600);
    assertEquals(ran, [
      "systemctl --user daemon-reload",
      "systemctl --user enable earshot.service",
      "systemctl --user restart --no-block earshot.service",
    ]);
    assertStringIncludes(stderr, `The key is read from ${key}`);
    assertStringIncludes(stderr, "sudo loginctl enable-linger pi");
    assert(!(stdout + stderr).includes("sk-secret"));
  });
});

Deno.test("earshot service install keeps settings that are there, and says how to write a key", async () => {
  await inHome(async ({ home, service }) => {
    const config = `${home}/.config/earshot/config.jsonc`;
    await Deno.mkdir(`${home}/.config/earshot`, { recursive: true });
    await Deno.writeTextFile(config, "{}");
    const { stdout, stderr } = await service(["install", "--yes"]);
    assertEquals(await Deno.readTextFile(config), "{}");
    assert(!stdout.includes("config.jsonc (mode"));
    assertStringIncludes(
      stderr,
      `install -D -m 600 /dev/stdin ${home}/.config/earshot/openai_api_key`,
    );
  });
});

Deno.test("earshot service asks before it does anything, and needs somebody to ask", async () => {
  await inHome(async ({ home, ran, service }) => {
    const nobody = await service(["install"]);
    assertEquals(nobody.code, 2);
    assertStringIncludes(nobody.stderr, "there is nobody to ask: give --yes");
    const no = await service(["install"], { confirm: () => false });
    assertEquals(no.code, 0);
    assertEquals([[...Deno.readDirSync(home)], ran], [[], []]);
    const yes = await service(["install"], { confirm: () => true });
    assertEquals([yes.code, ran.length], [0, 3]);
  });
});

Deno.test("earshot service uninstall stops and removes it, and leaves settings and key", async () => {
  await inHome(async ({ home, ran, service }) => {
    await service(["install", "--yes"], {}, { OPENAI_API_KEY: "sk-secret" });
    ran.length = 0;
    const { code, stderr } = await service(["uninstall", "--yes"]);
    assertEquals(code, 0);
    assertEquals(ran, [
      "systemctl --user disable --now earshot.service",
      "systemctl --user daemon-reload",
    ]);
    assertStringIncludes(stderr, "are left where they are");
    assertEquals(
      [...Deno.readDirSync(`${home}/.config/earshot`)].length,
      2,
    );
    assertEquals([...Deno.readDirSync(`${home}/.config/systemd/user`)], []);
    // Once more does no harm.
    assertEquals((await service(["uninstall", "--yes"])).code, 0);
  });
});

Deno.test("earshot service status passes on what systemctl says, and its code", async () => {
  await inHome(async ({ service }) => {
    const { code, stdout, stderr } = await service(["status"], {
      run: () =>
        Promise.resolve({ code: 3, stdout: "○ earshot\n", stderr: "" }),
      exists: (path) => path === "/var/lib/systemd/linger/pi",
    });
    assertEquals([code, stdout], [3, "○ earshot\n"]);
    assertStringIncludes(stderr, "It goes on when pi logs out");
  });
});

Deno.test("earshot service says what is missing", async () => {
  await inHome(async ({ service }) => {
    const source = await service(["install"], { execPath: undefined });
    assertEquals(source.code, 2);
    assertStringIncludes(source.stderr, "deno task compile");
    const nothing = { run: () => Promise.resolve(undefined) };
    const status = await service(["status"], nothing);
    assertEquals(status.code, 1);
    assertStringIncludes(status.stderr, "a machine with systemd?");
    const install = await service(["install", "--yes"], nothing);
    assertStringIncludes(install.stderr, "there is no systemctl");
    const failing = await service(["install", "--yes"], {
      run: () => Promise.resolve({ code: 1, stdout: "", stderr: "no bus\n" }),
    });
    assertEquals(failing.code, 1);
    assertStringIncludes(failing.stderr, "failed with exit code 1: no bus");
  });
});

Deno.test("a unit has quotes and percents where systemd wants them", () => {
  const unit = unitOf("system", {
    program: "/opt/my programs/ear$hot",
    unit: "",
    config: '/etc/100%/"c".jsonc',
    key: "/etc/100%/key",
  });
  assertStringIncludes(
    unit,
    'ExecStart="/opt/my programs/ear$$hot" stream --config "/etc/100%%/\\"c\\".jsonc"\n',
  );
  assertStringIncludes(unit, "LoadCredential=openai_api_key:/etc/100%%/key\n");
  assertStringIncludes(unit, "SupplementaryGroups=audio\n");
});
