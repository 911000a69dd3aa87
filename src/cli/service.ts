/**
 * `earshot service`: `earshot stream` as a service of systemd. Everything is
 * shown before it is done, and what systemd does is left to systemd.
 *
 * @module
 */

import { type Command, COMMON_OPTIONS, type World } from "./command.ts";
import { defaultConfigPath } from "./config_file.ts";
import { lingers } from "./linger.ts";
import { Log } from "./log.ts";
import type { Options } from "./options.ts";
import {
  type ServicePaths,
  type ServiceScope,
  unitOf,
} from "./systemd_unit.ts";
import { UsageError } from "./usage_error.ts";

const UNIT = "earshot.service";

/** What a new file of settings says. */
const FIRST_CONFIG = `{
  // "earshot config schema" and "earshot stream --help" tell what there is.
  // "device": "default",
  "transcribe": true
}
`;

/** Something that is to be done. */
type Step =
  | {
    readonly type: "write";
    readonly path: string;
    readonly content: string;
    readonly mode: number;
    /** What is said in the place of the content. */
    readonly secret?: string;
  }
  | { readonly type: "remove"; readonly path: string }
  | { readonly type: "run"; readonly command: readonly string[] };

/** `earshot service`. */
export const service: Command = {
  name: "service",
  summary: "Run the stream as a service of systemd.",
  operands: ["install|status|uninstall"],
  options: ["system", "dry-run", "yes", ...COMMON_OPTIONS],
  details:
    `A service of yours (the default) uses your sound server; --system makes one of
the machine, for a card without a sound server. It is started again whenever it
ends, or hears nothing for 30 seconds, and has no rights that it does not need.
Its settings are a file: see "earshot config". The key of OPENAI_API_KEY, if that
is set, is written into a file that only the service and its owner can read.

What is written and run is shown before; --dry-run ends there.

Examples:
  earshot service install --dry-run
  sudo earshot service install --system --yes
  earshot service status
  journalctl --user -u earshot -f`,

  async run(options, world) {
    const log = new Log(options, world);
    const scope = options.has("system") ? "system" : "user";
    switch (options.operands[0]) {
      case "install": {
        const paths = pathsOf(scope, options, world);
        const done = await carryOut(
          installation(scope, paths, world),
          options,
          world,
        );
        if (!done) return;
        log.info(keyAdvice(scope, paths, world));
        if (scope === "user") log.info(lingerAdvice(world));
        return;
      }
      case "uninstall": {
        const paths = unitPathOf(scope, world);
        await carryOut(removal(scope, paths), options, world);
        log.info("The settings and the key are left where they are");
        return;
      }
      default:
        return await status(scope, world, log);
    }
  },
};

function systemctl(scope: ServiceScope, ...args: string[]): string[] {
  return ["systemctl", ...(scope === "user" ? ["--user"] : []), ...args];
}

function unitPathOf(scope: ServiceScope, world: World): string {
  if (scope === "system") return `/etc/systemd/system/${UNIT}`;
  const config = defaultConfigPath(world.variable);
  if (config === undefined) {
    throw new Error(
      "There is no home for a service of yours: set HOME, or use --system",
    );
  }
  return config.replace(/earshot\/config\.jsonc$/, `systemd/user/${UNIT}`);
}

function pathsOf(
  scope: ServiceScope,
  options: Options,
  world: World,
): ServicePaths {
  const program = world.system.execPath;
  if (program === undefined) {
    throw new UsageError(
      'A service needs the compiled program: make it with "deno task compile", and run "dist/earshot service install"',
    );
  }
  const unit = unitPathOf(scope, world);
  const given = options.text("config");
  const config = given !== undefined
    ? absolute(given)
    : scope === "system"
    ? "/etc/earshot/config.jsonc"
    : defaultConfigPath(world.variable)!;
  const key = scope === "system"
    ? "/etc/earshot/openai_api_key"
    : defaultConfigPath(world.variable)!.replace(
      /config\.jsonc$/,
      "openai_api_key",
    );
  return { program, unit, config, key };
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}

function installation(
  scope: ServiceScope,
  paths: ServicePaths,
  world: World,
): Step[] {
  const key = world.variable("OPENAI_API_KEY");
  const isConfigured = world.system.exists(paths.config);
  return [
    ...(isConfigured ? [] : [
      {
        type: "write",
        path: paths.config,
        content: FIRST_CONFIG,
        mode: 0o644,
      } as const,
    ]),
    ...(key === undefined ? [] : [
      {
        type: "write",
        path: paths.key,
        content: `${key}\n`,
        mode: 0o600,
        secret: "the key of OPENAI_API_KEY",
      } as const,
    ]),
    {
      type: "write",
      path: paths.unit,
      content: unitOf(scope, paths),
      mode: 0o644,
    },
    { type: "run", command: systemctl(scope, "daemon-reload") },
    { type: "run", command: systemctl(scope, "enable", UNIT) },
    { type: "run", command: systemctl(scope, "restart", "--no-block", UNIT) },
  ];
}

function removal(scope: ServiceScope, unit: string): Step[] {
  return [
    { type: "run", command: systemctl(scope, "disable", "--now", UNIT) },
    { type: "remove", path: unit },
    { type: "run", command: systemctl(scope, "daemon-reload") },
  ];
}

/** Shows the steps, asks, and takes them. */
async function carryOut(
  steps: readonly Step[],
  options: Options,
  world: World,
): Promise<boolean> {
  world.stdout.write(steps.map(shown).join(""));
  if (options.has("dry-run")) return false;
  if (!options.has("yes")) {
    const answer = world.system.confirm("Do this?");
    if (answer === undefined) {
      throw new UsageError(
        "Nothing was done, as there is nobody to ask: give --yes",
      );
    }
    if (!answer) return false;
  }
  for (const step of steps) await take(step, world);
  return true;
}

function shown(step: Step): string {
  switch (step.type) {
    case "write": {
      const mode = step.mode.toString(8).padStart(4, "0");
      const content = step.secret ?? step.content.trimEnd();
      return `# write ${step.path} (mode ${mode})\n${
        content.replaceAll(/^(?=.)/gm, "    ")
      }\n\n`;
    }
    case "remove":
      return `# remove ${step.path}\n`;
    case "run":
      return `# run ${step.command.join(" ")}\n`;
  }
}

async function take(step: Step, world: World): Promise<void> {
  switch (step.type) {
    case "write":
      return await explained(`write "${step.path}"`, async () => {
        const folder = step.path.slice(0, step.path.lastIndexOf("/"));
        await Deno.mkdir(folder, { recursive: true });
        // Nobody else reads a key, not even between two system calls.
        const path = `${step.path}.new`;
        await Deno.remove(path).catch(() => {});
        await Deno.writeTextFile(path, step.content, {
          mode: step.mode,
          createNew: true,
        });
        await Deno.rename(path, step.path);
      });
    case "remove":
      return await explained(`remove "${step.path}"`, async () => {
        await Deno.remove(step.path).catch((error) => {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        });
      });
    case "run": {
      const line = step.command.join(" ");
      const [command, ...args] = step.command as [string, ...string[]];
      const result = await world.system.run(command, args);
      if (result === undefined) {
        throw new Error(
          `Cannot run "${line}": there is no ${command}. Is this a machine with systemd?`,
        );
      }
      if (result.code === 0) return;
      // What is not there any more need not be disabled.
      if (args.includes("disable")) return;
      throw new Error(
        `"${line}" failed with exit code ${result.code}: ${
          result.stderr.trim() || "it said nothing"
        }`,
      );
    }
  }
}

async function explained(
  what: string,
  action: () => Promise<void>,
): Promise<void> {
  try {
    await action();
  } catch (cause) {
    const advice = cause instanceof Deno.errors.PermissionDenied
      ? '. For --system run it with "sudo"'
      : "";
    throw new Error(`Cannot ${what}: ${(cause as Error).message}${advice}`, {
      cause,
    });
  }
}

async function status(
  scope: ServiceScope,
  world: World,
  log: Log,
): Promise<number> {
  const command = systemctl(scope, "status", "--no-pager", UNIT);
  const [name, ...args] = command as [string, ...string[]];
  const result = await world.system.run(name, args);
  if (result === undefined) {
    throw new Error("There is no systemctl: is this a machine with systemd?");
  }
  world.stdout.write(result.stdout);
  const trouble = result.stderr.trim();
  if (trouble !== "") log.error(trouble);
  if (scope === "user") log.info(lingerAdvice(world));
  // Of systemctl(1): 0 runs, 3 does not run, 4 is not there.
  return result.code;
}

function keyAdvice(
  scope: ServiceScope,
  { key }: ServicePaths,
  world: World,
): string {
  if (world.system.exists(key)) {
    return `The key is read from ${key} at every start`;
  }
  const sudo = scope === "system" ? "sudo " : "";
  return `There is no API key yet. Write it with
  ${sudo}install -D -m 600 /dev/stdin ${key}
(type the key, Return and Ctrl-D), then
  ${sudo}${systemctl(scope, "restart", UNIT).join(" ")}`;
}

/** The most frequent reason that an assistant falls silent. */
function lingerAdvice(world: World): string {
  const { user = "$USER", isLingering } = lingers(world);
  return isLingering
    ? `It goes on when ${user} logs out, as lingering is enabled`
    : `It ends when ${user} logs out, also from SSH, and does not start at boot, until you run
  sudo loginctl enable-linger ${user}`;
}
