/** The program in a world of the test's making. */

import { assertEquals } from "@std/assert";
import { main } from "../cli.ts";
import type { CaptureDevice } from "../mod.ts";
import type { Output, World } from "../src/cli/command.ts";
import { loadAllCommands } from "../src/cli/commands.ts";
import type { System } from "../src/cli/system.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import { FakePcm, type FakePcmOptions } from "../src/testing/fake_pcm.ts";

export const DEVICES: CaptureDevice[] = [
  {
    index: 0,
    name: "default",
    description: "Default Audio Device",
    busy: false,
    native: undefined,
  },
  {
    index: 1,
    name: "plughw:CARD=Device,DEV=0",
    description: "USB PnP Sound Device, USB Audio",
    busy: false,
    native: {
      sampleRates: [44_100, 48_000],
      channelCounts: [1],
      sampleFormats: ["S16_LE"],
    },
  },
  {
    index: 2,
    name: "plughw:CARD=Array,DEV=0",
    description: "Array, USB Audio",
    busy: true,
    native: undefined,
  },
];

/** A machine with nothing on it: no files, no programs, no network. */
export const EMPTY_SYSTEM: System = {
  execPath: undefined,
  run: () => Promise.resolve(undefined),
  confirm: () => undefined,
  readFile: () => undefined,
  exists: () => false,
  alsaVersion: () => "1.2.8",
  captureControls: () => [],
  setNice: () => false,
  trimMemory: () => {},
  lookUp: () => Promise.reject(new Error("no network")),
  connectTls: () => Promise.reject(new Error("no network")),
  get: () => Promise.reject(new Error("no network")),
};

class MemoryOutput implements Output {
  text = "";
  readonly columns = 100;

  constructor(readonly isTerminal: boolean) {}

  write(text: string): void {
    this.text += text;
  }
}

/** What is different about the world. */
export interface LabOptions {
  isTerminal?: boolean;
  devices?: CaptureDevice[];
  environment?: Record<string, string>;
  system?: Partial<System>;
  pcm?: FakePcmOptions;
}

/** Runs the program; `during` happens while it runs. */
export async function run(
  args: string[],
  options: LabOptions = {},
  during: (
    clock: FakeClock,
    interrupt: () => void,
    signal: (name: "SIGUSR1" | "SIGUSR2") => void,
  ) => Promise<void> = (clock) => clock.advance(5000),
) {
  // A clock that moves while a command is still loaded runs out before it begins.
  await loadAllCommands();
  const clock = new FakeClock();
  const controller = new AbortController();
  const stdout = new MemoryOutput(options.isTerminal ?? false);
  const stderr = new MemoryOutput(options.isTerminal ?? false);
  const opened: string[] = [];
  const listeners = {
    SIGUSR1: new Set<() => void>(),
    SIGUSR2: new Set<() => void>(),
  };
  const fake = new FakePcm({
    clock,
    script: [
      { type: "tone", durationMs: 60_000, frequencyHz: 440, amplitude: 0.5 },
    ],
    ...options.pcm,
  });
  const world: World = {
    stdout,
    stderr,
    signal: controller.signal,
    clock,
    openPcm: (request) => {
      opened.push(request.device);
      return fake.open(request);
    },
    listDevices: () => options.devices ?? DEVICES,
    system: { ...EMPTY_SYSTEM, ...options.system },
    variable: (name) => options.environment?.[name],
    onSignal: (name, listener) => {
      listeners[name].add(listener);
      return () => listeners[name].delete(listener);
    },
  };
  const running = main(args, world);
  await during(
    clock,
    () => controller.abort(new Error("Interrupted")),
    (name) => listeners[name].forEach((listener) => listener()),
  );
  const code = await running;
  assertEquals(fake.heldCount, 0, "a device was left open");
  assertEquals(clock.sleeperCount, 0, "a timer was left running");
  assertEquals(listeners.SIGUSR1.size + listeners.SIGUSR2.size, 0);
  return { code, stdout: stdout.text, stderr: stderr.text, opened, fake };
}

/** Ctrl-C after a while. */
export function interruptAfter(ms: number) {
  return async (clock: FakeClock, interrupt: () => void) => {
    await clock.advance(ms);
    interrupt();
    await clock.advance(5000);
  };
}

/** Advances in steps, leaving the file system and processes time to keep up. */
export async function slowly(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 20) {
    await clock.advance(20);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
