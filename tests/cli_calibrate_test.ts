import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertStringIncludes,
} from "@std/assert";
import { adviceFor, type RoomFigures } from "../src/cli/room_meter.ts";
import type { FakeClock } from "../src/testing/fake_clock.ts";
import { Resampler } from "../src/resampler.ts";
import { interruptAfter, run } from "./cli_lab.ts";
import { joined, noise, voice } from "./sounds.ts";

/** A quiet room, and then a voice in it. */
const TALK = joined(noise(4, -66), voice(6, 0.05));

function mixed(one: Int16Array, other: Int16Array): Int16Array {
  return one.map((sample, i) => sample + other[i]!);
}

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
    const kept = await Deno.readTextFile(path);
    const dry = await calibrate(["--forget", "--dry-run"], environment);
    assertStringIncludes(dry.stderr, 'Would forget "default"');
    assertEquals(await Deno.readTextFile(path), kept);
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
      ["{", "Remove or mend the file"],
      ["[]", "it must be an object of objects"],
      ['{"default":{"gain-db":"x"}}', '"gain-db" of "default"'],
      [
        '{"default":{"gain-db":99}}',
        'current value is "99". Mend the file, or run "earshot calibrate"',
      ],
      ['{"default":{"gain":3}}', 'Unknown key "gain" of "default"'],
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

Deno.test("earshot calibrate says that it cannot keep anything before anybody has spoken", () =>
  withHome(async (environment, path) => {
    await Deno.mkdir(path.replace(/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(path, "{");
    const { code, stderr, opened } = await calibrate([], environment);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "Remove or mend the file");
    assertEquals(opened, []);
  }));

Deno.test("earshot calibrate shows what it measured even if that cannot be kept", () =>
  withHome(async (environment, path) => {
    // A folder stands where the new file is to be.
    await Deno.mkdir(`${path}.part`, { recursive: true });
    const { code, stdout, stderr } = await calibrate(["--json"], environment);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Cannot save the settings");
    const result = JSON.parse(stdout);
    assertEquals(result.kept_in, null);
    assertGreater(result.settings["gain-db"], 9);
    assertEquals(result.dc_offset, Number(result.dc_offset.toFixed(5)));
  }));

Deno.test("earshot calibrate says what helps a voice that is hardly louder than the room, and only that", async () => {
  const loudRoom = joined(noise(4, -40), mixed(voice(6, 0.05), noise(6, -40)));
  const early = joined(noise(1, -66), voice(9, 0.05));
  const warning = "hardly louder than the room";
  const stderrOf = async (engine: string, samples: Int16Array) =>
    (await calibrate(["--dry-run", "--vad-engine", engine], {}, samples))
      .stderr;
  const neural = await stderrOf("neural", loudRoom);
  assertStringIncludes(neural, `${warning}: come nearer\n`);
  assertEquals((await stderrOf("neural", early)).includes(warning), false);
  assertEquals((await stderrOf("energy", early)).includes(warning), false);
});

Deno.test("earshot calibrate hears that a card clips whose rate is converted", async () => {
  const up = new Resampler(24_000, 48_000);
  const talk = up.push(joined(noise(4, -66), voice(7, 0.5)));
  const card = talk.map((sample) =>
    Math.max(-32_768, Math.min(32_767, 8 * sample))
  );
  const { stdout, stderr } = await calibrate(
    ["--json", "--dry-run"],
    {},
    new Resampler(48_000, 24_000).push(card),
  );
  assertGreater(JSON.parse(stdout).clipped_share, 0.05);
  assertStringIncludes(stderr, "It is clipped");
});

Deno.test("earshot stream --explain leaves out what is kept for the detector when the server is one", () =>
  withHome(async (environment, path) => {
    await Deno.mkdir(path.replace(/[^/]*$/, ""), { recursive: true });
    const kept = {
      "gain-db": 12,
      "vad-engine": "neural",
      "vad-threshold": 0.6,
    };
    await Deno.writeTextFile(path, JSON.stringify({ default: kept }));
    const explained = async (who: string) => {
      const { stderr } = await run(
        [
          "stream",
          "--explain",
          "--url=ws://127.0.0.1:9",
          "--fail-fast",
          "--vad",
          who,
        ],
        { environment: { ...environment, OPENAI_API_KEY: "sk-test" } },
        interruptAfter(100),
      );
      return /From "earshot calibrate": (.*)/.exec(stderr)?.[1];
    };
    assertEquals(await explained("server"), "--gain-db 12");
    assertEquals(
      await explained("client"),
      "--gain-db 12, --vad-engine neural, --vad-threshold 0.6",
    );
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
