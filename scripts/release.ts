/**
 * Makes all that a release consists of, in `dist/release/`: a binary and a
 * Debian package for each processor, and their checksums. It uses the Deno that
 * runs it, and `dpkg-deb`.
 *
 * `--trial FOLDER` packs binaries that are there already, quickly and in place:
 * a test of the packages, and nothing to be published.
 *
 * @module
 */

import { compile } from "./compile.ts";
import { MARK } from "./compile_runtime_for_tests.ts";
import { type Arch, makeDebianPackage } from "./debian_package.ts";
import { run } from "./run.ts";

const FOLDER = `${import.meta.dirname}/../dist/release`;
const ARCHS: readonly Arch[] = ["x86_64", "aarch64"];

async function release(): Promise<void> {
  await refuseRuntimesForTests();
  // What an earlier release left there is not a part of this one.
  await Deno.mkdir(FOLDER, { recursive: true });
  await Deno.remove(FOLDER, { recursive: true });
  await Deno.mkdir(FOLDER);
  for (const arch of ARCHS) {
    await compile(`${arch}-unknown-linux-gnu`, binaryOf(FOLDER, arch));
  }
  await pack(FOLDER, false);
}

/** Adds packages and checksums to the binaries. */
async function pack(folder: string, isQuick: boolean): Promise<void> {
  for (const arch of ARCHS) {
    const binary = binaryOf(folder, arch);
    await makeDebianPackage({ binary, arch, folder, isQuick });
  }
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const sums = await run("sha256sum", names, { cwd: folder });
  await Deno.writeTextFile(`${folder}/SHA256SUMS`, sums);
  console.log(`In ${folder}:\n${sums}`);
}

function binaryOf(folder: string, arch: Arch): string {
  return `${folder}/earshot-${arch}-linux`;
}

/** What strangers made is good enough for tests, and for nothing else. */
async function refuseRuntimesForTests(): Promise<void> {
  const info = await run(Deno.execPath(), ["info", "--json", "--no-config"]);
  const { denoDir } = JSON.parse(info) as { denoDir: string };
  try {
    await Deno.stat(`${denoDir}/${MARK}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new Error(
    `Cannot make a release as the runtimes in "${denoDir}" are for tests only. Set DENO_DIR to another folder`,
  );
}

if (import.meta.main) {
  try {
    const [option, folder] = Deno.args;
    if (option === undefined) await release();
    else if (option === "--trial" && folder) await pack(folder, true);
    else throw new Error("Unknown arguments: expected none, or --trial FOLDER");
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
