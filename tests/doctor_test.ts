/** `earshot doctor` on machines with something wrong. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { CaptureControl } from "../src/alsa_system.ts";
import type { Finding } from "../src/cli/doctor/finding.ts";
import type { System } from "../src/cli/system.ts";
import { AlsaError } from "../src/pcm.ts";
import { DEVICES, EMPTY_SYSTEM, type LabOptions, run } from "./cli_lab.ts";

/** A machine where all is well: a card of a user in the group audio. */
const FILES: Record<string, string> = {
  "/proc/asound/cards":
    " 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n                      HDA at 0xf7\n" +
    " 1 [Device         ]: USB-Audio - USB PnP Sound Device\n                      C-Media at usb-1\n",
  "/proc/asound/pcm":
    "00-00: ALC283 : ALC283 : playback 1\n01-00: USB Audio : USB Audio : capture 1\n",
  "/proc/asound/card1/id": "Device\n",
  "/proc/asound/card1/pcm0c/sub0/status": "closed\n",
  "/proc/self/status": "Name:\tearshot\nUid:\t1000\t1000\nGroups:\t29 1000 \n",
  "/etc/group": "root:x:0:\naudio:x:29:pi\n",
};

const PATHS = [
  `/usr/lib/${Deno.build.arch}-linux-gnu/alsa-lib/libasound_module_rate_speexrate.so`,
  "/run/user/1000/pipewire-0",
  "/var/lib/systemd/linger/pi",
];

const CONTROL: CaptureControl = {
  name: "Mic",
  percent: 80,
  decibels: 12.5,
  isOn: true,
};

/** What is different about the machine. */
interface Machine extends Omit<LabOptions, "system"> {
  files?: Record<string, string | undefined>;
  paths?: string[];
  controls?: CaptureControl[];
  system?: Partial<System>;
}

async function examine(machine: Machine = {}, ...args: string[]) {
  const files = { ...FILES, ...machine.files };
  const paths = machine.paths ?? PATHS;
  const outcome = await run(["doctor", "--json", ...args], {
    environment: {
      USER: "pi",
      XDG_RUNTIME_DIR: "/run/user/1000",
      ...machine.environment,
    },
    devices: machine.devices,
    pcm: {
      script: [
        { type: "noise", durationMs: 1500, amplitude: 0.001 },
        { type: "speech", durationMs: 20_000, amplitude: 0.3 },
      ],
      ...machine.pcm,
    },
    system: {
      readFile: (path) => files[path],
      exists: (path) => paths.includes(path),
      captureControls: () => machine.controls ?? [CONTROL],
      ...machine.system,
    },
  });
  const { worst, findings }: { worst: string; findings: Finding[] } = JSON
    .parse(outcome.stdout);
  const of = (check: string) =>
    findings.filter((finding) => finding.check === check);
  return { ...outcome, worst, findings, of };
}

Deno.test("earshot doctor finds nothing where all is well", async () => {
  const { code, worst, findings, of } = await examine();
  assertEquals(
    findings.filter(({ severity }) =>
      severity === "warn" || severity === "fail"
    ),
    [],
  );
  assertEquals([code, worst], [0, "info"]);
  assertEquals(of("cards").map(({ text }) => text), [
    'Card 0, "PCH" (HDA Intel PCH): it only plays',
    'Card 1, "Device" (USB PnP Sound Device): free',
  ]);
  assertStringIncludes(of("mixer")[0]!.text, '"Mic" of card 0');
  assertStringIncludes(of("mixer")[0]!.text, "80 %, 12.5 dB");
  assertStringIncludes(of("sample rate")[0]!.text, "24000 Hz by the clock");
});

Deno.test("earshot doctor prints findings with advice for a person", async () => {
  const { code, stdout, stderr } = await run(["doctor", "--quiet"], {
    system: { ...EMPTY_SYSTEM, exists: () => true },
    pcm: { script: [{ type: "silence", durationMs: 10_000 }] },
  });
  assertEquals([code, stderr], [1, ""]);
  assertStringIncludes(
    stdout,
    "[ WARN ] cards: The kernel has no sound card\n         → Plug in a microphone",
  );
  assertStringIncludes(stdout, "[ FAIL ] listening: Only digital silence");
  assertStringIncludes(stdout, "\n1 failure, 1 warning\n");
});

interface Case {
  name: string;
  machine: Machine;
  args?: string[];
  check: string;
  severity: Finding["severity"];
  text: string;
  advice?: string;
}

const CASES: Case[] = [
  {
    name: "a libasound that is missing",
    machine: {
      system: {
        alsaVersion() {
          throw new AlsaError("dlopen", 0, {
            kind: "unavailable",
            advice: "Install libasound2",
          });
        },
      },
    },
    check: "library",
    severity: "fail",
    text: "Install libasound2",
  },
  {
    name: "a kernel without cards",
    machine: { files: { "/proc/asound/cards": "--- no soundcards ---\n" } },
    check: "cards",
    severity: "warn",
    text: "no sound card",
    advice: "/dev/snd",
  },
  {
    name: "who holds a card",
    machine: {
      files: {
        "/proc/asound/card1/pcm0c/sub0/status":
          "state: RUNNING\nowner_pid   : 77\n",
        "/proc/77/status": "Tgid:\t76\n",
        "/proc/76/comm": "arecord\n",
      },
    },
    check: "cards",
    severity: "info",
    text: 'held by "arecord" (process 76)',
    advice: "end what holds it",
  },
  {
    name: "a user who is not in the group audio",
    machine: {
      files: { "/proc/self/status": "Uid:\t1000\nGroups:\t1000\n" },
    },
    check: "rights",
    severity: "warn",
    text: "not in the group audio",
    advice: "usermod -aG audio",
  },
  {
    name: "a sound server that does not run although default needs it",
    machine: {
      paths: [PATHS[0]!],
      devices: [{ ...DEVICES[0]!, description: "PipeWire Sound Server" }],
    },
    check: "sound server",
    severity: "warn",
    text: "No sound server runs",
    advice: "systemctl --user start pipewire",
  },
  {
    name: "hardware whose rate is converted",
    machine: {},
    args: ["--device", "1"],
    check: "formats",
    severity: "ok",
    text:
      "44.1/48 kHz, 1 channels, S16_LE; it is captured at 48 kHz and converted",
  },
  {
    name: "hardware without a usual rate",
    machine: {
      devices: [{
        ...DEVICES[1]!,
        native: { ...DEVICES[1]!.native!, sampleRates: [] },
      }],
    },
    args: ["--device", "plughw:CARD=Device,DEV=0"],
    check: "formats",
    severity: "fail",
    text: "none of these rates is usual",
  },
  {
    name: "a device that is not in the list",
    machine: {},
    args: ["--device", "dsnooped"],
    check: "formats",
    severity: "info",
    text: '"dsnooped" is none of "earshot devices"',
  },
  {
    name: "a URL that is none",
    machine: {},
    args: ["--online", "--url", "api.openai.com"],
    check: "network",
    severity: "fail",
    text: '"api.openai.com" is no URL',
    advice: "wss://",
  },
  {
    name: "a device that is busy",
    machine: {},
    args: ["--device", "2"],
    check: "formats",
    severity: "info",
    text: "busy now",
  },
  {
    name: "a capture switch that is off",
    machine: { controls: [{ ...CONTROL, isOn: false }] },
    check: "mixer",
    severity: "fail",
    text: "the switch is off: it is muted",
    advice: "amixer -D hw:0 sset 'Mic' cap",
  },
  {
    name: "several capture switches that are all off",
    machine: {
      controls: [
        { ...CONTROL, isOn: false },
        { ...CONTROL, name: "Line", isOn: false },
      ],
    },
    check: "mixer",
    severity: "fail",
    text: "all switches are off: it is muted",
    advice: "sset 'Mic' cap",
  },
  {
    name: "an input that is not the one that is captured",
    machine: {
      controls: [CONTROL, { ...CONTROL, name: "Line", isOn: false }],
    },
    check: "mixer",
    severity: "info",
    text: '"Line" of card 0, "PCH": 80 %, 12.5 dB, and it is switched off',
  },
  {
    name: "a capture volume at zero",
    machine: { controls: [{ ...CONTROL, percent: 0, decibels: undefined }] },
    check: "mixer",
    severity: "fail",
    text: '"Mic" of card 0, "PCH": 0 %',
    advice: "80% cap",
  },
  {
    name: "a capture volume that is very low",
    machine: { controls: [{ ...CONTROL, percent: 4 }] },
    check: "mixer",
    severity: "warn",
    text: "4 %",
  },
  {
    name: "a mixer that cannot be read",
    machine: {
      system: {
        captureControls() {
          throw new AlsaError("snd_mixer_attach", 13);
        },
      },
    },
    check: "mixer",
    severity: "warn",
    text: "EACCES",
  },
  {
    name: "exact silence",
    machine: { pcm: { script: [{ type: "silence", durationMs: 9000 }] } },
    check: "listening",
    severity: "fail",
    text: "Only digital silence",
    advice: "muted",
  },
  {
    name: "a microphone that is very quiet",
    machine: {
      pcm: { script: [{ type: "noise", durationMs: 9000, amplitude: 0.001 }] },
    },
    check: "listening",
    severity: "warn",
    text: "very quiet",
    advice: "raise the gain",
  },
  {
    name: "a loud room",
    machine: {
      pcm: { script: [{ type: "noise", durationMs: 9000, amplitude: 0.3 }] },
    },
    check: "listening",
    severity: "warn",
    text: "loud room",
  },
  {
    name: "clipping",
    machine: {
      pcm: {
        script: [{
          type: "samples",
          samples: Int16Array.from(
            { length: 200_000 },
            (_, i) => i % 100 < 50 ? 32_767 : -32_768,
          ),
        }],
      },
    },
    check: "listening",
    severity: "warn",
    text: "samples are clipped",
    advice: "Lower the gain",
  },
  {
    name: "a DC offset",
    machine: {
      pcm: {
        script: [{
          type: "samples",
          samples: Int16Array.from(
            { length: 200_000 },
            (_, i) => 3000 + 1000 * Math.sin(i),
          ),
        }],
      },
    },
    check: "listening",
    severity: "warn",
    text: "DC offset of 9.2 %",
  },
  {
    name: "hum of the mains",
    machine: {
      pcm: {
        script: [{
          type: "tone",
          durationMs: 9000,
          frequencyHz: 50,
          amplitude: 0.05,
        }],
      },
    },
    check: "listening",
    severity: "warn",
    text: "A hum of 50 Hz at -29 dBFS",
    advice: "power supplies",
  },
  {
    name: "a device that does not open",
    machine: { pcm: { openErrnos: [16] } },
    check: "listening",
    severity: "fail",
    text: "EBUSY",
  },
  {
    name: "a device that is lost while it listens",
    machine: {
      pcm: {
        script: [{ type: "noise", durationMs: 500, amplitude: 0.1 }, {
          type: "unplug",
        }],
      },
    },
    check: "listening",
    severity: "fail",
    text: "ENODEV",
  },
  {
    name: "audio that is lost",
    machine: {
      pcm: {
        script: [
          { type: "noise", durationMs: 300, amplitude: 0.1 },
          { type: "xrun" },
          { type: "noise", durationMs: 9000, amplitude: 0.1 },
        ],
      },
    },
    check: "listening",
    severity: "warn",
    text: "Lost 20 ms of audio: xrun 20 ms",
  },
  {
    name: "a Raspberry Pi on a bad power supply",
    machine: {
      files: {
        "/proc/device-tree/model": "Raspberry Pi Zero 2 W Rev 1.0\0",
        "/sys/devices/platform/soc/soc:firmware/get_throttled": "0x50001\n",
      },
    },
    check: "raspberry pi",
    severity: "warn",
    text: "Now the voltage is too low",
    advice: "power supply",
  },
  {
    name: "a Raspberry Pi that was slowed down once",
    machine: {
      files: {
        "/proc/device-tree/model": "Raspberry Pi 4 Model B\0",
        "/sys/devices/platform/soc/soc:firmware/get_throttled": "40000",
      },
    },
    check: "raspberry pi",
    severity: "warn",
    text: "Since the start, at some time the processor is throttled",
  },
  {
    name: "Wi-Fi that saves power",
    machine: {
      files: {
        "/proc/net/wireless":
          "Inter-| sta-|   Quality\n face | tus | link\n wlan0: 0000   70.  -40.\n",
      },
      system: {
        run: () =>
          Promise.resolve({ code: 0, stdout: "Power save: on\n", stderr: "" }),
      },
    },
    check: "wi-fi",
    severity: "warn",
    text: "wlan0 saves power",
    advice: "sudo iw dev wlan0 set power_save off",
  },
  {
    name: "Wi-Fi of which nothing is known",
    machine: { files: { "/proc/net/wireless": " wlan0: 0000\n" } },
    check: "wi-fi",
    severity: "info",
    text: '"iw" does not tell',
  },
  {
    name: "memory pages of 16 KiB",
    machine: {
      files: { "/proc/self/smaps": "KernelPageSize:       16 kB\n" },
    },
    check: "memory pages",
    severity: "info",
    text: "16 KiB",
    advice: "kernel8.img",
  },
  {
    name: "a user whose services end at log-out",
    machine: { paths: [PATHS[0]!, PATHS[1]!] },
    check: "log-out",
    severity: "info",
    text: "end at log-out",
    advice: "sudo loginctl enable-linger pi",
  },
  {
    name: "a network without names",
    machine: {},
    args: ["--online"],
    check: "network",
    severity: "fail",
    text: '"api.openai.com" has no address: Error: no network',
    advice: "getent hosts",
  },
  {
    name: "a firewall, or a wrong clock",
    machine: { system: { lookUp: () => Promise.resolve(["1.2.3.4"]) } },
    args: ["--online"],
    check: "network",
    severity: "fail",
    text: 'No encrypted connection to "api.openai.com"',
    advice: "a wrong clock",
  },
  {
    name: "an endpoint that is not encrypted",
    machine: {},
    args: ["--online", "--url", "ws://127.0.0.1:8000/v1/realtime"],
    check: "network",
    severity: "info",
    text: "not encrypted: nothing was tried",
  },
];

for (
  const { name, machine, args = [], check, severity, text, advice } of CASES
) {
  Deno.test(`earshot doctor finds ${name}`, async () => {
    const { code, of } = await examine(machine, ...args);
    const found = of(check).filter((finding) => finding.severity === severity);
    const match = found.find((finding) => finding.text.includes(text));
    assert(match !== undefined, JSON.stringify(of(check)));
    if (advice !== undefined) assertStringIncludes(match.advice ?? "", advice);
    if (severity === "fail") assertEquals(code, 1);
    if (severity === "warn") assert(code === 1 || code === 3, `code ${code}`);
  });
}

Deno.test("earshot doctor exits with 3 when the worst is a warning", async () => {
  const { code, worst } = await examine({
    controls: [{ ...CONTROL, percent: 4 }],
  });
  assertEquals([code, worst], [3, "warn"]);
});

Deno.test("earshot doctor --online says whether the key is taken, and never the key", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/key`;
  await Deno.writeTextFile(path, "sk-secret\n", { mode: 0o600 });
  try {
    for (
      const [status, severity] of [
        [200, "ok"],
        [401, "fail"],
        [403, "fail"],
        [404, "info"],
      ] as const
    ) {
      const asked: string[] = [];
      const { of, stdout, stderr } = await examine(
        {
          system: {
            lookUp: () => Promise.resolve(["1.2.3.4"]),
            connectTls: () => Promise.resolve(),
            get(url, headers) {
              asked.push(`${url} ${headers["authorization"]}`);
              return Promise.resolve(status);
            },
          },
        },
        "--online",
        "--key-file",
        path,
      );
      assertEquals(asked, [
        "https://api.openai.com/v1/models Bearer sk-secret",
      ]);
      assertEquals(of("key")[0]!.severity, severity);
      assertEquals(of("network")[0]!.severity, "ok");
      assert(!(stdout + stderr).includes("sk-secret"));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("earshot doctor ends with 130 at Ctrl-C while it listens", async () => {
  const { code } = await run(["doctor"], {}, async (clock, interrupt) => {
    await clock.advance(1000);
    interrupt();
    await clock.advance(5000);
  });
  assertEquals(code, 130);
});
