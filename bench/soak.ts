/**
 * Months in minutes, or as long as given: does it stay alive, do the books
 * balance, does memory stay where it is?
 *
 * ```sh
 * deno task soak                  # a simulated month, faults every few minutes
 * deno task soak --days 3
 * deno task soak --minutes 60     # real time: the default microphone, a local
 *                                 # server, and a network that breaks
 * ```
 *
 * A simulated month runs on a fake clock, with a card made of arithmetic and the
 * server in memory of the tests. Everything between them is what ships.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import {
  AlsaError,
  AudioCaptureManager,
  type OpenPcm,
  type PcmDevice,
  type PcmRequest,
  RealtimeConnectionManager,
} from "../mod.ts";
import {
  FakeClock,
  startRealtimeServer,
  startTcpProxy,
} from "../src/testing/mod.ts";
import { ScriptedPeer } from "../tests/scripted_peer.ts";
import { Random } from "../train/random.ts";

const DAY_MS = 86_400_000;
const SAMPLE_RATE = 24_000;

/** Faults of either side come so often, in milliseconds. */
const FAULT_INTERVAL_MS = 180_000;

/** Once in so many seconds somebody speaks, for so many. */
const SPEECH_EVERY_S = 30;
const SPEECH_S = 4;

/** A card that costs next to nothing, and fails when it is told to. */
class SoakCard {
  #clock: FakeClock;
  #random: Random;
  #awayUntilMs = -Infinity;
  #fault: "xrun" | "unplug" | "stall" | "error" | undefined;
  #loud = new Int16Array(SAMPLE_RATE);

  constructor(clock: FakeClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    for (let i = 0; i < this.#loud.length; i++) {
      this.#loud[i] = 9000 * Math.sin(i / 9);
    }
  }

  /** Something happens to it, now. */
  disturb(): void {
    this.#fault = this.#random.pick(["xrun", "unplug", "stall", "error"]);
  }

  readonly open: OpenPcm = (request) => {
    if (this.#clock.now() < this.#awayUntilMs) {
      return Promise.reject(new AlsaError("snd_pcm_open", 19));
    }
    return Promise.resolve(this.#device(request));
  };

  #device(parameters: PcmRequest): PcmDevice {
    const clock = this.#clock;
    const closed = new AbortController();
    let state: "prepared" | "running" | "xrun" | "disconnected" = "prepared";
    let readFrames = 0;
    let startMs = 0;
    let stalledUntilMs = -Infinity;
    const heardFrames = () =>
      Math.floor((clock.now() - startMs) * SAMPLE_RATE / 1000 + 1e-6);
    const update = (call: string) => {
      const fault = this.#fault;
      this.#fault = undefined;
      if (fault === "xrun") state = "xrun";
      if (fault === "stall") {
        stalledUntilMs = clock.now() + this.#random.below(20_000);
      }
      if (fault === "unplug") {
        state = "disconnected";
        this.#awayUntilMs = clock.now() + this.#random.below(120_000);
      }
      if (state === "disconnected") throw new AlsaError(call, 19);
      if (fault === "error") throw new AlsaError(call, 5);
    };
    const start = () => {
      state = "running";
      startMs = clock.now();
      readFrames = 0;
    };
    return {
      parameters,
      start,
      async wait(timeoutMs) {
        update("snd_pcm_wait");
        const leftFrames = parameters.periodFrames + readFrames - heardFrames();
        const untilMs = Math.max(leftFrames * 1000 / SAMPLE_RATE, 1);
        // A wait of libasound is short; a month of short ones is long.
        const ms = Math.max(timeoutMs, Math.min(untilMs, 1000));
        await clock.sleep(ms, { signal: closed.signal }).catch(() => {});
        return true;
      },
      status() {
        update("snd_pcm_status");
        const isStalled = clock.now() < stalledUntilMs;
        const availableFrames = state === "running" && !isStalled
          ? heardFrames() - readFrames
          : 0;
        return {
          state,
          availableFrames,
          delayFrames: availableFrames,
          timestampMs: clock.now(),
        };
      },
      read: (samples) => {
        if (state === "xrun") throw new AlsaError("snd_pcm_readi", 32);
        const second = Math.floor(clock.now() / 1000) % SPEECH_EVERY_S;
        if (second < SPEECH_S) {
          samples.set(this.#loud.subarray(0, samples.length));
        } else samples[0] = second + 1;
        readFrames += samples.length;
        return samples.length;
      },
      prepare: () => void (state = "prepared"),
      resume: () => true,
      drop: () => {},
      close: () => Promise.resolve(closed.abort()),
    };
  }
}

/** What must hold at any moment; says what does not. */
function broken(manager: AudioCaptureManager): string | undefined {
  const stats = manager.getStats();
  const captured = stats.deliveredSamples + stats.bufferSamples +
    stats.queuedSamples + stats.gatedSamples + stats.pausedSamples +
    stats.droppedSamples;
  if (captured !== stats.totalSamples + stats.filledSamples) return "captured";
  const delivered = stats.sentSamples + stats.keptSamples +
    stats.unsentSamples;
  return delivered === stats.deliveredSamples ? undefined : "delivered";
}

/** One line about the state of things. */
function report(
  label: string,
  manager: AudioCaptureManager,
  connection: RealtimeConnectionManager,
): void {
  const { rss, heapUsed } = Deno.memoryUsage();
  const capture = manager.getStats();
  const sending = connection.getStats();
  const hours = (samples: number) =>
    (samples / SAMPLE_RATE / 3600).toFixed(2).padStart(7);
  const columns = [
    label.padStart(8),
    `${(rss / 2 ** 20).toFixed(1)} MB`,
    `${(heapUsed / 2 ** 20).toFixed(1)} MB`,
    hours(capture.totalSamples),
    hours(capture.lostSamples),
    hours(capture.sentSamples),
    hours(capture.unsentSamples),
    capture.reopenCount,
    capture.xrunCount,
    sending.reconnectCount,
    sending.renewalCount,
    sending.committedUtteranceCount,
    sending.droppedUtteranceCount,
    broken(manager) ?? "balance",
  ];
  console.log(columns.map((column) => String(column).padStart(9)).join(" "));
}

function heading(): void {
  const columns = [
    "time",
    "rss",
    "heap",
    "captured",
    "lost",
    "sent",
    "unsent h",
    "reopened",
    "xruns",
    "reconn.",
    "renewed",
    "commits",
    "dropped",
    "books",
  ];
  console.log(columns.map((column) => column.padStart(9)).join(" "));
}

async function simulate(days: number, seed: number): Promise<boolean> {
  const random = new Random(seed);
  const clock = new FakeClock();
  const card = new SoakCard(clock, random);
  const peer = new ScriptedPeer(clock, random);
  peer.isHealed = true;
  const connection = new RealtimeConnectionManager({
    apiKey: "sk-soak",
    mode: "transcription",
    clock,
    createWebSocket: peer.connect,
  });
  // The garbage that the server sends now and then is none of this.
  connection.on(
    "error",
    (error) => error.fatal && console.error(error.message),
  );
  const manager = new AudioCaptureManager(
    {
      openPcm: card.open,
      clock,
      chunkSize: SAMPLE_RATE,
      bufferSize: SAMPLE_RATE,
      vadEnabled: true,
      vadThreshold: 0.02,
    },
    { onError: () => {} },
    connection,
  );
  const during = async (promise: Promise<unknown>) => {
    let isDone = false;
    promise.finally(() => isDone = true);
    while (!isDone) await clock.advance(100);
  };
  await during(connection.start());
  await during(manager.initialize());
  await during(manager.startRecording());
  console.log(`Seed ${seed}, a fault every ${FAULT_INTERVAL_MS / 1000} s`);
  heading();
  for (let day = 1; day <= days; day++) {
    for (let ms = 0; ms < DAY_MS; ms += FAULT_INTERVAL_MS) {
      const quietMs = random.below(FAULT_INTERVAL_MS - 20_000);
      await clock.advance(quietMs);
      if (random.chance(0.5)) card.disturb();
      else peer.isHealed = false;
      await clock.advance(20_000);
      peer.isHealed = true;
      await clock.advance(FAULT_INTERVAL_MS - 20_000 - quietMs);
      peer.committed.length = 0;
      const problem = broken(manager);
      if (problem !== undefined) {
        console.error(`The books of what was ${problem} do not balance`);
        return false;
      }
    }
    report(`day ${day}`, manager, connection);
  }
  await during(manager.dispose());
  await during(connection.stop({ drainMs: 20_000 }));
  report("end", manager, connection);
  return broken(manager) === undefined && clock.sleeperCount === 0;
}

async function endure(minutes: number, seed: number): Promise<boolean> {
  const random = new Random(seed);
  await using server = startRealtimeServer({ memoryLimitBytes: 2 ** 22 });
  await using proxy = startTcpProxy({
    port: Number(new URL(server.url).port),
  });
  await using connection = new RealtimeConnectionManager({
    url: proxy.urlFor(server.url),
    mode: "transcription",
  });
  // The garbage that the server sends now and then is none of this.
  connection.on(
    "error",
    (error) => error.fatal && console.error(error.message),
  );
  await connection.start();
  await using manager = new AudioCaptureManager(
    { chunkSize: 480, vadEnabled: true, vadThreshold: 0.01 },
    { onError: (error) => console.error(error.message) },
    connection,
  );
  await manager.initialize();
  await manager.startRecording();
  const sleep = (ms: number) =>
    new Promise((resolve) => setTimeout(resolve, ms));
  heading();
  for (let minute = 1; minute <= minutes; minute++) {
    await sleep(40_000);
    const fault = random.pick(["reset", "freeze", "throttle"] as const);
    if (fault === "reset") proxy.reset();
    if (fault === "freeze") proxy.freeze();
    if (fault === "throttle") proxy.throttle(20_000);
    await sleep(random.below(15_000));
    proxy.thaw();
    proxy.throttle(Infinity);
    await sleep(5000);
    report(`min ${minute}`, manager, connection);
  }
  await manager.dispose();
  await connection.stop({ drainMs: 10_000 });
  report("end", manager, connection);
  return broken(manager) === undefined;
}

const args = parseArgs(Deno.args, { string: ["days", "minutes", "seed"] });
const seed = Number(args.seed ?? 1);
const isFine = args.minutes === undefined
  ? await simulate(Number(args.days ?? 30), seed)
  : await endure(Number(args.minutes), seed);
Deno.exit(isFine ? 0 : 1);
