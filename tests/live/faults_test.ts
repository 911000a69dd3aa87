/**
 * The program under real faults: a sound server that is killed and frozen, a
 * network that freezes and breaks, a process that is stopped, a reader that
 * sleeps. Each test has a PulseAudio of its own to treat badly.
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { openMicrophone } from "../../mod.ts";
import { startRealtimeServer, startTcpProxy } from "../../src/testing/mod.ts";
import type { RealtimeServer } from "../../src/testing/mod.ts";
import { permissionFlags } from "../../scripts/program_flags.ts";
import { stdFlags } from "../../scripts/std_flags.ts";
import { DatagramReceiver } from "../datagram_receiver.ts";
import { likeness, makeSpeech, run } from "./speech.ts";

const live = Deno.env.get("EARSHOT_LIVE") === "1";

/** A line of `earshot stream --json`. */
type Line = Record<string, unknown> & { readonly type: string };

interface Stats {
  readonly capture: {
    totalSamples: number;
    deliveredSamples: number;
    gatedSamples: number;
    droppedSamples: number;
    lostSamples: number;
    sentSamples: number;
    keptSamples: number;
    unsentSamples: number;
    reopenCount: number;
  };
  readonly connection: { reconnectCount: number; renewalCount: number };
}

/** A sound server of its own, which can be killed and started again. */
class SoundServer implements AsyncDisposable {
  readonly env: Record<string, string>;
  readonly #folder: string;
  #process: Deno.ChildProcess | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.env = {
      XDG_RUNTIME_DIR: folder,
      XDG_CONFIG_HOME: folder,
      PULSE_SERVER: `unix:${folder}/pulse/native`,
    };
  }

  static async start(): Promise<SoundServer> {
    const folder = await Deno.makeTempDir();
    await Deno.chmod(folder, 0o700);
    const server = new SoundServer(folder);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    this.#process = new Deno.Command("pulseaudio", {
      args: [
        "--daemonize=no",
        "--exit-idle-time=-1",
        "-n",
        `--load=module-native-protocol-unix socket=${this.#folder}/pulse/native`,
        "--load=module-null-sink sink_name=mic rate=48000 channels=1 format=s16le",
      ],
      env: this.env,
      stdout: "null",
      stderr: "null",
    }).spawn();
    for (let attempt = 0; attempt < 100; attempt++) {
      const { success } = await new Deno.Command("pactl", {
        args: ["set-default-source", "mic.monitor"],
        env: this.env,
        stderr: "null",
      }).output();
      if (success) return;
      await sleep(100);
    }
    throw new Error("PulseAudio does not start");
  }

  signal(signal: Deno.Signal): void {
    this.#process?.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal("SIGCONT");
    this.signal("SIGKILL");
    await this.#process?.status;
    this.#process = undefined;
  }

  async play(path: string): Promise<void> {
    const { success } = await new Deno.Command("paplay", {
      args: ["--device=mic", path],
      env: this.env,
    }).output();
    assert(success, "paplay failed");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process !== undefined) await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** `earshot stream`, from its source, with the permissions of its task. */
class Program implements AsyncDisposable {
  readonly lines: Line[] = [];
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #changed = Promise.withResolvers<void>();
  #isOver = false;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#reading = this.#read();
  }

  static async start(
    url: string,
    env: Record<string, string>,
    ...args: string[]
  ): Promise<Program> {
    const { flags: std } = await stdFlags();
    return new Program(
      new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          ...permissionFlags(),
          ...std,
          "cli.ts",
          "stream",
          "--transcribe",
          "--json",
          "--quiet",
          "--vad-threshold",
          "0.01",
          "--chunk-ms",
          "100",
          "--url",
          url,
          ...args,
        ],
        env: { ...env, OPENAI_API_KEY: "sk-live-test" },
        stdout: "piped",
        stderr: "inherit",
      }).spawn(),
    );
  }

  /** Waits for a line, also one that is printed already, but not for ever. */
  async waitFor(isIt: (line: Line) => boolean): Promise<Line> {
    let isLate = false;
    const patience = setTimeout(() => {
      isLate = true;
      this.#changed.resolve();
    }, 30_000);
    try {
      for (;;) {
        const found = this.lines.find(isIt);
        if (found !== undefined) return found;
        assert(!this.#isOver, "the program ended without it");
        assert(!isLate, `it never came: ${JSON.stringify(this.lines)}`);
        await this.#changed.promise;
      }
    } finally {
      clearTimeout(patience);
    }
  }

  waitForType(type: string, count = 1): Promise<Line> {
    return this.waitFor((line) =>
      line.type === type &&
      this.lines.filter((line) => line.type === type).length >= count
    );
  }

  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Sends SIGTERM and says how it ended, and after how long. */
  async terminate(): Promise<{ code: number; ms: number; stats: Stats }> {
    const startMs = performance.now();
    this.kill("SIGTERM");
    const { code } = await this.#process.status;
    const ms = performance.now() - startMs;
    await this.#reading;
    const last = this.lines.at(-1);
    assertEquals(last?.type, "earshot.stats");
    return { code, ms, stats: last as unknown as Stats };
  }

  async #read(): Promise<void> {
    let rest = "";
    const texts = this.#process.stdout.pipeThrough(new TextDecoderStream());
    for await (const text of texts) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines.map((line) => JSON.parse(line)));
      this.#changed.resolve();
      this.#changed = Promise.withResolvers<void>();
    }
    this.#isOver = true;
    this.#changed.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#process.status;
    await this.#reading;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Everything that any session committed. */
function utterancesOf(server: RealtimeServer): Int16Array[] {
  return server.connections.flatMap(({ utterances }) =>
    utterances.map(({ samples }) => samples)
  );
}

/** The spoken part, without the quiet at both ends that the gate may cut. */
function middleOf(speech: { samples: Int16Array }): Int16Array {
  return speech.samples.subarray(6000, -12_000);
}

function checkBooks({ capture }: Stats): void {
  const { totalSamples, deliveredSamples, gatedSamples, droppedSamples } =
    capture;
  assertEquals(deliveredSamples + gatedSamples + droppedSamples, totalSamples);
  assertEquals(
    capture.sentSamples + capture.keptSamples + capture.unsentSamples,
    deliveredSamples,
  );
}

/** A test with a sound server, a Realtime server, a network and two sentences. */
function liveTest(
  name: string,
  fn: (it: {
    sound: SoundServer;
    server: RealtimeServer;
    proxy: ReturnType<typeof startTcpProxy>;
    url: string;
    first: { path: string; samples: Int16Array };
    second: { path: string; samples: Int16Array };
  }) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !live,
    async fn() {
      const folder = await Deno.makeTempDir();
      await Deno.mkdir(`${folder}/1`);
      await Deno.mkdir(`${folder}/2`);
      try {
        const first = await makeSpeech(`${folder}/1`, "Good morning, everyone");
        const second = await makeSpeech(`${folder}/2`, "Turn on the light");
        await using sound = await SoundServer.start();
        await using server = startRealtimeServer();
        await using proxy = startTcpProxy({
          port: Number(new URL(server.url).port),
        });
        const url = proxy.urlFor(server.url);
        await fn({ sound, server, proxy, url, first, second });
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

liveTest(
  "a sound server that is killed and started again: the next sentence is heard",
  async ({ sound, server, url, first, second }) => {
    await using program = await Program.start(url, sound.env);
    await program.waitForType("earshot.listening");
    await sleep(1000);
    await sound.play(first.path);
    await program.waitForType("earshot.utterance");
    await sound.kill();
    await sleep(2000);
    await sound.start();
    await program.waitFor(({ event }) => event === "gap");
    await sound.play(second.path);
    await program.waitForType("earshot.utterance", 2);

    const [one, two] = utterancesOf(server);
    assertGreater(likeness(middleOf(first), one!), 0.9);
    assertGreater(likeness(middleOf(second), two!), 0.9);
    const { code, stats } = await program.terminate();
    assertEquals(code, 143);
    checkBooks(stats);
    assert(stats.capture.reopenCount >= 1);
    assertGreater(stats.capture.lostSamples, 24_000);
  },
);

liveTest(
  "a network that breaks in the middle of a sentence: it arrives whole",
  async ({ sound, server, proxy, url, first }) => {
    await using program = await Program.start(url, sound.env);
    await program.waitForType("earshot.listening");
    await sleep(1000);
    const playing = sound.play(first.path);
    await server.waitFor(() => server.connections[0]!.audio.length > 12_000);
    proxy.refuse(true);
    proxy.reset();
    await playing;
    await sleep(1000);
    proxy.refuse(false);
    await program.waitForType("earshot.utterance");

    const utterances = utterancesOf(server);
    assertEquals(utterances.length, 1);
    assertGreater(likeness(middleOf(first), utterances[0]!), 0.9);
    const { stats } = await program.terminate();
    checkBooks(stats);
    assertEquals(stats.capture.lostSamples + stats.capture.unsentSamples, 0);
    assertEquals(stats.connection.reconnectCount, 1);
  },
);

liveTest(
  "a network that freezes for a while, and then is slow: both sentences arrive whole",
  async ({ sound, server, proxy, url, first, second }) => {
    await using program = await Program.start(url, sound.env);
    await program.waitForType("earshot.listening");
    await sleep(1000);
    proxy.freeze();
    await sound.play(first.path);
    await sleep(2000);
    proxy.throttle(200_000);
    proxy.thaw();
    await sleep(1000);
    await sound.play(second.path);
    await program.waitForType("earshot.utterance", 2);

    const [one, two] = utterancesOf(server);
    assertGreater(likeness(middleOf(first), one!), 0.9);
    assertGreater(likeness(middleOf(second), two!), 0.9);
    const { stats } = await program.terminate();
    checkBooks(stats);
    assertEquals(stats.capture.lostSamples + stats.capture.unsentSamples, 0);
  },
);

liveTest(
  "a process that is stopped for a while: it goes on, and says what it missed",
  async ({ sound, server, url, first }) => {
    await using program = await Program.start(url, sound.env);
    await program.waitForType("earshot.listening");
    await sleep(1000);
    program.kill("SIGSTOP");
    await sleep(5000);
    program.kill("SIGCONT");
    await sleep(1000);
    await sound.play(first.path);
    await program.waitForType("earshot.utterance");
    const last = utterancesOf(server).at(-1)!;
    assertGreater(likeness(middleOf(first), last), 0.9);
    checkBooks((await program.terminate()).stats);
  },
);

for (
  const state of [
    "listening",
    "speaking",
    "reconnecting",
    "waiting for the microphone",
    "frozen on its way",
  ] as const
) {
  liveTest(
    `SIGTERM while it is ${state} ends it within 2 seconds, and accounts for everything`,
    async ({ sound, server, proxy, url, first }) => {
      await using program = await Program.start(url, sound.env);
      await program.waitForType("earshot.listening");
      await sleep(1000);
      let playing: Promise<unknown> = Promise.resolve();
      if (state === "reconnecting") {
        proxy.refuse(true);
        proxy.reset();
        await program.waitForType("earshot.reconnecting");
      } else if (state === "waiting for the microphone") {
        await sound.kill();
        await program.waitFor(({ state }) =>
          (state as { status?: string } | undefined)?.status === "waiting"
        );
      } else if (state === "frozen on its way") {
        proxy.freeze();
      }
      if (state !== "listening" && state !== "waiting for the microphone") {
        playing = sound.play(first.path).catch(() => {});
        await sleep(1500);
      }
      const { code, ms, stats } = await program.terminate();
      await playing;
      assertEquals(code, 143);
      assert(ms < 2000, `it took ${Math.round(ms)} ms`);
      checkBooks(stats);
      assertEquals(stats.capture.keptSamples, 0);
      if (state === "speaking") {
        // What was said up to the signal was committed.
        assertEquals(utterancesOf(server).length, 1);
        assertEquals(stats.capture.unsentSamples, 0);
      }
    },
  );
}

liveTest(
  "systemd is told when the program listens, and its watchdog is fed only while audio flows",
  async ({ sound, url }) => {
    const path = `${sound.env.XDG_RUNTIME_DIR}/notify`;
    using systemd = DatagramReceiver.open(path)!;
    const heard: string[] = [];
    const listening = setInterval(() => heard.push(...systemd.receive()), 50);
    try {
      await using program = await Program.start(url, {
        ...sound.env,
        NOTIFY_SOCKET: path,
        WATCHDOG_USEC: "300000",
      });
      await program.waitForType("earshot.listening");
      // An idle sink takes its time until the first sample arrives.
      const feeds = () => heard.filter((text) => text === "WATCHDOG=1").length;
      for (let i = 0; i < 100 && feeds() < 10; i++) await sleep(100);
      assert(feeds() >= 10, "the watchdog is not fed");
      assert(heard.includes("READY=1\nSTATUS=Listening"));
      await sound.kill();
      await sleep(1500);
      heard.length = 0;
      await sleep(1000);
      assertEquals(feeds(), 0);
      await program.terminate();
      const told = heard.concat(systemd.receive());
      assert(told.some((text) => text.startsWith("STOPPING=1")));
    } finally {
      clearInterval(listening);
    }
  },
);

Deno.test({
  name:
    "a reader that sleeps for 5 seconds: what it missed is counted and marked",
  ignore: !live,
  async fn() {
    await using mic = await openMicrophone();
    let missedFrames = 0;
    let frameCount = 0;
    let hasSlept = false;
    for await (const frame of mic) {
      if (!hasSlept && frame.position > 12_000) {
        hasSlept = true;
        await sleep(5000);
      }
      missedFrames += frame.discontinuity?.lostFrames ?? 0;
      assertEquals(frame.position, frameCount + missedFrames);
      frameCount += frame.samples.length;
      if (frame.position > 9 * 24_000) break;
    }
    assertEquals(missedFrames, mic.stats.slowConsumerFrames);
    // Two seconds of the five are kept.
    assertGreater(missedFrames, 2 * 24_000);
    assertEquals(mic.stats.lostFrames, 0);
  },
});

Deno.test({
  name: "an event loop that is blocked for 2 seconds: nothing is lost",
  ignore: !live,
  async fn() {
    await using mic = await openMicrophone();
    let isBlocked = false;
    for await (const frame of mic) {
      assertEquals(frame.discontinuity, undefined);
      if (!isBlocked && frame.position > 12_000) {
        isBlocked = true;
        const untilMs = performance.now() + 2000;
        while (performance.now() < untilMs);
      }
      if (frame.position > 5 * 24_000) break;
    }
    assertEquals(mic.stats.lostFrames + mic.stats.slowConsumerFrames, 0);
  },
});

// The tools that the tests above need say so themselves when they are missing.
if (live) await run("pulseaudio", "--version");
