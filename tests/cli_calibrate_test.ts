import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertStringIncludes,
} from "@std/assert";
import { adviceFor, type RoomFigures } from "../src/cli/room_meter.ts";
import type { FakeClock } from "../src/testing/fake_clock.ts";
import { interruptAfter, run } from "./cli_lab.ts";
import { joined, noise, voice } from "./sounds.ts";

/** A quiet room, and then a voice in it. */
const TALK = joined(noise(4, -66), voice(6, 0.05));

async function withHome(
  use: (environment: { HOME: string }, path: string) => Promise<void>,
): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    await use({ HOME: home }, `${home}/.config/earshot/microphones.json`);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

function calibrate(
  args: string[],
  environment: Record<string, string>,
  samples: Int16Array = TALK,
  during = (clock: FakeClock, _interrupt: () => void) => clock.advance(15_000),
) {
  return run(["calibrate", ...args], {
    environment,
    pcm: { script: [{ type: "samples", samples }] },
  }, during);
}

Deno.test("earshot calibrate keeps what it recommends for the microphone, and later commands use it", () =>
  withHome(async (environment, path) => {
    const { code, stdout, stderr } = await calibrate(["-d", "1"], environment);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "Be silent for 3 s");
    assertStringIncludes(stderr, "Now speak for 6 s");
    assertStringIncludes(stdout, "RECOMMENDED");
    const kept = JSON.parse(await Deno.readTextFile(path));
    assertEquals(Object.keys(kept), ["plughw:CARD=Device,DEV=0"]);
    const gainDb = kept["plughw:CARD=Device,DEV=0"]["gain-db"];
    assertGreater(gainDb, 9);
    assertLess(gainDb, 24);

    const settings = async (...args: string[]) => {
      const { stdout } = await run(
        ["config", "show", "--json", ...args],
        { environment },
        () => Promise.resolve(),
      );
      const rows: { name: string; value: unknown; from: string }[] = JSON.parse(
        stdout,
      );
      return rows.find(({ name }) => name === "gain-db")!;
    };
    const { value, from } = await settings("-d", "1");
    assertEquals([value, from], [gainDb, path]);
    assertEquals((await settings()).value, 0, "another microphone");
    assertEquals((await settings("-d", "1", "--gain-db", "1")).value, 1);
    const own = await settings("-d", "1", "--auto-gain");
    assertEquals(own.value, 0, "two gains would be too much");
  }));

Deno.test("earshot calibrate --vad-engine energy recommends a volume between the room and the voice", () =>
  withHome(async (environment) => {
    const { stdout } = await calibrate(
      ["--vad-engine", "energy", "--json", "--dry-run"],
      environment,
    );
    const result = JSON.parse(stdout);
    assertEquals(result.kept_in, null);
    assert(result.noise_dbfs < result.speech_dbfs - 20, stdout);
    const { settings } = result;
    assertEquals(settings["vad-engine"], "energy");
    const dbfs = 20 * Math.log10(settings["vad-threshold"]);
    assertGreater(dbfs, result.noise_dbfs + settings["gain-db"] + 6);
    assertLess(dbfs, result.speech_dbfs + settings["gain-db"] - 6);
  }));

Deno.test("earshot calibrate --dry-run writes nothing, and --forget takes back", () =>
  withHome(async (environment, path) => {
    await calibrate(["--dry-run"], environment);
    assertEquals(await Deno.stat(path).catch(() => undefined), undefined);
    await calibrate([], environment);
    const { stderr } = await calibrate(["--forget"], environment);
    assertStringIncludes(stderr, 'Forgot "default"');
    assertEquals(await Deno.readTextFile(path), "{}\n");
    const again = await calibrate(["--forget"], environment);
    assertStringIncludes(again.stderr, "Nothing is kept");
  }));

Deno.test("earshot calibrate says why it cannot, and keeps nothing", async () => {
  const cases: [Int16Array, string][] = [
    [noise(10, -66), "0.0 s of speech, as a second of it is needed"],
    [new Int16Array(240_000), "digital silence"],
    [joined(noise(1, -66), voice(9, 0.05)), "there was a voice"],
  ];
  for (const [samples, why] of cases) {
    await withHome(async (environment, path) => {
      const { code, stderr } = await calibrate(
        ["--vad-engine", "energy"],
        environment,
        samples,
      );
      assertEquals(code, 1);
      assertStringIncludes(stderr, why);
      assertEquals(await Deno.stat(path).catch(() => undefined), undefined);
    });
  }
});

Deno.test("earshot calibrate ends at Ctrl-C and keeps nothing", () =>
  withHome(async (environment, path) => {
    const { code } = await calibrate(
      [],
      environment,
      TALK,
      interruptAfter(2000),
    );
    assertEquals(code, 130);
    assertEquals(await Deno.stat(path).catch(() => undefined), undefined);
  }));

Deno.test("a file of microphones that cannot be read ends a command with what to do", () =>
  withHome(async (environment, path) => {
    await Deno.mkdir(path.replace(/[^/]*$/, ""), { recursive: true });
    const cases = [
      ["{", "Remove the file, or calibrate again"],
      ["[]", "it must be an object of objects"],
      ['{"default":{"gain-db":"x"}}', '"gain-db" of "default"'],
    ] as const;
    for (const [text, message] of cases) {
      await Deno.writeTextFile(path, text);
      const { code, stderr } = await run(
        ["meter", "--seconds", "1"],
        { environment },
        () => Promise.resolve(),
      );
      assertEquals(code, 2);
      assertStringIncludes(stderr, message);
    }
  }));

const FIGURES: RoomFigures & { speechDbfs: number } = {
  noiseDbfs: -62,
  loudNoiseDbfs: -60,
  speechDbfs: -40,
  speechMs: 4000,
  peakDbfs: -22,
  clippedShare: 0,
  dcOffset: 0,
  hum: undefined,
  isDigitalSilence: false,
  quietScore: 0.05,
};

Deno.test("the recommended gain brings a voice to -24 dBFS, no peak above -3 dBFS, and is left out when small", () => {
  assertEquals(adviceFor(FIGURES, 0.5).gainDb, 16);
  assertEquals(adviceFor({ ...FIGURES, peakDbfs: -10 }, 0.5).gainDb, 7);
  assertEquals(adviceFor({ ...FIGURES, speechDbfs: -26 }, 0.5).gainDb, 0);
  assertEquals(adviceFor({ ...FIGURES, speechDbfs: -15 }, 0.5).gainDb, 0);
});

Deno.test("the recommended thresholds keep away from what the quiet room gives", () => {
  const advice = adviceFor(FIGURES, 0.5);
  assertEquals(advice.neuralThreshold, 0.5);
  // Halfway from -60 to -40 dBFS, and 16 dB of gain.
  assertEquals(advice.rmsThreshold, 0.02);
  assertEquals(
    adviceFor({ ...FIGURES, quietScore: 0.55 }, 0.5).neuralThreshold,
    0.65,
  );
  assertEquals(adviceFor({ ...FIGURES, dcOffset: -0.03 }, 0.5).dcBlock, true);
});
