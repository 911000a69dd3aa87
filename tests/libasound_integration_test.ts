/**
 * The real libasound with PCMs that need no card: `null` gives silence, `file`
 * gives a file's samples, `multi` has a fixed number of channels. All are made
 * by a configuration of our own, so that nothing depends on this machine's.
 */

import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { listCards } from "../ffi/cards.ts";
import { acquireAlsa, LIBRARY_PATHS, releaseAlsa } from "../ffi/library.ts";
import { errorText } from "../ffi/memory.ts";
import { readSystemFile } from "../ffi/system_file.ts";
import { listDevices, openAlsaPcm } from "../src/alsa_device.ts";
import { openMicrophone } from "../src/microphone.ts";
import {
  AlsaError,
  type CardIdentity,
  type PcmDevice,
  type PcmRequest,
} from "../src/pcm.ts";

const PERMITTED_PATHS = LIBRARY_PATHS.filter((path) =>
  Deno.permissions.querySync({ name: "ffi", path }).state === "granted"
);

/** The library can be loaded, and without a prompt. */
const hasLibrary = PERMITTED_PATHS.length > 0 && canLoad();

function canLoad(): boolean {
  try {
    acquireAlsa();
    releaseAlsa();
    return true;
  } catch {
    return false;
  }
}

if (!hasLibrary) {
  console.log("Left out: the tests on libasound, which cannot be loaded here");
}

/** Runs a test with PCMs of its own. */
async function withPcms(
  configuration: (folder: string) => string,
  use: (folder: string) => Promise<void> | void,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/asound.conf`;
  const before = Deno.env.get("ALSA_CONFIG_PATH");
  try {
    await Deno.writeTextFile(path, configuration(folder));
    Deno.env.set("ALSA_CONFIG_PATH", path);
    await use(folder);
  } finally {
    if (before === undefined) Deno.env.delete("ALSA_CONFIG_PATH");
    else Deno.env.set("ALSA_CONFIG_PATH", before);
    await Deno.remove(folder, { recursive: true });
  }
}

const silence = () => "pcm.silence { type null }";

const recording = (folder: string) =>
  `pcm.recording {
    type file
    slave.pcm { type null }
    file "/dev/null"
    infile "${folder}/recording.raw"
    format "raw"
  }`;

const stereoOnly = () =>
  `pcm.stereo_only {
    type multi
    slaves.a { pcm { type null } channels 2 }
    bindings { 0 { slave a channel 0 } 1 { slave a channel 1 } }
  }`;

const converted = () =>
  `pcm.converted {
    type rate
    slave { pcm { type null } rate 48000 }
    converter "linear"
  }`;

function request(device: string, overrides: Partial<PcmRequest> = {}) {
  return {
    device,
    sampleRate: 24_000,
    channelCount: 1,
    periodFrames: 480,
    bufferFrames: 12_000,
    ...overrides,
  };
}

/** A microphone that no machine has. */
const ELSEWHERE: CardIdentity = {
  id: "Elsewhere",
  longName: "Microphone at usb-elsewhere-1, full speed",
  components: "USB0000:0000",
  isOnlyOfItsModel: true,
};

/** Samples that tell any slip, swap or repetition. */
function distinctSamples(count: number): Int16Array<ArrayBuffer> {
  return Int16Array.from({ length: count }, (_, i) => (i * 40_503) & 0xffff);
}

/** Reads a started device in uneven pieces. */
async function readSamples(pcm: PcmDevice, count: number) {
  const samples = new Int16Array(count);
  const { channelCount } = pcm.parameters;
  let length = 0;
  while (length < count) {
    assert(await pcm.wait(80));
    const piece = samples.subarray(length, length + 346 * channelCount);
    length += pcm.read(piece) * channelCount;
  }
  return samples;
}

Deno.test({
  name: "openAlsaPcm() delivers a file's samples bit for bit and in order",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(recording, async (folder) => {
      const samples = distinctSamples(50_000);
      await Deno.writeFile(
        `${folder}/recording.raw`,
        new Uint8Array(samples.buffer),
      );
      const pcm = await openAlsaPcm(request("recording"));
      pcm.start();
      assertEquals(await readSamples(pcm, samples.length), samples);
      await pcm.close();
    }),
});

Deno.test({
  name: "openAlsaPcm() keeps two channels interleaved",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(recording, async (folder) => {
      const samples = distinctSamples(50_000);
      await Deno.writeFile(
        `${folder}/recording.raw`,
        new Uint8Array(samples.buffer),
      );
      const pcm = await openAlsaPcm(
        request("recording", { channelCount: 2, sampleRate: 48_000 }),
      );
      pcm.start();
      assertEquals(await readSamples(pcm, samples.length), samples);
      await pcm.close();
    }),
});

Deno.test({
  name: "openMicrophone() picks a channel of a device that has just so many",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(stereoOnly, async () => {
      for (const channel of [0, 1]) {
        await using microphone = await openMicrophone({
          device: "stereo_only",
          channel,
        });
        assertEquals(microphone.parameters.channelCount, 1);
        assertEquals((await microphone.next()).done, false);
      }
      await assertRejects(
        () => openMicrophone({ device: "stereo_only", channel: 2 }),
        AlsaError,
        "with 3 channel(s)",
      );
    }),
});

Deno.test({
  name:
    "openMicrophone() makes one channel of a device that has several, by ALSA's plug",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(
      () =>
        `${stereoOnly()}
        pcm.plug { @args [ SLAVE ] @args.SLAVE { type string } type plug slave.pcm $SLAVE }`,
      async () => {
        await using microphone = await openMicrophone({
          device: "stereo_only",
        });
        assertEquals(microphone.parameters.channelCount, 1);
        assertEquals((await microphone.next()).done, false);
      },
    ),
});

Deno.test({
  name: "openMicrophone() gives the channels of a map, in its order",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(recording, async (folder) => {
      const samples = distinctSamples(9000);
      await Deno.writeFile(
        `${folder}/recording.raw`,
        new Uint8Array(samples.buffer),
      );
      await using microphone = await openMicrophone({
        device: "recording",
        channel: [2, 0],
      });
      assertEquals(microphone.parameters.channelCount, 2);
      const { value } = await microphone.next();
      const heard = [...value!.samples.subarray(0, 200)];
      const expected = Array.from({ length: 100 }, (_, frame) => [
        samples[3 * frame + 2],
        samples[3 * frame],
      ]);
      assertEquals(heard, expected.flat());
    }),
});

Deno.test({
  name: "openMicrophone() loses, repeats and misplaces nothing of a file",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(recording, async (folder) => {
      const samples = distinctSamples(200_000);
      await Deno.writeFile(
        `${folder}/recording.raw`,
        new Uint8Array(samples.buffer),
      );
      await using mic = await openMicrophone({ device: "recording" });
      let position = 0;
      for await (const frame of mic) {
        assertEquals(frame.position, position);
        assertEquals(frame.discontinuity, undefined);
        const end = Math.min(position + frame.samples.length, samples.length);
        assertEquals(
          frame.samples.subarray(0, end - position),
          samples.subarray(position, end),
        );
        position += frame.samples.length;
        if (position >= samples.length) break;
      }
    }),
});

Deno.test({
  name: "openAlsaPcm() delivers zeros from a null PCM",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(silence, async () => {
      const pcm = await openAlsaPcm(request("silence"));
      pcm.start();
      const samples = new Int16Array(480);
      assertEquals(pcm.read(samples), 480);
      assertEquals(samples, new Int16Array(480));
      await pcm.close();
    }),
});

Deno.test({
  name: "openAlsaPcm() tells what the device was configured to, and its state",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(silence, async () => {
      const pcm = await openAlsaPcm(
        request("silence", { sampleRate: 44_100, channelCount: 2 }),
      );
      assertEquals(pcm.parameters, {
        device: "silence",
        sampleRate: 44_100,
        channelCount: 2,
        periodFrames: 480,
        bufferFrames: 12_000,
      });
      assertEquals(pcm.status().state, "prepared");
      pcm.start();
      const beforeMs = performance.now();
      const { state, availableFrames, timestampMs } = pcm.status();
      assertEquals(state, "running");
      assertEquals(availableFrames, 12_000);
      assertGreater(timestampMs, beforeMs - 1);
      assertLess(timestampMs, performance.now() + 1);
      pcm.drop();
      assertEquals(pcm.status().state, "setup");
      pcm.prepare();
      assertEquals(pcm.status().state, "prepared");
      await pcm.close();
    }),
});

Deno.test({
  name: "openAlsaPcm() counts what can be read from behind a rate converter",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(converted, async () => {
      const pcm = await openAlsaPcm(request("converted"));
      pcm.start();
      assert(await pcm.wait(80));
      const { availableFrames } = pcm.status();
      assertGreater(availableFrames, 479);
      assertEquals(pcm.read(new Int16Array(480)), 480);
      await pcm.close();
    }),
});

Deno.test({
  name: "openAlsaPcm() refuses what the device cannot do and tells what it can",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(stereoOnly, async () => {
      const error = await assertRejects(
        () => openAlsaPcm(request("stereo_only")),
        AlsaError,
      );
      assertEquals(error.kind, "config");
      assertEquals(error.call, "snd_pcm_hw_params_set_channels");
      assertStringIncludes(error.message, "24000 Hz with 1 channel");
      assertStringIncludes(error.message, "its channel counts: 2)");
      const pcm = await openAlsaPcm(
        request("stereo_only", { channelCount: 2 }),
      );
      await pcm.close();
    }),
});

Deno.test({
  name: "openAlsaPcm() says which device is not there",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(silence, async () => {
      const error = await assertRejects(
        () => openAlsaPcm(request("missing")),
        AlsaError,
      );
      assertEquals(error.kind, "unavailable");
      assertEquals(error.code, "ENOENT");
      assertStringIncludes(error.message, 'the device "missing"');
    }),
});

Deno.test({
  name: "openAlsaPcm() says which microphone is not plugged in",
  ignore: !hasLibrary,
  async fn() {
    for (const device of ["hw:0", "plughw:CARD=Elsewhere,DEV=0"]) {
      const error = await assertRejects(
        () => openAlsaPcm(request(device, { card: ELSEWHERE })),
        AlsaError,
      );
      assertEquals(error.kind, "unavailable");
      assertEquals(error.code, "ENODEV");
      assertStringIncludes(
        error.message,
        `the microphone "${ELSEWHERE.longName}", which is not plugged in`,
      );
    }
  },
});

Deno.test({
  name: "openAlsaPcm() opens a name without a card whatever card is asked for",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(silence, async () => {
      const pcm = await openAlsaPcm(request("silence", { card: ELSEWHERE }));
      assertEquals(pcm.parameters.device, "silence");
      await pcm.close();
    }),
});

Deno.test({
  name: "openAlsaPcm() knows that plugins are on no card",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(
      (folder) => [silence(), recording(folder), converted()].join("\n"),
      async (folder) => {
        await Deno.writeFile(`${folder}/recording.raw`, new Uint8Array(2));
        for (const device of ["silence", "recording", "converted"]) {
          const pcm = await openAlsaPcm(request(device));
          assertEquals(pcm.card, undefined);
          await pcm.close();
        }
      },
    ),
});

Deno.test({
  name: "A PCM device refuses every call once it is closed",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(silence, async () => {
      const pcm = await openAlsaPcm(request("silence"));
      pcm.start();
      const waiting = pcm.wait(80);
      await Promise.all([pcm.close(), pcm.close()]);
      assertEquals(await waiting, true);
      const error = await assertRejects(() => pcm.wait(80), AlsaError);
      assertEquals(error.kind, "unavailable");
      for (
        const call of [
          () => pcm.read(new Int16Array(480)),
          () => pcm.status(),
          () => pcm.start(),
          () => pcm.prepare(),
          () => pcm.resume(),
          () => pcm.drop(),
        ]
      ) {
        await assertRejects(async () => await call(), AlsaError, "was closed");
      }
    }),
});

Deno.test({
  name:
    "openAlsaPcm() opens several devices at once, in every order of closing",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(silence, async () => {
      const [first, second, failed, third] = await Promise.allSettled(
        ["silence", "silence", "missing", "silence"].map((device) =>
          openAlsaPcm(request(device))
        ),
      );
      assertEquals(failed?.status, "rejected");
      for (const result of [second, third, first]) {
        assert(result?.status === "fulfilled");
        result.value.start();
        assertEquals(result.value.read(new Int16Array(480)), 480);
        await result.value.close();
      }
    }),
});

Deno.test({
  name:
    "listDevices() lists the capture devices that ALSA's configuration names",
  ignore: !hasLibrary,
  fn: () =>
    withPcms(
      () =>
        `pcm.default { type null hint { show on description "First choice" } }
       pcm.desk { type null hint { show on description "Desk" } }
       pcm.hidden { type null }`,
      () => {
        const named = listDevices().filter(({ name }) =>
          !name.includes("CARD=")
        );
        assertEquals(named.map(({ name }) => name), ["default", "desk"]);
        assertEquals(named[0]?.index, 0);
        assertEquals(named[1]?.description, "Desk");
      },
    ),
});

Deno.test({
  name: "listCards() lists each card once, by number",
  ignore: !hasLibrary,
  fn() {
    const numbers = listCards().map(({ number }) => number);
    assertEquals(numbers, [...new Set(numbers)].toSorted((a, b) => a - b));
  },
});

Deno.test({
  name: "readSystemFile() reads what the kernel tells of a process",
  ignore: !hasLibrary,
  fn() {
    const status = readSystemFile("/proc/self/status");
    assertStringIncludes(status ?? "", `\nPid:\t${Deno.pid}\n`);
  },
});

Deno.test({
  name: "readSystemFile() reads no more than the first 64 KiB",
  ignore: !hasLibrary,
  async fn() {
    const path = await Deno.makeTempFile();
    await Deno.writeTextFile(path, "é".repeat(50_000));
    assertEquals(readSystemFile(path), "é".repeat(32 * 1024));
    await Deno.remove(path);
  },
});

Deno.test({
  name: "readSystemFile() tells an empty file from one that cannot be read",
  ignore: !hasLibrary,
  async fn() {
    const path = await Deno.makeTempFile();
    assertEquals(readSystemFile(path), "");
    await Deno.remove(path);
    assertEquals(readSystemFile(path), undefined);
    assertEquals(readSystemFile("/proc"), undefined);
  },
});

Deno.test({
  name: "readSystemFile() leaves no file open",
  ignore: !hasLibrary,
  fn() {
    acquireAlsa();
    // The size of the table of open files, which grows with them.
    const tableSize = () =>
      /^FDSize:.*$/m.exec(readSystemFile("/proc/self/status") ?? "")?.[0];
    const before = tableSize();
    for (let round = 0; round < 1000; round++) {
      readSystemFile("/proc/self/comm");
      readSystemFile("/proc");
    }
    assertEquals(tableSize(), before);
    releaseAlsa();
  },
});

Deno.test({
  name: "libasound works with the permission for its path alone",
  ignore: !hasLibrary || PERMITTED_PATHS[0] !== LIBRARY_PATHS[0],
  permissions: {
    ffi: [LIBRARY_PATHS[0]],
    env: "inherit",
    read: "inherit",
    write: "inherit",
  },
  fn: () =>
    withPcms(silence, async () => {
      const pcm = await openAlsaPcm(request("silence"));
      pcm.start();
      assertEquals(pcm.read(new Int16Array(480)), 480);
      assertEquals(pcm.status().state, "running");
      await pcm.close();
      listDevices();
      listCards();
      assertStringIncludes(
        readSystemFile("/proc/self/stat") ?? "",
        `${Deno.pid} (`,
      );
    }),
});

const canRunDeno = Deno.permissions.querySync({
  name: "run",
  command: Deno.execPath(),
}).state === "granted";

Deno.test({
  name: "libasound's own complaints do not reach stderr",
  ignore: !hasLibrary || !canRunDeno,
  async fn() {
    const module = new URL("../src/alsa_device.ts", import.meta.url).href;
    const path = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(
      path,
      `import { listDevices, openAlsaPcm } from "${module}";
       const request = ${JSON.stringify(request("hw:31"))};
       for (const device of ["hw:31", "default", "missing", "pulse"]) {
         await openAlsaPcm({ ...request, device })
           .then((pcm) => pcm.close(), () => {});
       }
       listDevices();`,
    );
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", "--no-prompt", "--allow-ffi", path],
    }).output();
    await Deno.remove(path);
    assertEquals(new TextDecoder().decode(stderr), "");
    assertEquals(code, 0);
  },
});

Deno.test({
  name: "errorText() reads what libasound says of its own error codes",
  ignore: !hasLibrary,
  fn() {
    const alsa = acquireAlsa();
    try {
      assertEquals(
        errorText(alsa, -500_000),
        "Sound protocol is not compatible",
      );
    } finally {
      releaseAlsa();
    }
  },
});
