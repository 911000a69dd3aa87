/** The program, run in a world of the test's making. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { readWav } from "../src/wav.ts";
import { versionLine } from "../src/cli/version.ts";
import { DEVICES, interruptAfter, run, slowly } from "./cli_lab.ts";

Deno.test("earshot without a command says so and exits with 2", async () => {
  const { code, stdout, stderr } = await run([]);
  assertEquals([code, stdout], [2, ""]);
  assertEquals(
    stderr,
    'earshot: Missing a command\nTry "earshot --help"\n',
  );
});

Deno.test("earshot --help names every command", async () => {
  for (
    const args of [["--help"], ["-h"], ["help"], ["help", "--help"]]
  ) {
    const { code, stdout } = await run(args);
    assertEquals(code, 0);
    for (const name of ["record", ...COMMANDS]) {
      assertStringIncludes(stdout, `\n  ${name} `);
    }
  }
});

Deno.test("earshot --version prints the version of the package", async () => {
  for (const args of [["--version"], ["-V"]]) {
    const { code, stdout } = await run(args);
    assertEquals([code, stdout], [0, `${versionLine()}\n`]);
  }
});

Deno.test("earshot record --help says all there is to say", async () => {
  const { code, stdout } = await run(["record", "--help"]);
  assertEquals(code, 0);
  assertEquals(
    stdout,
    `Record the microphone into a WAV file.

Usage: earshot record OUT.wav [options]

Options:
  -d, --device NAME      name or index of the device; "earshot devices" lists them (default default)
      --rate HZ          sample rate; the Realtime API takes only 24000 (default 24000)
      --channels N       channels; the Realtime API takes only 1 (default 1)
      --channel N[,N…]   the channel of the device to use, from 1; or several, in this order
                         (default: their mean)
      --dc-block         remove a DC offset, and rumble below 20 Hz
      --gain-db DB       make everything louder or quieter (default 0)
      --auto-gain        bring voices slowly to one level, and limit peaks
      --chunk-ms MS      milliseconds of audio handled at a time
      --buffer-frames N  most frames handed over at once: a chunk, or an equal part of it (default
                         24000)
      --explain          say how the microphone was opened, and why so
  -s, --seconds N        stop after this time (default: until Ctrl-C)
      --fill-gaps        put silence in the place of audio that was lost
      --fail-fast        end when the microphone or the connection is lost
      --log pretty|json  lines with time and level on stderr (default: for a person)
      --log-level error|warn|info|debug
                         the least that is said on stderr (default info)
      --config FILE      file with settings (default ~/.config/earshot/config.jsonc)
  -v, --verbose          say more on stderr: --log-level debug
  -q, --quiet            say nothing on stderr but errors: --log-level error
  -h, --help             show this help

OUT.wav is overwritten; "-" writes to stdout, for a pipe.

Examples:
  earshot record note.wav                  until Ctrl-C
  earshot record --seconds 10 note.wav
  earshot record --device 1 --rate 48000 - | sox - note.flac
`,
  );
  assertEquals((await run(["help", "record"])).stdout, stdout);
});

const COMMANDS = [
  "devices",
  "meter",
  "stream",
  "demo",
  "doctor",
  "service",
  "config",
  "completions",
];

for (const command of COMMANDS) {
  Deno.test(`earshot ${command} --help explains its options and gives examples`, async () => {
    const { code, stdout, stderr } = await run([command, "--help"]);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `Usage: earshot ${command}`);
    assertStringIncludes(stdout, "Examples:");
    assert(stdout.split("\n").every((line) => line.length <= 100), stdout);
  });
}

const WRONG_USES: [string[], string][] = [
  [["recrod"], 'Unknown command "recrod": did you mean "record"?'],
  [["help", "--all"], 'Unknown option "--all": options come behind a command'],
  [["xyz"], 'Unknown command "xyz": it must be one of devices, meter'],
  [["--device", "1", "meter"], "options come behind a command"],
  [
    ["meter", "--devcie", "1"],
    'Unknown option "--devcie": did you mean "--device"?',
  ],
  [["meter", "--transcribe"], 'Unknown option "--transcribe"'],
  [["meter", "-x"], 'Unknown option "-x"'],
  [
    ["meter", "--rate", "fast"],
    'must be a whole number from 4000 to 384000: current value is "fast"',
  ],
  [
    ["meter", "--vad-threshold", "2"],
    "Cannot use --vad-threshold as it must be a number from 0 to 1",
  ],
  [["meter", "--seconds"], "Missing the value of --seconds: N"],
  [["meter", "--rate", "--quiet"], "Missing the value of --rate: HZ"],
  [
    ["stream", "--vad", "client", "--vad-offset-threshold", "0.8"],
    "Cannot use --vad-offset-threshold as it must be a number from 0 to 0.6",
  ],
  [["meter", "x"], 'Unexpected "x": the command takes options only'],
  [["stream", "--vad", "both"], "must be one of client, server"],
  [["stream", "--rate", "48000"], "sampleRate must be 24000"],
  [["stream", "--url", "http://example.com"], 'must begin with "wss:"'],
  [["service", "instal"], 'Unknown "instal": did you mean "install"?'],
  [["completions", "tcsh"], "it must be one of bash, zsh, fish"],
  [["stream", "--fill-gaps", "--no-fill-gaps"], "give one of them"],
  [["meter", "--no-quiet"], 'Unknown option "--no-quiet"'],
  [["demo", "--recorder-on", "error,eror"], "some of speech-start, "],
  [
    ["meter", "--channels", "2", "--channel", "1"],
    "Cannot use both --channels 2 and --channel 1: name as many as there are",
  ],
  [
    ["meter", "--channel", "1,"],
    "a whole number from 1 to 32, or several with commas between",
  ],
  [["record"], "Missing OUT.wav"],
  [["record", "a.wav", "b.wav"], 'Unexpected "b.wav"'],
  [["meter", "--device", "9"], 'There is no device 9: "earshot devices" lists'],
  [["demo", "--input", "/nonexistent.wav"], 'Cannot read "/nonexistent.wav"'],
];

for (const [args, message] of WRONG_USES) {
  Deno.test(`earshot ${args.join(" ")} is refused with advice`, async () => {
    const { code, stdout, stderr } = await run(args);
    assertEquals(stdout, "");
    assertStringIncludes(stderr, message);
    assert(code === 2 || args.includes("--input"), `exit code ${code}`);
  });
}

Deno.test("earshot devices prints a table with indices, names and what the hardware has", async () => {
  const { code, stdout } = await run(["devices"]);
  assertEquals(code, 0);
  assertEquals(
    stdout,
    `INDEX  NAME                      DESCRIPTION                      NATIVE
0      default                   Default Audio Device
1      plughw:CARD=Device,DEV=0  USB PnP Sound Device, USB Audio  44.1/48 kHz, 1 ch, S16_LE
2      plughw:CARD=Array,DEV=0   Array, USB Audio                 (busy)
`,
  );
});

Deno.test("earshot devices --verbose says what is chosen, and why", async () => {
  const { stdout } = await run(["devices", "--verbose"]);
  const lines = stdout.split("\n");
  assertStringIncludes(lines[0]!, "CHOSEN, AND WHY");
  assertStringIncludes(
    lines[1]!,
    "24 kHz: a sound server or a plugin converts",
  );
  assertStringIncludes(
    lines[2]!,
    "48 kHz, made 24 kHz by our filter, as it has no 24 kHz",
  );
  assertStringIncludes(lines[3]!, "(busy)");
});

Deno.test("earshot devices --json prints the same for programs", async () => {
  const { stdout } = await run(["devices", "--json"]);
  assertEquals(JSON.parse(stdout), JSON.parse(JSON.stringify(DEVICES)));
});

Deno.test("earshot devices fails with advice when there is none", async () => {
  const { code, stderr } = await run(["devices"], { devices: [] });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "Plug in a microphone");
});

Deno.test("earshot fails with the advice of the device's error and exits with 1", async () => {
  const { code, stderr } = await run(["meter"], { pcm: { openErrnos: [16] } });
  assertEquals(code, 1);
  assertMatch(stderr, /^earshot: snd_pcm_open failed .*EBUSY.*fuser/);
});

Deno.test("earshot takes an index in the place of a device's name", async () => {
  const { opened } = await run(["meter", "-d", "1", "-s", "0.1"]);
  assertEquals(opened, ["plughw:CARD=Device,DEV=0"]);
});

Deno.test("earshot meter prints a line every 500 ms where it cannot redraw", async () => {
  const { code, stdout } = await run(
    ["meter", "--seconds", "2", "--vad-threshold", "0.02"],
  );
  assertEquals(code, 0);
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines.length, 4);
  // A sine with a peak of 0.5 has an RMS of 0.354, which is -9.0 dBFS.
  const bar = "█".repeat(42).padEnd(50);
  assertEquals(lines[0], `● 0.354 [${bar}]  -9.0 dBFS  peak  -9.0`);
});

Deno.test("earshot meter redraws one line on a terminal, shows the light, and leaves nothing behind", async () => {
  const { stdout } = await run(
    ["meter", "--seconds", "1", "--vad-threshold", "0.9"],
    { isTerminal: true },
  );
  const lines = stdout.split("\r");
  assertEquals(lines.length, 22, "20 levels and one to clear");
  assertStringIncludes(lines[1]!, "○");
  assertEquals(lines.at(-1), "\x1b[K");
});

Deno.test("earshot meter ends with 130 at Ctrl-C", async () => {
  const { code } = await run(["meter"], {}, interruptAfter(1000));
  assertEquals(code, 130);
});

Deno.test("earshot ends with 130 when Ctrl-C comes while the device opens", async () => {
  const { code } = await run(
    ["meter"],
    { pcm: { openMs: 60_000 } },
    async (clock, interrupt) => {
      await clock.advance(100);
      interrupt();
      await clock.advance(60_000);
    },
  );
  assertEquals(code, 130);
});

async function inTempFile(
  test: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".wav" });
  try {
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("earshot record --seconds writes exactly that, bit for bit", async () => {
  await inTempFile(async (path) => {
    const { code, stderr, fake } = await run(
      ["record", path, "--seconds", "1.2345"],
      {},
      (clock) => slowly(clock, 2000),
    );
    assertEquals(code, 0);
    assertStringIncludes(
      stderr,
      `Wrote ${path}: 0:01.2, 24000 Hz, 1 channel\n`,
    );
    const { samples } = readWav(await Deno.readFile(path));
    assertEquals(samples, fake.samplesAt(0, 29_628));
  });
});

Deno.test("earshot record --gain-db makes it louder", async () => {
  await inTempFile(async (path) => {
    const { fake } = await run(
      ["record", path, "--seconds", "0.5", "--gain-db", "-6"],
      {},
      (clock) => slowly(clock, 1500),
    );
    const { samples } = readWav(await Deno.readFile(path));
    const expected = fake.samplesAt(0, 12_000)
      .map((sample) => Math.round(sample * 10 ** (-6 / 20)));
    assertEquals(samples, expected);
  });
});

Deno.test("earshot record keeps everything, under a right header, at Ctrl-C", async () => {
  await inTempFile(async (path) => {
    const { code, fake } = await run(
      ["record", path, "--quiet"],
      {},
      async (clock, interrupt) => {
        await slowly(clock, 1000);
        interrupt();
        await slowly(clock, 500);
      },
    );
    assertEquals(code, 130);
    const bytes = await Deno.readFile(path);
    const { samples } = readWav(bytes);
    assertEquals(
      new DataView(bytes.buffer).getUint32(40, true),
      samples.length * 2,
    );
    assert(samples.length >= 24_000);
    assertEquals(samples, fake.samplesAt(0, samples.length));
  });
});

Deno.test("earshot record says how much was lost", async () => {
  await inTempFile(async (path) => {
    const { stderr } = await run(["record", path, "--seconds", "1"], {
      pcm: {
        script: [
          { type: "silence", durationMs: 300 },
          { type: "xrun" },
          { type: "silence", durationMs: 300 },
        ],
      },
    }, (clock) => slowly(clock, 2000));
    assertMatch(stderr, /Lost 100 ms of audio: xrun 100 ms/);
  });
});

Deno.test("earshot record waits for a microphone that was pulled out, says so, and goes on", async () => {
  await inTempFile(async (path) => {
    const { code, stderr, fake } = await run(
      ["record", path, "--seconds", "3", "--fill-gaps"],
      {
        pcm: {
          continuous: true,
          script: [
            { type: "noise", durationMs: 500, amplitude: 0.5 },
            { type: "unplug", durationMs: 1000 },
            { type: "noise", durationMs: 5000, amplitude: 0.5 },
          ],
        },
      },
      (clock) => slowly(clock, 6000),
    );
    assertEquals(code, 0);
    assertStringIncludes(stderr, "The microphone was lost: ");
    assertStringIncludes(stderr, "Waiting for the microphone: ");
    assertStringIncludes(stderr, "The microphone is back");
    assertMatch(stderr, /Audio is missing: \d+ ms \(device_lost\)/);
    assertMatch(stderr, /Lost \d+ ms of audio: device_lost \d+ ms/);
    const { samples } = readWav(await Deno.readFile(path));
    assertEquals(samples.length, 72_000, "the gap is not filled");
    assertEquals(samples.slice(-100), fake.samplesAt(71_900, 100));
  });
});

Deno.test("earshot record --seconds ends although the microphone does not come back", async () => {
  await inTempFile(async (path) => {
    const { code, stderr } = await run(["record", path, "--seconds", "2"], {
      pcm: {
        continuous: true,
        script: [
          { type: "noise", durationMs: 500, amplitude: 0.5 },
          { type: "unplug", durationMs: 1e9 },
        ],
      },
    }, (clock) => slowly(clock, 8000));
    assertEquals(code, 0);
    assertMatch(stderr, /Lost 3\d{3} ms of audio: device_lost/);
  });
});

Deno.test("earshot record --fail-fast ends with the error of a microphone that was pulled out", async () => {
  await inTempFile(async (path) => {
    const { code, stderr } = await run(["record", path, "--fail-fast"], {
      pcm: {
        script: [
          { type: "noise", durationMs: 500, amplitude: 0.5 },
          { type: "unplug" },
        ],
      },
    }, (clock) => slowly(clock, 2000));
    assertEquals(code, 1);
    assertStringIncludes(stderr, "ENODEV");
  });
});

Deno.test("earshot record fails clearly where it may not write", async () => {
  const { code, stderr } = await run(["record", "/nonexistent/out.wav"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, 'Cannot write "/nonexistent/out.wav"');
});
