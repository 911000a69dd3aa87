import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { wavHeader } from "../src/wav.ts";
import { interruptAfter, run } from "./cli_lab.ts";

/** Half a second loud after each second of quiet, twice; then quiet. */
async function talk(sampleRate = 24_000): Promise<string> {
  const samples = Int16Array.from({ length: 4 * sampleRate }, (_, i) => {
    const seconds = i / sampleRate;
    const isLoud = seconds % 1.5 >= 1 && seconds < 3;
    return (isLoud ? 9000 : 20) * Math.sin(400 * Math.PI * seconds);
  });
  const path = await Deno.makeTempFile({ suffix: ".wav" });
  const bytes = new Uint8Array(samples.buffer);
  using file = await Deno.open(path, { write: true });
  const format = { sampleRate, channelCount: 1 };
  await file.write(wavHeader(format, samples.byteLength));
  await file.write(bytes);
  return path;
}

async function vadOf(...args: string[]) {
  const path = await talk();
  try {
    return await run(
      ["vad", path, "--vad-threshold", "0.02", ...args],
      {},
      () => Promise.resolve(),
    );
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("earshot vad prints where somebody speaks in a file", async () => {
  const { code, stdout, stderr } = await vadOf();
  assertEquals(code, 0, stderr);
  assertEquals(
    stdout,
    "   BEGIN       END    LENGTH\n" +
      "   1.000     1.500     0.500\n" +
      "   2.500     3.000     0.500\n",
  );
  assertStringIncludes(stderr, "Speech: 2 times, 25 % of 0:04.0");
});

Deno.test("earshot vad --json gives all positions, and a summary", async () => {
  const { stdout } = await vadOf("--json");
  assertEquals(stdout.trim().split("\n").map((line) => JSON.parse(line)), [
    {
      type: "earshot.segment",
      begin_ms: 1000,
      end_ms: 1500,
      audio_begin_ms: 700,
      audio_end_ms: 2000,
      is_cut: false,
    },
    {
      type: "earshot.segment",
      begin_ms: 2500,
      end_ms: 3000,
      audio_begin_ms: 2200,
      audio_end_ms: 3500,
      is_cut: false,
    },
    {
      type: "earshot.summary",
      duration_ms: 4000,
      speech_ms: 1000,
      segment_count: 2,
    },
  ]);
});

Deno.test("earshot vad --labels prints labels for Audacity", async () => {
  const { stdout } = await vadOf("--labels");
  assertEquals(stdout, "1.000\t1.500\tspeech\n2.500\t3.000\tspeech\n");
});

Deno.test("earshot vad --scores prints the score of every block", async () => {
  const { stdout } = await vadOf("--scores");
  const scores = stdout.split("\n").filter((line) => line.includes("\t"));
  assertEquals(scores.length, 200);
  assert(scores[0]!.startsWith("0.000\t0.0"));
  assert(Number(scores[60]!.split("\t")[1]) > 0.1);
});

Deno.test("earshot vad hears a file at its own rate, where a block is a whole number of its frames", async () => {
  for (const sampleRate of [16_000, 22_050, 44_100]) {
    const path = await talk(sampleRate);
    const args = ["vad", path, "--vad-threshold", "0.02", "--scores"];
    const { stdout } = await run(args, {}, () => Promise.resolve());
    await Deno.remove(path);
    const scores = stdout.split("\n").filter((line) => line.includes("\t"));
    assertEquals(scores.length, 200);
    // 9000 / √2 of full scale; the resampler's ripple is far below this.
    assert(Math.abs(Number(scores[60]!.split("\t")[1]) - 0.1942) < 0.001);
    assertEquals(Number(scores[51]!.split("\t")[0]), 1.02);
    assertStringIncludes(stdout, "   1.000     1.500     0.500\n");
  }
});

Deno.test("earshot vad --plot draws one picture of it all", async () => {
  const plot = await Deno.makeTempFile({ suffix: ".svg" });
  try {
    const { stderr } = await vadOf("--plot", plot, "--vad-engine", "energy");
    assertStringIncludes(stderr, `Wrote ${plot}`);
    const svg = await Deno.readTextFile(plot);
    assertStringIncludes(svg, "<title>Speech in 4.0 s of audio: 2 segments");
    for (const title of ["waveform", "level", "score, and thresholds"]) {
      assertStringIncludes(svg, title);
    }
    assert(!/NaN|Infinity|undefined/.test(svg));
  } finally {
    await Deno.remove(plot);
  }
});

Deno.test("earshot vad listens to the microphone until Ctrl-C", async () => {
  const { code, stdout, opened } = await run(
    ["vad", "--vad-threshold", "0.02"],
    {
      pcm: {
        script: [
          { type: "silence", durationMs: 1000 },
          { type: "tone", durationMs: 1000, frequencyHz: 440, amplitude: 0.5 },
          { type: "silence", durationMs: 60_000 },
        ],
      },
    },
    interruptAfter(4000),
  );
  assertEquals(code, 130);
  assertEquals(opened, ["default"]);
  assertStringIncludes(stdout, "   1.000     2.000     1.000\n");
});

for (
  const [args, message] of [
    [["no/such.wav"], 'Cannot read "no/such.wav"'],
    [["deno.json"], 'Cannot use "deno.json"'],
    [["--json", "--labels"], "Cannot print both --json and --labels"],
    [["--vad-engine", "silero"], "without a model"],
    [["a.wav", "b.wav"], 'Unexpected "b.wav"'],
    [
      ["--vad-model", "x.onnx"],
      'Cannot use a model with the engine "neural"',
    ],
  ] as const
) {
  Deno.test(`earshot vad ${args.join(" ")} says what is wrong`, async () => {
    const { code, stderr, opened } = await run(
      ["vad", ...args],
      {},
      () => Promise.resolve(),
    );
    assert(code === 1 || code === 2);
    assertStringIncludes(stderr, message);
    assertEquals(opened, []);
  });
}
