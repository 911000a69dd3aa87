/** What a program says of its version, and what it may do. */

import { assertEquals } from "@std/assert";
import denoJson from "../deno.json" with { type: "json" };
import { LIBRARY_PATHS } from "../ffi/library.ts";
import { permissionFlags, programFlags } from "../scripts/program_flags.ts";
import { type BuildStamp, versionLine } from "../src/cli/version.ts";

const STAMP: BuildStamp = {
  version: "1.2.3",
  commit: "67d6034",
  date: "2026-11-22",
  target: "aarch64-unknown-linux-gnu",
  deno: "2.9.6",
};

Deno.test("versionLine() says that the program runs from its source", () => {
  assertEquals(
    versionLine(),
    `earshot ${denoJson.version} (from source, Deno ${Deno.version.deno})`,
  );
});

Deno.test("versionLine() says what a binary was built from", () => {
  assertEquals(
    versionLine(STAMP),
    "earshot 1.2.3 (67d6034, 2026-11-22, aarch64-unknown-linux-gnu, Deno 2.9.6)",
  );
});

Deno.test("versionLine() leaves out the commit of a binary that was built without git", () => {
  assertEquals(
    versionLine({ ...STAMP, commit: null, date: null }),
    "earshot 1.2.3 (aarch64-unknown-linux-gnu, Deno 2.9.6)",
  );
});

Deno.test("permissionFlags() lets the program load libasound from every place where it looks", () => {
  // The last place is a bare name, which no scoped permission can hold.
  const paths = LIBRARY_PATHS.slice(0, -1);
  assertEquals(
    permissionFlags().find((flag) => flag.startsWith("--allow-ffi=")),
    `--allow-ffi=${paths.join()}`,
  );
});

Deno.test("permissionFlags() names the library of the machine that is compiled for", () => {
  assertEquals(
    ["x86_64", "aarch64"].map((arch) =>
      permissionFlags(arch).find((flag) => flag.startsWith("--allow-ffi="))!
        .split(",")[0]
    ),
    [
      "--allow-ffi=/usr/lib/x86_64-linux-gnu/libasound.so.2",
      "--allow-ffi=/usr/lib/aarch64-linux-gnu/libasound.so.2",
    ],
  );
});

Deno.test("programFlags() lets the program collect garbage by itself, and has V8 optimize soon, besides its permissions", () => {
  assertEquals(programFlags(), [
    ...permissionFlags(),
    "--v8-flags=--expose-gc,--invocation-count-for-turbofan=200",
  ]);
});
