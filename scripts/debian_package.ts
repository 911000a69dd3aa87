/**
 * Makes a Debian package of a compiled binary. `dpkg-deb` does the work.
 *
 * @module
 */

import denoJson from "../deno.json" with { type: "json" };
import { permissionFlags } from "./program_flags.ts";
import { run } from "./run.ts";
import { stdFlags } from "./std_flags.ts";

/** The folder of `deno.json`. */
const ROOT = `${import.meta.dirname}/../`;

/** What Debian calls the processors. */
const DEBIAN_ARCH = { x86_64: "amd64", aarch64: "arm64" } as const;

/** A processor that the program is compiled for. */
export type Arch = keyof typeof DEBIAN_ARCH;

/** Where each shell looks for the completions of a package. */
const COMPLETION_PATHS = {
  bash: "usr/share/bash-completion/completions/earshot",
  zsh: "usr/share/zsh/vendor-completions/_earshot",
  fish: "usr/share/fish/vendor_completions.d/earshot.fish",
} as const;

/** What goes into a package. */
export interface DebianPackageOptions {
  /** The compiled program. */
  readonly binary: string;
  /** What it was compiled for. */
  readonly arch: Arch;
  /** Where the package goes. */
  readonly folder: string;
  /** Whether it may be larger, so that it is made in seconds. */
  readonly isQuick?: boolean;
}

/**
 * Makes a package.
 *
 * @param options What goes into it.
 * @returns The path of the package.
 * @throws {Error} When `dpkg-deb` is missing or fails.
 */
export async function makeDebianPackage(
  options: DebianPackageOptions,
): Promise<string> {
  const arch = DEBIAN_ARCH[options.arch];
  // Debian sorts what follows a tilde before the version itself.
  const version = denoJson.version.replace("-", "~");
  const path = `${options.folder}/earshot_${version}_${arch}.deb`;
  const tree = await Deno.makeTempDir();
  try {
    await fill(tree, options.binary);
    const { size } = await Deno.stat(`${tree}/usr/bin/earshot`);
    await write(
      `${tree}/DEBIAN/control`,
      control(version, arch, Math.ceil(size / 1024)),
    );
    // Temporary folders are private, and a umask may be.
    await run("chmod", ["-R", "u=rwX,go=rX", tree]);
    await run("dpkg-deb", [
      "--root-owner-group",
      ...(options.isQuick ? ["-Zgzip", "-z1"] : ["-Zxz"]),
      "--build",
      tree,
      path,
    ]);
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
  return path;
}

async function fill(tree: string, binary: string): Promise<void> {
  await Deno.mkdir(`${tree}/usr/bin`, { recursive: true });
  await Deno.copyFile(binary, `${tree}/usr/bin/earshot`);
  await Deno.chmod(`${tree}/usr/bin/earshot`, 0o755);
  const documents = `${tree}/usr/share/doc/earshot`;
  const licence = await Deno.readTextFile(`${ROOT}LICENSE`);
  await write(`${documents}/copyright`, copyright(licence));
  await Deno.copyFile(`${ROOT}CHANGELOG.md`, `${documents}/changelog`);
  await run("gzip", ["-9n", `${documents}/changelog`]);
  for (const [shell, path] of Object.entries(COMPLETION_PATHS)) {
    await write(`${tree}/${path}`, await completion(shell));
  }
}

function control(version: string, arch: string, installedKiB: number): string {
  return `Package: earshot
Version: ${version}
Architecture: ${arch}
Maintainer: The Earshot authors
Installed-Size: ${installedKiB}
Depends: libasound2 (>= 1.2) | libasound2t64, libc6 (>= 2.27), libgcc-s1
Recommends: libasound2-plugins
Section: sound
Priority: optional
Description: microphone into the OpenAI Realtime API
 Captures from ALSA and streams to the Realtime API, for months: it comes back
 when the microphone or the network was away, keeps what was said meanwhile,
 and accounts for every sample.
`;
}

function copyright(licence: string): string {
  return `Earshot

${licence.trim()}

/usr/bin/earshot holds the runtime of Deno, which is under the same licence
(Copyright 2018-2026 the Deno authors) and holds V8 (Copyright 2006-2026 the V8
project authors, BSD licence with three clauses) and other free software.
`;
}

/** The sources know the completions of the other processor's binary as well. */
async function completion(shell: string): Promise<string> {
  const { flags: std } = await stdFlags();
  const flags = ["--quiet", ...permissionFlags(), ...std];
  return await run(
    Deno.execPath(),
    ["run", ...flags, "cli.ts", "completions", shell],
    { cwd: ROOT },
  );
}

async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
}
