/** Holds the layers: imports point down, and few places touch the outside. */

import { assert, assertEquals } from "@std/assert";
import { COMMAND_NAMES } from "../src/cli/commands.ts";
import offline from "../offline/import_map.json" with { type: "json" };

const ROOT = new URL("../", import.meta.url);

/** Modules that make frames from frames, and nothing else. */
const STAGES = [
  "src/base64.ts",
  "src/channels.ts",
  "src/dc_block.ts",
  "src/fill_gaps.ts",
  "src/frame.ts",
  "src/front_end.ts",
  "src/gain.ts",
  "src/rechunk.ts",
  "src/resample.ts",
  "src/resampler.ts",
  "src/speech_gate.ts",
  "src/stage.ts",
  "src/take.ts",
  "src/vad/detector.ts",
  "src/vad/energy_detector.ts",
  "src/vad/hop_reader.ts",
  "src/vad/neural_detector.ts",
  "src/vad/onnx_tensors.ts",
  "src/vad/power_spectrum.ts",
  "src/vad/silero_detector.ts",
  "src/vad/silero_network.ts",
  "src/vad/speech_features.ts",
  "src/vad/speech_network.ts",
  "src/volume.ts",
  "src/wav.ts",
];

interface Source {
  /** From the root of the repository, such as "src/wav.ts". */
  readonly path: string;
  /** Without comments. */
  readonly code: string;
  /** Paths of ours, and the specifiers of everything else. */
  readonly imports: readonly string[];
  /** Those of them that are loaded only when they are needed. */
  readonly lazyImports: readonly string[];
}

async function readSources(folder: string): Promise<Source[]> {
  const sources: Source[] = [];
  for await (
    const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))
  ) {
    if (isDirectory) sources.push(...await readSources(`${folder}${name}/`));
    else if (name.endsWith(".ts")) {
      sources.push(
        await readSource(folder + name),
      );
    }
  }
  return sources;
}

async function readSource(path: string): Promise<Source> {
  const url = new URL(path, ROOT);
  const text = await Deno.readTextFile(url);
  const code = text
    .replaceAll(/\/\*.*?\*\//gs, "")
    .replaceAll(/^\s*\/\/.*$/gm, "");
  const find = (syntax: RegExp) =>
    [...code.matchAll(syntax)].map(([, specifier]) =>
      specifier!.startsWith(".")
        ? new URL(specifier!, url).href.slice(ROOT.href.length)
        : specifier!
    );
  const lazyImports = find(/\bimport\("([^"]+)"\)/g);
  const imports = find(
    /^(?:import (?:.* from )?|export .* from |\} from )"([^"]+)"/gm,
  );
  return { path, code, imports: [...imports, ...lazyImports], lazyImports };
}

const published = [
  await readSource("mod.ts"),
  await readSource("cli.ts"),
  ...await readSources("ffi/"),
  ...await readSources("src/"),
];
const sources = [
  ...published,
  ...await readSources("bench/"),
  ...await readSources("examples/"),
  ...await readSources("tests/"),
];

/** The imports that break a rule, such as "src/a.ts imports ffi/b.ts". */
function offences(
  importers: readonly Source[],
  isAllowed: (imported: string, importer: string) => boolean,
): string[] {
  return importers.flatMap(({ path, imports }) =>
    imports
      .filter((imported) => !isAllowed(imported, path))
      .map((imported) => `${path} imports ${imported}`)
  );
}

function within(...folders: string[]): Source[] {
  return published.filter(({ path }) =>
    folders.some((folder) => path.startsWith(folder))
  );
}

Deno.test("imports are found, so that the rules below hold something", () => {
  const found = offences(published, () => false);
  assert(found.includes("mod.ts imports src/pcm.ts"));
  assert(found.includes("src/pcm.ts imports ffi/errno.ts"));
  assert(found.includes("src/cli/commands.ts imports src/cli/demo.ts"));
  for (const stage of STAGES) {
    assert(published.some(({ path }) => path === stage), stage);
  }
});

Deno.test("ffi imports nothing of ours", () => {
  assertEquals(offences(within("ffi/"), (path) => path.startsWith("ffi/")), []);
});

Deno.test("only src/pcm.ts, src/alsa_*.ts and src/systemd.ts import ffi", () => {
  const importers = published.filter(({ path }) =>
    !/^(ffi\/|src\/pcm\.ts|src\/alsa_|src\/systemd\.ts)/.test(path)
  );
  assertEquals(offences(importers, (path) => !path.startsWith("ffi/")), []);
});

Deno.test("src/realtime knows nothing of capture", () => {
  const allowed =
    /^(src\/(realtime\/.*|backoff\.ts|clock\.ts|validation\.ts|base64\.ts)|@std\/.*)$/;
  assertEquals(
    offences(within("src/realtime/"), (path) => allowed.test(path)),
    [],
  );
});

Deno.test("stages touch neither Deno, nor the library, nor the network", () => {
  const stages = published.filter(({ path }) => STAGES.includes(path));
  const outside = /\b(Deno|WebSocket|fetch)\b/;
  assertEquals(
    stages.filter(({ code }) => outside.test(code)).map(({ path }) => path),
    [],
  );
  assertEquals(
    offences(
      stages,
      (path) =>
        !/^(ffi|src\/(alsa_|realtime|cli|testing|manager|microphone))/
          .test(path),
    ),
    [],
  );
});

Deno.test("only examples and tests import mod.ts", () => {
  assertEquals(
    offences(published, (path) => !/^(mod\.ts|@nevil\/.*)$/.test(path)),
    [],
  );
});

Deno.test("cli.ts loads no command but the one that is to run", () => {
  const files = new Map(published.map((source) => [source.path, source]));
  const loaded = new Set(["cli.ts"]);
  // It grows while it is gone through.
  for (const path of loaded) {
    const { imports = [], lazyImports = [] } = files.get(path) ?? {};
    imports.filter((imported) => !lazyImports.includes(imported))
      .forEach((imported) => loaded.add(imported));
  }
  assert(loaded.has("src/cli/commands.ts"));
  assertEquals(
    COMMAND_NAMES.filter((name) => loaded.has(`src/cli/${name}.ts`)),
    [],
  );
  assertEquals([...loaded].filter((path) => path.includes("/testing/")), []);
});

Deno.test("src/cli and src/testing are imported by nothing below them", () => {
  const importers = published.filter(({ path }) =>
    path.startsWith("src/") && !/^src\/(cli|testing)\//.test(path)
  );
  assertEquals(
    offences(importers, (path) => !/^src\/(cli|testing)\//.test(path)),
    [],
  );
});

Deno.test("whatever is imported from elsewhere can be had offline", () => {
  const importers = sources.filter(({ path }) =>
    !path.startsWith("tests/types/")
  );
  assertEquals(
    offences(
      importers,
      (path) =>
        path in offline.imports || /^(node:.*|[\w/]+\.(ts|json))$/.test(path),
    ),
    [],
  );
});
