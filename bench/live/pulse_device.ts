/**
 * A PulseAudio of its own: what is played into its null sink is captured from the
 * sink's monitor, by ALSA's plugin. The paced device is what is played, so that
 * the marks stay the same.
 *
 * When a sample sounds is measured, before each client, by a reader that asks for
 * 1 ms: no sample can be had sooner than the sink plays it, so the earliest that
 * the reader was given any, by the clock of the sink, is when it sounded. The sink
 * runs by `CLOCK_MONOTONIC`, so that this stays true for the client. (A null sink
 * renders ahead what the largest block takes, so that a client that asks for large
 * blocks can be a little early against that. It is so for all of them.)
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { run } from "../../scripts/run.ts";
import { startChild } from "./children.ts";
import type { Device } from "./device.ts";
import { monotonicMs } from "./libc.ts";
import { MarkReader } from "./marks.ts";
import { ALSA_CONFIG } from "./paced_device.ts";
import { URGENT } from "./priority.ts";
import { requireTools } from "./tools.ts";

const SAMPLE_RATE = 24_000;
const FORMAT = [
  "--raw",
  `--rate=${SAMPLE_RATE}`,
  "--channels=1",
  "--format=s16le",
];

/** What the player keeps, against everything that may delay it. */
const PLAYER_LATENCY_MS = 1000;

/** How long the reader reads. */
const PROBE_MS = 600;

/** How long the sound server may take to be there. */
const START_TIMEOUT_MS = 10_000;
const START_POLL_MS = 50;

const PLUGIN = "libasound_module_pcm_pulse.so";

/**
 * Starts the sound server and its player.
 *
 * @param folder Where its files go.
 * @param signal What is played: the paced device.
 * @returns The device.
 * @throws {Error} When it cannot be started, or something is not installed.
 */
export async function openPulseDevice(
  folder: string,
  signal: Device,
): Promise<Device> {
  await requireTools("arecord", "pulseaudio", "pacat", "pactl", "parec");
  await requirePlugin();
  await using cleanup = new AsyncDisposableStack();
  const env = {
    XDG_RUNTIME_DIR: folder,
    XDG_CONFIG_HOME: folder,
    PULSE_SERVER: `unix:${folder}/pulse/native`,
  };
  const [urgent, ...priority] = URGENT;
  cleanup.use(
    startChild(urgent, [
      ...priority,
      ...["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1"],
      "--load=module-native-protocol-unix auth-anonymous=1",
      `--load=module-null-sink sink_name=mic rate=${SAMPLE_RATE} channels=1 format=s16le`,
    ], { env }),
  );
  await serverStarted(env);

  const recorder = cleanup.use(
    startChild(urgent, [
      ...priority,
      ...["arecord", "-q", "-D", "default", "-t", "raw"],
      ...["-f", "S16_LE", "-c", "1", "-r", String(SAMPLE_RATE)],
    ], { env: { ...signal.env }, hasOutput: true }),
  );
  const player = cleanup.use(
    startChild(urgent, [
      ...priority,
      "pacat",
      ...FORMAT,
      "--device=mic",
      `--latency-msec=${PLAYER_LATENCY_MS}`,
    ], { env, hasInput: true }),
  );
  // Its end is the player's, which nobody waits for.
  recorder.stdout.pipeTo(player.stdin).catch(() => {});
  await delay(2 * PLAYER_LATENCY_MS);

  const config = `${folder}/pulse.conf`;
  await Deno.writeTextFile(
    config,
    "pcm.!default { type pulse }\nctl.!default { type pulse }\n",
  );
  const running = cleanup.move();
  return {
    id: "pulse",
    env: { ...env, ALSA_CONFIG_PATH: `${ALSA_CONFIG}:${config}` },
    hasRate: (sampleRate) => sampleRate === SAMPLE_RATE,
    epochMs: () => probe(env),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function requirePlugin(): Promise<void> {
  const path = `/usr/lib/${Deno.build.arch}-linux-gnu/alsa-lib/${PLUGIN}`;
  await Deno.stat(path).catch((cause) => {
    throw new Error(
      `Cannot find ALSA's plugin for PulseAudio. Run: apt-get install libasound2-plugins`,
      { cause },
    );
  });
}

async function serverStarted(env: Record<string, string>): Promise<void> {
  const endMs = monotonicMs() + START_TIMEOUT_MS;
  while (true) {
    try {
      await run("pactl", ["set-default-source", "mic.monitor"], { env });
      return;
    } catch (error) {
      if (monotonicMs() > endMs) throw error;
      await delay(START_POLL_MS);
    }
  }
}

/** Finds the time of the signal's position 0, by the earliest that was heard. */
async function probe(env: Record<string, string>): Promise<number> {
  await using reader = startChild("parec", [
    ...FORMAT,
    "--latency-msec=1",
    "--process-time-msec=1",
  ], { env, hasOutput: true });
  const marks = new MarkReader(SAMPLE_RATE);
  const endMs = monotonicMs() + PROBE_MS;
  let oddByte = new Uint8Array(0);
  for await (const part of reader.stdout) {
    const receivedMs = monotonicMs();
    const bytes = new Uint8Array([...oddByte, ...part]);
    const evenLength = bytes.length - bytes.length % 2;
    marks.push(new Int16Array(bytes.buffer, 0, evenLength / 2), receivedMs);
    oddByte = bytes.slice(evenLength);
    if (receivedMs > endMs) break;
  }
  if (marks.lateMs.length === 0) {
    throw new Error("Cannot hear the signal in PulseAudio's null sink");
  }
  return Math.min(...marks.lateMs);
}
