/**
 * The compiled binaries, on the real libasound and against the local Realtime
 * server. `.ci/binary` compiles them and sets `EARSHOT_BINARIES`.
 */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import type { Arch } from "../../scripts/debian_package.ts";
import { permissionFlags } from "../../scripts/program_flags.ts";
import { startRealtimeServer } from "../../src/testing/mod.ts";
import { readWav } from "../../src/wav.ts";
import {
  binaryOf,
  distinctSamples,
  FOLDER,
  outcomeOf,
  Place,
} from "./program.ts";

const ARCHS: readonly Arch[] = ["x86_64", "aarch64"];
const HERE = Deno.build.arch;
const KEY = "sk-test";
/** The silence behind an utterance by which the detector tells its end. */
const HANGOVER_SAMPLES = 12_000;

const ignore = FOLDER === undefined;
if (ignore) {
  console.log("Left out: the tests of compiled binaries (see .ci/binary)");
}

/** What a binary knows of how it is to run: JSON at the beginning of its data. */
async function settingsOf(arch: Arch) {
  const program = await Deno.readFile(binaryOf(arch));
  const end = program.length;
  const view = new DataView(program.buffer);
  const start = end - Number(view.getBigUint64(end - 8, true)) + 8;
  const length = Number(view.getBigUint64(start, true));
  return JSON.parse(
    new TextDecoder().decode(program.subarray(start + 8, start + 8 + length)),
  );
}

for (const arch of ARCHS) {
  Deno.test({
    name: `the binary for ${arch} may do what it has to, and nothing else`,
    ignore,
    async fn() {
      const { permissions } = await settingsOf(arch);
      const granted = Object.entries(permissions)
        .filter(([name, value]) =>
          name.startsWith("allow_") && name !== "allow_import" && value !== null
        )
        .map(([name, value]) => {
          const flag = `--${name.replace("_", "-")}`;
          const values = (value as string[]).join();
          return values === "" ? flag : `${flag}=${values}`;
        });
      assertEquals(granted.sort(), permissionFlags(arch).sort());
    },
  });

  Deno.test({
    name: `the binary for ${arch} has no code cache, which would be in /tmp`,
    ignore,
    async fn() {
      assertEquals((await settingsOf(arch)).code_cache_key, null);
    },
  });

  Deno.test({
    name: `earshot --version on ${arch} says what it was built from`,
    ignore,
    async fn() {
      await using place = await Place.make(arch);
      const { code, stdout, stderr } = await place.run(["--version"]);
      assertEquals([code, stderr], [0, ""]);
      assert(stdout.startsWith(`earshot ${denoJson.version} (`), stdout);
      // A clone that belongs to somebody else has no commit that git would tell.
      assertMatch(
        stdout,
        new RegExp(`[( ]${arch}-unknown-linux-gnu, Deno [0-9.]+\\)\\n$`),
      );
    },
  });

  Deno.test({
    name: `earshot devices on ${arch} lists what libasound has`,
    ignore,
    async fn() {
      await using place = await Place.make(arch);
      const { code, stdout } = await place.run(["devices"]);
      assertEquals(code, 0);
      assertStringIncludes(stdout, "0      recording  A recording\n");
    },
  });

  Deno.test({
    name: `earshot record on ${arch} writes the device's samples, exactly`,
    ignore,
    async fn() {
      const samples = distinctSamples(12_000);
      await using place = await Place.make(arch, samples);
      const { code, stdout, stderr } = await place.run(
        ["record", "-d", "recording", "--seconds", "0.5", "note.wav"],
      );
      assertEquals([code, stdout], [0, ""], stderr);
      const wav = readWav(await Deno.readFile(`${place.cwd}/note.wav`));
      assertEquals(wav.format, { sampleRate: 24_000, channelCount: 1 });
      assertEquals(wav.samples, samples);
    },
  });
}

/** Runs `earshot stream`, as far as it depends on the server. */
function streamTo(url: string, ...more: string[]): string[] {
  return [
    ...["stream", "-d", "recording", "--vad-threshold", "0.02"],
    ...["--url", url, ...more],
  ];
}

Deno.test({
  name: "earshot stream sends the device's samples, exactly, as one utterance",
  ignore,
  async fn() {
    const samples = distinctSamples(48_000);
    await using place = await Place.make(HERE, samples);
    await using server = startRealtimeServer({
      apiKey: KEY,
      transcribe: () => "twelve words",
    });
    const { code, stdout, stderr } = await place.run(
      streamTo(server.url, "--transcribe", "--seconds", "1"),
      { OPENAI_API_KEY: KEY },
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "twelve words");
    const [connection] = server.connections;
    assertEquals(connection!.utterances.length, 1);
    const { samples: heard } = connection!.utterances[0]!;
    assertEquals(heard.subarray(0, samples.length), samples);
    assertEquals(
      heard.subarray(samples.length),
      new Int16Array(HANGOVER_SAMPLES),
    );
  },
});

Deno.test({
  name:
    "earshot stream exits with 1 when its key is refused, and does not show it",
  ignore,
  async fn() {
    await using place = await Place.make(HERE);
    await using server = startRealtimeServer({ apiKey: KEY });
    const { code, stdout, stderr } = await place.run(streamTo(server.url), {
      OPENAI_API_KEY: "sk-another",
    });
    assertEquals([code, stdout], [1, ""], stderr);
    assert(!stderr.includes("sk-another"), stderr);
  },
});

Deno.test({
  name: "earshot stream ends with 143 on SIGTERM and with 130 on Ctrl-C",
  ignore,
  async fn() {
    for (const [signal, expected] of [["SIGTERM", 143], ["SIGINT", 130]]) {
      await using place = await Place.make(HERE, distinctSamples(24_000));
      await using server = startRealtimeServer();
      const process = place.start(streamTo(server.url, "--transcribe"), {
        OPENAI_API_KEY: KEY,
      });
      await server.waitFor(() => server.connections[0]?.utterances.length);
      process.kill(signal as Deno.Signal);
      const { code, stderr } = await outcomeOf(process);
      assertEquals(code, expected, stderr);
      assertEquals(server.connections[0]!.utterances.length, 1);
    }
  },
});

Deno.test({
  name: "earshot exits with 2 after a wrong use",
  ignore,
  async fn() {
    await using place = await Place.make(HERE);
    const { code, stderr } = await place.run(["record", "--loud", "note.wav"]);
    assertEquals(code, 2, stderr);
  },
});

Deno.test({
  name: "earshot writes nothing but the file that the user names",
  ignore,
  async fn() {
    const samples = distinctSamples(12_000);
    await using place = await Place.make(HERE, samples);
    await using server = startRealtimeServer();
    const microphone = ["-d", "recording", "--seconds", "0.5"];
    for (
      const args of [
        ["--version"],
        ["devices"],
        ["record", ...microphone, "note.wav"],
        ["stream", ...microphone, "--url", server.url],
        ["demo", "--seconds", "1"],
      ]
    ) {
      const { code, stderr } = await place.run(args, { OPENAI_API_KEY: KEY });
      assertEquals(code, 0, stderr);
    }
    assertEquals(place.files(), ["cwd/note.wav"]);
  },
});
