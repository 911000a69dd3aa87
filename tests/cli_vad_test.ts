import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { AudioFormat } from "../src/frame.ts";
import { wavHeader } from "../src/wav.ts";
import { SpeechPlot } from "../src/cli/speech_plot.ts";
import { RmsDetector } from "../src/vad/energy_detector.ts";
import { interruptAfter, run } from "./cli_lab.ts";
import { frameOf } from "./frames.ts";

/** Half a second loud after each second of quiet, twice; then quiet. */
function talk(sampleRate = 24_000): Promise<string> {
  const samples = Int16Array.from({ length: 4 * sampleRate }, (_, i) => {
    const seconds = i / sampleRate;
    const isLoud = seconds % 1.5 >= 1 && seconds < 3;
    return (isLoud ? 9000 : 20) * Math.sin(400 * Math.PI * seconds);
  });
  return wavOf({ sampleRate, channelCount: 1 }, samples);
}

async function wavOf(
  format: AudioFormat,
  samples: Int16Array<ArrayBuffer>,
): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".wav" });
  const header = wavHeader(format, samples.byteLength);
  await Deno.writeFile(
    path,
    new Uint8Array([...header, ...new Uint8Array(samples.buffer)]),
  );
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
  const [head, ...rows] = stdout.trimEnd().split("\n")
    .map((line) => line.trim().split(/\s+/));
  assertEquals(head, ["BEGIN", "END", "SCORE"]);
  const scores = rows.filter(([, , score]) => score !== "speech");
  assertEquals(scores.length, 200);
  assertEquals(scores[0]!.slice(0, 2), ["0.000", "0.020"]);
  assert(Number(scores[60]![2]) > 0.1);
  assertEquals(rows.filter(([, , score]) => score === "speech"), [
    ["1.000", "1.500", "speech"],
    ["2.500", "3.000", "speech"],
  ]);
});

Deno.test("earshot vad hears a file at its own rate, where a block is a whole number of its frames", async () => {
  for (const sampleRate of [16_000, 22_050, 44_100]) {
    const path = await talk(sampleRate);
    const args = ["vad", path, "--vad-threshold", "0.02", "--scores"];
    const { stdout } = await run(args, {}, () => Promise.resolve());
    await Deno.remove(path);
    const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/));
    const scores = rows.filter(([, , score]) => Number(score) >= 0);
    assertEquals(scores.length, 200);
    // 9000 / √2 of full scale; the resampler's ripple is far below this.
    assert(Math.abs(Number(scores[60]![2]) - 0.1942) < 0.001);
    assertEquals(Number(scores[51]![0]), 1.02);
    assertStringIncludes(stdout, "   1.000     1.500    speech\n");
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

Deno.test("a plot is labelled with seconds, and with minutes from one minute on", () => {
  const labelsOf = (seconds: number) => {
    const detector = new RmsDetector();
    const plot = new SpeechPlot(1000, detector, {});
    for (let i = 0; i < seconds; i++) {
      const format = { sampleRate: 1000, channelCount: 1 };
      plot.add(0, frameOf(new Int16Array(1000), i * 1000, { format }));
    }
    return [...plot.svg().matchAll(/text-anchor="middle">(.*?)</g)]
      .map(([, label]) => label);
  };
  assertEquals(labelsOf(4), [
    "0 s",
    "0.5 s",
    "1 s",
    "1.5 s",
    "2 s",
    "2.5 s",
    "3 s",
    "3.5 s",
    "4 s",
  ]);
  assertEquals(labelsOf(3600).slice(-2), ["55:00", "60:00"]);
});

Deno.test("earshot vad --plot says that it cannot write the picture before it listens", async () => {
  const { code, stdout, stderr } = await vadOf("--plot", "/nonexistent/a.svg");
  assertEquals(code, 1);
  assertEquals(stdout, "");
  assertStringIncludes(stderr, 'Cannot write "/nonexistent/a.svg"');
  assertStringIncludes(stderr, "Choose a place");
});

Deno.test("earshot vad --channel hears one channel of a file", async () => {
  const stereo = Int16Array.from({ length: 2 * 24_000 }, (_, i) => {
    const isLoud = i >= 24_000 && i % 2 === 1;
    return isLoud ? 9000 * Math.sin(i) : 0;
  });
  const path = await wavOf({ sampleRate: 24_000, channelCount: 2 }, stereo);
  const heard = async (...args: string[]) => {
    const threshold = ["--vad-threshold", "0.02"];
    const all = ["vad", path, "--labels", ...threshold, ...args];
    return await run(all, {}, () => Promise.resolve());
  };
  const second = await heard("--channel", "2");
  assertEquals(second.stdout, "0.500\t1.000\tspeech\n");
  assertEquals((await heard("--channel", "1")).stdout, "");
  const third = await heard("--channel", "3");
  assertEquals(third.code, 2);
  assertStringIncludes(third.stderr, "one of its 2 channels");
  await Deno.remove(path);
});

Deno.test("earshot vad --seconds hears the beginning of a file", async () => {
  const { stdout, stderr } = await vadOf("--labels", "--seconds", "1.25");
  assertEquals(stdout, "1.000\t1.250\tspeech\n");
  assertStringIncludes(stderr, "of 0:01.2");
});

Deno.test("earshot vad hears a file whatever the environment says of the microphone", async () => {
  const path = await talk();
  const { code, stdout } = await run(
    ["vad", path, "--labels", "--vad-threshold", "0.02"],
    {
      environment: {
        EARSHOT_DEVICE: "hw:7",
        EARSHOT_RATE: "48000",
        EARSHOT_CHANNEL: "3,4",
        EARSHOT_FAIL_FAST: "1",
      },
    },
    () => Promise.resolve(),
  );
  await Deno.remove(path);
  assertEquals(code, 0);
  assertEquals(stdout, "1.000\t1.500\tspeech\n2.500\t3.000\tspeech\n");
});

Deno.test("earshot vad says what to convert a file to that it cannot use", async () => {
  const path = await wavOf(
    { sampleRate: 1000, channelCount: 1 },
    new Int16Array(100),
  );
  const { code, stderr } = await run(
    ["vad", path],
    {},
    () => Promise.resolve(),
  );
  await Deno.remove(path);
  assertEquals(code, 2);
  assertStringIncludes(stderr, path);
  assertStringIncludes(stderr, "sample rate must be from 4000 to 384000 Hz");
  assertStringIncludes(stderr, "sox in.wav -r 24000 out.wav");
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
    [["--labels", "--scores"], "Cannot print --scores as --labels"],
    [
      ["--vad-offset-threshold", "0.8"],
      "Cannot use --vad-offset-threshold as it must be a number from 0 to 0.6",
    ],
    [
      ["--vad-engine", "energy", "--vad-offset-threshold", "0.5"],
      "Cannot use --vad-offset-threshold as it must be a number from 0 to 0.375",
    ],
    [["talk.wav", "--device", "1"], "leave out --device"],
    [["talk.wav", "--rate", "16000"], "leave out --rate"],
    [["talk.wav", "--channels", "2"], "leave out --channels"],
    [["talk.wav", "--chunk-ms", "20"], "leave out --chunk-ms"],
    [["talk.wav", "--buffer-frames", "960"], "leave out --buffer-frames"],
    [["talk.wav", "--explain"], "leave out --explain"],
    [["talk.wav", "--fail-fast"], "leave out --fail-fast"],
    [["talk.wav", "--channel", "1,2"], "Cannot use --channel 1,2 with a file"],
    [["--vad-engine", "silero"], "without a model"],
    [
      ["a.wav", "b.wav"],
      'Unexpected "b.wav": the command takes no more than [FILE.wav]',
    ],
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
