/**
 * Fetches the recordings, and speaks what is synthesised: everything becomes mono
 * PCM16 at 24 kHz in a folder for each source.
 *
 * ```sh
 * deno run --allow-read --allow-write --allow-run train/corpus.ts FOLDER
 * ```
 *
 * Needs Debian's `apt-get`, `dpkg`, `ffmpeg`, `sox` with `libsox-fmt-all`,
 * `ancient`, `espeak-ng` and `flite`. What is there already is left as it is.
 *
 * @module
 */

import { ARCHIVES } from "./archives.ts";
import { run, succeeds } from "./programs.ts";
import { Random } from "./random.ts";
import {
  type Source,
  SOURCES,
  type SynthesiserVoice,
  VOICES,
} from "./sources.ts";
import { sentence } from "./texts.ts";

/** Longer recordings are cut: one piece of music is one kind of sound. */
const LONGEST_SECONDS = { speech: 20, music: 90, sounds: 12 };

/** Music often begins with silence. */
const MUSIC_BEGIN_SECONDS = 8;

/** What sox writes. */
const RAW_PCM = ["-t", "raw", "-r", "24000", "-e", "signed", "-b", "16"];

/** The programs that run at the same time. */
const JOBS = 2;

if (import.meta.main) {
  const folder = Deno.args[0];
  if (folder === undefined || folder.startsWith("-")) {
    console.error("Cannot start without a folder for the corpus: name one");
    Deno.exit(2);
  }
  for (const name of new Set(SOURCES.map((source) => source.package))) {
    await unpack(folder, name);
  }
  for (const source of SOURCES) await decode(folder, source);
  for (const voice of VOICES) await speak(folder, voice);
}

async function unpack(folder: string, name: string): Promise<void> {
  const target = `${folder}/packages/${name}`;
  if (await exists(target)) return;
  const part = `${target}.part`;
  await Deno.mkdir(`${folder}/deb`, { recursive: true });
  await Deno.mkdir(`${folder}/packages`, { recursive: true });
  await run("apt-get", ["download", name], `${folder}/deb`);
  for await (const { name: file } of Deno.readDir(`${folder}/deb`)) {
    if (!file.startsWith(`${name}_`)) continue;
    await run("dpkg", ["-x", `${folder}/deb/${file}`, part]);
    await Deno.remove(`${folder}/deb/${file}`);
  }
  await ARCHIVES[name]?.(part);
  await Deno.rename(part, target);
}

async function decode(folder: string, source: Source): Promise<void> {
  const target = `${folder}/pcm/${source.name}`;
  if (await exists(target)) return;
  const found: string[] = [];
  for await (const file of filesIn(`${folder}/packages/${source.package}`)) {
    const name = file.slice(folder.length);
    if (source.files.test(file) && !source.not?.test(name)) found.push(file);
  }
  if (found.length === 0) {
    throw new Error(
      `Cannot use ${source.name} as ${source.package} has no such files: look at its pattern`,
    );
  }
  found.sort();
  const count = Math.min(found.length, source.atMost ?? Infinity);
  const chosen = Array.from(
    { length: count },
    (_, i) => found[Math.floor(i * found.length / count)]!,
  );
  const part = `${target}.part`;
  await Deno.mkdir(part, { recursive: true });
  let failed = 0;
  await each(chosen, async (found, i) => {
    const file = /\.(opus|it)$/.test(found) ? await asWav(found, part) : found;
    const isRaw = /\.(raw|ALS)$/.test(file) && source.rawRate !== undefined;
    const encoding = source.isEightBits
      ? ["-e", "unsigned", "-b", "8"]
      : ["-e", "signed", "-b", "16"];
    const format = isRaw
      ? ["-t", "raw", "-r", `${source.rawRate}`, ...encoding]
      : [];
    const begin = source.kind === "music" ? MUSIC_BEGIN_SECONDS : 0;
    const isDecoded = await succeeds("sox", [
      "-V1",
      ...format,
      ...(isRaw ? ["-c", "1"] : []),
      file,
      ...RAW_PCM,
      `${part}/${String(i).padStart(4, "0")}.raw`,
      "remix",
      "-",
      "trim",
      `${begin}`,
      `${LONGEST_SECONDS[source.kind]}`,
      "norm",
      "-3",
    ]);
    if (!isDecoded) failed++;
    if (file !== found) await Deno.remove(file);
  });
  if (failed > count / 4) {
    throw new Error(
      `Cannot use ${source.name} as sox read only ${
        count - failed
      } of ${count} files: is libsox-fmt-all installed?`,
    );
  }
  await Deno.rename(part, target);
  console.log(`${source.name}: ${count - failed} recordings`);
}

/** Sox reads no Opus and no tracker modules. */
async function asWav(file: string, folder: string): Promise<string> {
  const wav = `${folder}/${crypto.randomUUID()}.wav`;
  await run("ffmpeg", ["-loglevel", "error", "-i", file, "-t", "120", wav]);
  return wav;
}

async function speak(folder: string, voice: SynthesiserVoice): Promise<void> {
  const target = `${folder}/pcm/${voice.name}`;
  if (await exists(target)) return;
  const part = `${target}.part`;
  await Deno.mkdir(part, { recursive: true });
  const random = new Random(hashOf(voice.name));
  const texts = Array.from({ length: voice.utterances }, () => ({
    text: sentence(voice.role, voice.voice, random),
    speed: Math.round(random.between(120, 220)),
    pitch: Math.round(random.between(20, 80)),
  }));
  await each(texts, async ({ text, speed, pitch }, i) => {
    const file = `${part}/${i}.wav`;
    const isSpoken = voice.program === "flite"
      ? await succeeds("flite", ["-voice", voice.voice, "-t", text, "-o", file])
      : await succeeds("espeak-ng", [
        ...["-v", voice.voice, "-s", `${speed}`, "-p", `${pitch}`],
        ...["-w", file, text],
      ]);
    if (!isSpoken) {
      throw new Error(
        `Cannot speak as ${voice.name}: is ${voice.program} installed?`,
      );
    }
    const raw = `${part}/${String(i).padStart(4, "0")}.raw`;
    await succeeds("sox", ["-V1", file, ...RAW_PCM, raw, "norm", "-3"]);
    await Deno.remove(file);
  });
  await Deno.rename(part, target);
  console.log(`${voice.name}: ${voice.utterances} utterances`);
}

async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesIn(path);
    else if (entry.isFile) yield path;
  }
}

async function each<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

function hashOf(text: string): number {
  let hash = 0;
  for (const character of text) {
    hash = Math.imul(hash, 31) + character.codePointAt(0)! | 0;
  }
  return hash;
}
