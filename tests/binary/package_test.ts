/**
 * The Debian package for this machine, really installed. `.ci/binary` says
 * whether it may be.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../../scripts/run.ts";
import { binaryOf, FOLDER } from "./program.ts";

const mayInstall = Deno.env.get("EARSHOT_INSTALL") === "1";
if (FOLDER !== undefined && !mayInstall) {
  console.log(
    "Left out: installing the package, which needs root and no earshot that is installed already",
  );
}

const DEBIAN_ARCHS = ["amd64", "arm64"];

async function packageFor(debianArch: string): Promise<string> {
  const names = (await Array.fromAsync(Deno.readDir(FOLDER!)))
    .map(({ name }) => name);
  const name = names.find((name) => name.endsWith(`_${debianArch}.deb`));
  assert(name !== undefined, `no package for ${debianArch} in ${names}`);
  return `${FOLDER}/${name}`;
}

/** The paths of a package, folders with a slash at their ends. */
async function contentsOf(path: string) {
  const table = await run("dpkg-deb", ["--contents", path]);
  return table.trim().split("\n").map((row) => {
    const [mode, owner, _size, _date, _time, name] = row.split(/\s+/);
    return { mode, owner, path: name!.slice(1) };
  });
}

for (const arch of DEBIAN_ARCHS) {
  Deno.test({
    name:
      `the package for ${arch} holds the program and its papers, owned by root`,
    ignore: FOLDER === undefined,
    async fn() {
      const contents = await contentsOf(await packageFor(arch));
      for (const { mode, owner, path } of contents) {
        assertEquals(owner, "root/root", path);
        const expected = path.endsWith("/")
          ? "drwxr-xr-x"
          : path === "/usr/bin/earshot"
          ? "-rwxr-xr-x"
          : "-rw-r--r--";
        assertEquals(mode, expected, path);
      }
      const paths = contents.map(({ path }) => path);
      assert(paths.includes("/usr/bin/earshot"));
      assert(paths.includes("/usr/share/doc/earshot/copyright"));
    },
  });
}

Deno.test({
  name: "the package installs, runs, and leaves nothing behind when purged",
  ignore: !mayInstall,
  async fn() {
    const path = await packageFor("amd64");
    const files = (await contentsOf(path)).map(({ path }) => path)
      .filter((path) => path.includes("earshot"));
    try {
      await run("dpkg", ["--install", path]);
      assertStringIncludes(
        await run("/usr/bin/earshot", ["--version"]),
        `${Deno.build.target}, Deno `,
      );
      for (const file of files) await Deno.lstat(file);
    } finally {
      await run("dpkg", ["--purge", "earshot"]);
    }
    const left = files.filter((file) => {
      try {
        Deno.lstatSync(file);
        return true;
      } catch {
        return false;
      }
    });
    assertEquals(left, []);
    const status = new Deno.Command("dpkg", {
      args: ["--status", "earshot"],
      stdout: "null",
      stderr: "null",
    });
    assertEquals((await status.output()).success, false);
  },
});

Deno.test({
  name: "SHA256SUMS holds for every file of the release",
  ignore: FOLDER === undefined,
  async fn() {
    const result = await run("sha256sum", ["--check", "SHA256SUMS"], {
      cwd: FOLDER,
    });
    assertStringIncludes(result, binaryOf("x86_64").split("/").at(-1)!);
    assertEquals(result.trim().split("\n").length, 4);
  },
});
