import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { base64ToPcm16 } from "../src/base64.ts";
import type { AudioCaptureConfig } from "../src/capture_settings.ts";
import type { AudioFrame } from "../src/frame.ts";
import {
  type AudioCaptureCallbacks,
  AudioCaptureManager,
  type AudioConnection,
  type CaptureState,
  createAudioCapture,
} from "../src/manager.ts";
import { AlsaError } from "../src/pcm.ts";
import type { VoiceActivityDetector } from "../src/vad/detector.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import {
  FakePcm,
  type FakePcmOptions,
  type FakePcmStep,
} from "../src/testing/fake_pcm.ts";

const MINUTE_OF_NOISE: FakePcmStep[] = [
  { type: "noise", durationMs: 60_000, amplitude: 0.5 },
];

/** A detector of one's own: the button is always half pressed. */
const PUSH_TO_TALK: VoiceActivityDetector = {
  blockMs: 20,
  threshold: 0.9,
  score: () => 0.6,
  reset() {},
};

/** A second of silence, a second of speech, two seconds of silence. */
const ONE_UTTERANCE: FakePcmStep[] = [
  { type: "silence", durationMs: 1000 },
  { type: "tone", durationMs: 1000, frequencyHz: 300, amplitude: 0.5 },
  { type: "silence", durationMs: 2000 },
];

interface Heard
  extends Omit<Required<AudioCaptureCallbacks>, "onMicrophoneEvent"> {
  frames: AudioFrame[];
  chunks: Int16Array[];
  volumes: number[];
  events: string[];
  errors: Error[];
}

/** Callbacks that write down what they are told. */
function listener(): Heard {
  const heard: Heard = {
    frames: [],
    chunks: [],
    volumes: [],
    events: [],
    errors: [],
    onAudioFrame: (frame) => heard.frames.push(frame),
    onAudioData: (audio) => heard.chunks.push(base64ToPcm16(audio)),
    onVolumeChange: (volume) => heard.volumes.push(volume),
    onError: (error) => heard.errors.push(error),
    onStateChange: (state) => heard.events.push(state),
    onVadSpeechStart: () => heard.events.push("speech start"),
    onVadSpeechEnd: () => heard.events.push("speech end"),
  };
  return heard;
}

/** A connection that writes down what it is given. */
class Sink implements AudioConnection {
  readonly samples: number[] = [];
  readonly log: string[] = [];
  accepts = true;

  sendEvent(event: { type: string; audio?: string }): boolean {
    if (!this.accepts) return false;
    const samples = base64ToPcm16(event.audio!);
    this.samples.push(...samples);
    if (this.log.at(-1) !== event.type) this.log.push(event.type);
    return true;
  }

  endTurn(): void {
    this.log.push("end of turn");
  }
}

interface LabOptions {
  config?: AudioCaptureConfig;
  connection?: AudioConnection;
  pcm?: FakePcmOptions;
}

/** A manager on a fake device on a fake clock. */
function lab(script: FakePcmStep[], options: LabOptions = {}) {
  const clock = new FakeClock();
  const fake = new FakePcm({ script, clock, ...options.pcm });
  const heard = listener();
  const manager = new AudioCaptureManager(
    { openPcm: fake.open, clock, ...options.config },
    heard,
    options.connection,
  );
  /** Carries out something that needs the clock to move on, in 10 ms steps. */
  const during = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false;
    const settle = () => void (settled = true);
    promise.then(settle, settle);
    await clock.advance(0);
    for (let step = 0; !settled && step < 1000; step++) await clock.advance(10);
    return await promise;
  };
  const start = async () => {
    await during(manager.initialize());
    await during(manager.startRecording());
  };
  return { clock, fake, heard, manager, during, start };
}

function concatenated(chunks: Int16Array[]): number[] {
  return chunks.flatMap((chunk) => [...chunk]);
}

Deno.test("AudioCaptureManager gives chunks of chunkSize as base64, bit for bit, with their volume", async () => {
  const { clock, fake, heard, manager, during, start } = lab(MINUTE_OF_NOISE);
  await start();
  await clock.advance(1000);
  await during(manager.stopRecording());

  assertEquals(heard.chunks.slice(0, 5).map((chunk) => chunk.length), [
    4800,
    4800,
    4800,
    4800,
    4800,
  ]);
  const all = concatenated(heard.chunks);
  assertEquals(all, [...fake.samplesAt(0, all.length)]);
  // White noise with a peak of 0.5 has an RMS of 0.5 / √3.
  assert(heard.volumes.every((volume) => Math.abs(volume - 0.2887) < 0.01));
  await manager.dispose();
});

Deno.test("AudioCaptureManager.stopRecording() hands over everything that was captured", async () => {
  const { clock, heard, manager, during, start } = lab(MINUTE_OF_NOISE);
  await start();
  await clock.advance(333);
  await during(manager.stopRecording());

  const stats = manager.getStats();
  assertEquals(concatenated(heard.chunks).length, stats.totalSamples);
  assertEquals(stats.deliveredSamples, stats.totalSamples);
  assertEquals(stats.bufferSamples, 0);
  assertEquals(stats.totalChunks, heard.chunks.length);
  await manager.dispose();
});

Deno.test("AudioCaptureManager tells its states in order", async () => {
  const { clock, heard, manager, during, start } = lab(MINUTE_OF_NOISE);
  const states: CaptureState[] = [manager.getState()];
  await start();
  manager.pause();
  manager.pause();
  states.push(manager.getState());
  manager.resume();
  states.push(manager.getState());
  await clock.advance(100);
  await during(manager.stopRecording());
  states.push(manager.getState());

  assertEquals(states, ["inactive", "paused", "recording", "inactive"]);
  assertEquals(heard.events, ["recording", "paused", "recording", "inactive"]);
  await manager.dispose();
});

Deno.test("AudioCaptureManager.startRecording() is refused before initialize() and while recording", async () => {
  const { manager, during, start } = lab(MINUTE_OF_NOISE);
  await assertRejects(
    () => manager.startRecording(),
    DOMException,
    "call initialize() first",
  );
  await start();
  await assertRejects(
    () => manager.startRecording(),
    DOMException,
    "call stopRecording() first",
  );
  await during(manager.dispose());
});

Deno.test("AudioCaptureManager.initialize() fails with the advice of the device's error", async () => {
  const { heard, manager } = lab([], { pcm: { openErrnos: [2] } });
  const error = await assertRejects(() => manager.initialize(), AlsaError);
  assertEquals((error as AlsaError).kind, "unavailable");
  assert((error as AlsaError).message.includes("earshot devices"));
  assertEquals(heard.errors, [error]);
  await manager.dispose();
});

Deno.test("AudioCaptureManager can record again after a stop, and its statistics begin anew", async () => {
  const { clock, manager, during, start } = lab(MINUTE_OF_NOISE);
  await start();
  await clock.advance(1000);
  await during(manager.stopRecording());
  await during(manager.startRecording());
  await clock.advance(100);
  const { totalSamples, state } = manager.getStats();
  assertEquals(state, "recording");
  assert(totalSamples > 0 && totalSamples < 12_000);
  await during(manager.dispose());
});

Deno.test("AudioCaptureManager tells onAudioFrame of all that is captured outside of pauses, speech or not", async () => {
  const { clock, fake, heard, manager, during, start } = lab(ONE_UTTERANCE, {
    config: { vadEnabled: true, vadThreshold: 0.02 },
  });
  await start();
  await clock.advance(2500);
  manager.pause();
  await clock.advance(500);
  manager.resume();
  await clock.advance(500);
  await during(manager.stopRecording());
  const samples = concatenated(heard.frames.map(({ samples }) => samples));
  assertEquals(samples.slice(0, 60_000), [...fake.samplesAt(0, 60_000)]);
  const { totalSamples, pausedSamples, gatedSamples } = manager.getStats();
  assertEquals(samples.length, totalSamples - pausedSamples);
  assert(gatedSamples > 24_000);
});

Deno.test("AudioCaptureManager.pause() keeps the device running and leaves out what it hears", async () => {
  const { clock, fake, heard, manager, during, start } = lab(MINUTE_OF_NOISE);
  await start();
  await clock.advance(500);
  manager.pause();
  await clock.advance(500);
  assertEquals(manager.getCurrentVolume(), 0);
  manager.resume();
  await clock.advance(500);
  await during(manager.stopRecording());

  const stats = manager.getStats();
  assertEquals(fake.openCount, 2, "one for initialize, one for the recording");
  assertEquals(stats.pausedSamples, 12_000);
  assertEquals(
    concatenated(heard.chunks).length,
    stats.totalSamples - stats.pausedSamples,
  );
  await manager.dispose();
});

Deno.test("AudioCaptureManager.flush() sends what is buffered now", async () => {
  const { clock, heard, manager, during, start } = lab(MINUTE_OF_NOISE);
  await start();
  await clock.advance(100);
  assertEquals(heard.chunks.length, 0);
  assertEquals(manager.getStats().bufferSamples, 2400);
  assertEquals(manager.getStats().bufferMs, 100);
  manager.flush();
  assertEquals(heard.chunks.map((chunk) => chunk.length), [2400]);
  assertEquals(manager.getStats().bufferSamples, 0);
  await during(manager.dispose());
});

Deno.test("AudioCaptureManager sends a partly filled chunk when it has waited for autoFlushMs", async () => {
  const { clock, heard, manager, during, start } = lab([
    { type: "noise", durationMs: 100, amplitude: 0.5 },
    { type: "stall", durationMs: 1e6 },
  ], { config: { autoFlushMs: 300 } });
  await start();
  await clock.advance(100 + 299);
  assertEquals(heard.chunks.length, 0);
  await clock.advance(1);
  assertEquals(heard.chunks.map((chunk) => chunk.length), [2400]);
  await during(manager.dispose());
});

Deno.test("AudioCaptureManager fills long chunks unless autoFlushMs says otherwise", async () => {
  for (
    const [autoFlushMs, expected] of [[undefined, 24_000], [200, 8000]] as const
  ) {
    const { clock, heard, manager, during, start } = lab(MINUTE_OF_NOISE, {
      config: { chunkSize: 24_000, bufferSize: 4096, autoFlushMs },
    });
    await start();
    await clock.advance(1000);
    assertEquals(heard.chunks[0]!.length, expected);
    await during(manager.dispose());
  }
});

Deno.test("AudioCaptureManager with VAD sends only speech and tells its borders", async () => {
  const { clock, fake, heard, manager, during, start } = lab(ONE_UTTERANCE, {
    config: {
      vadEnabled: true,
      vadThreshold: 0.02,
      vadPreRollMs: 300,
      vadHangoverMs: 500,
    },
  });
  await start();
  await clock.advance(1500);
  assertEquals(manager.getStats().vadSpeechActive, true);
  await clock.advance(2500);
  await during(manager.stopRecording());

  assertEquals(heard.events, [
    "recording",
    "speech start",
    "speech end",
    "inactive",
  ]);
  const sent = concatenated(heard.chunks);
  // 300 ms before the onset, the second of speech, 500 ms behind it.
  assertEquals(sent.length, 1.8 * 24_000);
  assertEquals(sent, [...fake.samplesAt(0.7 * 24_000, sent.length)]);
  const stats = manager.getStats();
  assertEquals(stats.gatedSamples, stats.totalSamples - sent.length);
  assertEquals(stats.vadSpeechActive, false);
  await manager.dispose();
});

Deno.test("AudioCaptureManager streams to its connection and ends each turn behind its audio", async () => {
  const connection = new Sink();
  const { clock, fake, manager, during, start } = lab(ONE_UTTERANCE, {
    config: { vadEnabled: true, vadThreshold: 0.02 },
    connection,
  });
  await start();
  await clock.advance(4000);
  assertEquals(connection.log, ["input_audio_buffer.append", "end of turn"]);
  assertEquals(connection.samples, [
    ...fake.samplesAt(0.7 * 24_000, connection.samples.length),
  ]);
  await during(manager.dispose());
  assertEquals(connection.log.length, 2, "a turn ended twice");
});

Deno.test("AudioCaptureManager ends the open turn when it stops", async () => {
  const connection = new Sink();
  const { clock, manager, during, start } = lab(MINUTE_OF_NOISE, {
    connection,
  });
  await start();
  await clock.advance(450);
  await during(manager.stopRecording());
  assertEquals(connection.log, ["input_audio_buffer.append", "end of turn"]);
  assertEquals(connection.samples.length, manager.getStats().totalSamples);
  await manager.dispose();
});

Deno.test("AudioCaptureManager counts what its connection does not take and says so once", async () => {
  const connection = new Sink();
  connection.accepts = false;
  const { clock, heard, manager, during, start } = lab(MINUTE_OF_NOISE, {
    connection,
  });
  await start();
  await clock.advance(1000);
  connection.accepts = true;
  await clock.advance(1000);
  await during(manager.stopRecording());

  const { unsentSamples, deliveredSamples } = manager.getStats();
  assertEquals(unsentSamples, 24_000);
  assertEquals(connection.samples.length, deliveredSamples - unsentSamples);
  assertEquals(heard.errors.length, 1);
  await manager.dispose();
});

Deno.test("AudioCaptureManager becomes inactive and says why when the device is lost and must not be opened again", async () => {
  const { clock, fake, heard, manager, start } = lab([
    { type: "noise", durationMs: 300, amplitude: 0.5 },
    { type: "unplug" },
  ], { config: { reopen: false } });
  await start();
  await clock.advance(2000);

  assertEquals(manager.getState(), "inactive");
  assertEquals(heard.events, ["recording", "inactive"]);
  assertEquals(heard.errors.length, 1);
  assertEquals((heard.errors[0] as AlsaError).code, "ENODEV");
  assertEquals(
    concatenated(heard.chunks).length,
    manager.getStats().totalSamples,
  );
  assertEquals(fake.heldCount, 0);
  await manager.dispose();
});

Deno.test("AudioCaptureManager reports a callback that fails and goes on", async () => {
  const { clock, heard, manager, during, start } = lab(MINUTE_OF_NOISE);
  manager.setCallbacks({
    onAudioData: () => Promise.reject(new Error("later")),
    onVolumeChange: () => {
      throw new Error("at once");
    },
    onError: heard.onError,
  });
  await start();
  await clock.advance(1000);
  assertEquals(manager.getState(), "recording");
  assertEquals(
    new Set(heard.errors.map((error) => error.message)),
    new Set(["at once", "later"]),
  );
  await during(manager.dispose());
});

Deno.test("AudioCaptureManager.setCallbacks() takes effect while recording", async () => {
  const { clock, heard, manager, during, start } = lab(MINUTE_OF_NOISE);
  await start();
  await clock.advance(1000);
  const others = listener();
  manager.setCallbacks(others);
  await clock.advance(1000);
  await during(manager.stopRecording());
  assertEquals(heard.chunks.length, 5);
  assert(others.chunks.length >= 5);
  assertEquals(others.events, ["inactive"]);
  await manager.dispose();
});

Deno.test("AudioCaptureManager can be stopped from within a callback", async () => {
  const { clock, heard, manager, start } = lab(MINUTE_OF_NOISE);
  let stopping: Promise<void> | undefined;
  manager.setCallbacks({
    ...heard,
    onAudioData: () => stopping ??= manager.stopRecording(),
  });
  await start();
  await clock.advance(1000);
  await stopping;
  assertEquals(manager.getState(), "inactive");
  await manager.dispose();
});

Deno.test("AudioCaptureManager.dispose() gives up a start that hangs", async () => {
  const { clock, fake, manager } = lab(MINUTE_OF_NOISE, {
    pcm: { openMs: 60_000 },
  });
  const starting = manager.initialize();
  const failing = assertRejects(() => starting, DOMException, "disposed");
  await clock.advance(100);
  await manager.dispose();
  await failing;
  await assertRejects(() => manager.startRecording(), DOMException, "disposed");
  await clock.advance(100_000);
  assertEquals(fake.heldCount, 0);
});

Deno.test("createAudioCapture() gives a manager that is ready to record", async () => {
  const clock = new FakeClock();
  const fake = new FakePcm({ clock, script: MINUTE_OF_NOISE });
  const heard = listener();
  const creating = createAudioCapture({
    openPcm: fake.open,
    clock,
    vadEnabled: true,
    vadThreshold: 0.02,
    callbacks: heard,
  });
  await clock.advance(100);
  const manager = await creating;
  await manager.startRecording();
  await clock.advance(500);
  assertEquals(manager.getStats().vadEnabled, true);
  assertEquals(heard.events, ["recording", "speech start"]);
  const disposing = manager.dispose();
  await clock.advance(100);
  await disposing;
});

const REFUSED: [AudioCaptureConfig, string][] = [
  [
    { sampleRate: 12_345 },
    "Cannot use sampleRate as it must be one of 16000, 22050, 24000, 44100, 48000: current value is 12345",
  ],
  [
    { channelCount: 3 },
    "Cannot use channelCount as it must be a whole number from 1 to 2: current value is 3",
  ],
  [
    { chunkSize: 0 },
    "Cannot use chunkSize as it must be a whole number from 1 to 4800000: current value is 0",
  ],
  [
    { bufferSize: 1.5 },
    "Cannot use bufferSize as it must be a whole number from 16 to 480000: current value is 1.5",
  ],
  [{ deviceIndex: -1 }, "deviceIndex"],
  [{ device: "" }, 'must be the name of a device: current value is ""'],
  [
    { vadThreshold: 2 },
    "Cannot use vadThreshold as it must be a number from 0 to 1: current value is 2",
  ],
  [{ vadThreshold: NaN }, "current value is NaN"],
  [
    { vadEnabled: true, vadOffsetThreshold: 0.8 },
    "Cannot use vadOffsetThreshold as it must be a number from 0 to 0.6: current value is 0.8",
  ],
  [
    { vadEnabled: true, vadEngine: "energy", vadOffsetThreshold: 0.5 },
    "Cannot use vadOffsetThreshold as it must be a number from 0 to 0.375",
  ],
  [
    { vadDetector: { ...PUSH_TO_TALK, blockMs: 0 } },
    "Cannot use vadDetector.blockMs as it must be a number from 1 to 10000",
  ],
  [{ autoFlushMs: 0 }, "autoFlushMs"],
  [{ vadPreRollMs: -5 }, "vadPreRollMs"],
  [{ vadHangoverMs: 1e9 }, "vadHangoverMs"],
  [{ sample_rate: 24_000 } as AudioCaptureConfig, 'use "sampleRate"'],
  [{ volume: 1 } as AudioCaptureConfig, "use one of sampleRate, "],
];

for (const [config, message] of REFUSED) {
  Deno.test(`AudioCaptureManager refuses ${JSON.stringify(config)} with the field, the range and the value`, () => {
    const error = assertThrows(() => new AudioCaptureManager(config), Error);
    assert(error.message.includes(message), error.message);
  });
}

Deno.test("AudioCaptureManager refuses a detector that is none, or that stands beside an engine", () => {
  const refused: [AudioCaptureConfig, string][] = [
    [
      { vadDetector: {} as VoiceActivityDetector },
      "Cannot use vadDetector as it must be a VoiceActivityDetector, with a function score()",
    ],
    [
      { vadDetector: PUSH_TO_TALK, vadEngine: "energy" },
      "Cannot use both vadDetector and vadEngine",
    ],
    [
      { vadDetector: PUSH_TO_TALK, vadModel: "silero.onnx" },
      "Cannot use both vadDetector and vadModel",
    ],
  ];
  for (const [config, message] of refused) {
    assertThrows(() => new AudioCaptureManager(config), TypeError, message);
  }
});

Deno.test("AudioCaptureManager holds the scores of a detector of one's own against vadThreshold", async () => {
  for (const [vadThreshold, isHeard] of [[0.5, true], [0.7, false]] as const) {
    const { clock, heard, manager, start, during } = lab(MINUTE_OF_NOISE, {
      config: { vadEnabled: true, vadDetector: PUSH_TO_TALK, vadThreshold },
    });
    await start();
    await clock.advance(1000);
    await during(manager.stopRecording());
    assertEquals(heard.events.includes("speech start"), isHeard);
  }
});

Deno.test("AudioCaptureManager refuses to stream what the Realtime API does not take", () => {
  assertThrows(
    () => new AudioCaptureManager({ sampleRate: 48_000 }, {}, new Sink()),
    RangeError,
    "Cannot stream to the Realtime API as sampleRate must be 24000: current value is 48000",
  );
});

/** A small deterministic generator (Park and Miller 1988). */
function randomiser(seed: number): (below: number) => number {
  let state = seed;
  return (below) => (state = state * 48271 % 0x7fffffff) % below;
}

Deno.test("AudioCaptureManager ends in a defined state, with every sample accounted for, after any calls in any order", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomiser(seed);
    const faults: FakePcmStep[] = [
      { type: "xrun" },
      { type: "stall", durationMs: 200 },
      { type: "suspend", durationMs: 100, resumable: random(2) === 0 },
      { type: "unplug" },
      { type: "error", errno: 5 },
      { type: "silence", durationMs: 300 },
    ];
    const script = Array.from({ length: 6 }, (): FakePcmStep[] => [
      { type: "noise", durationMs: 50 + random(400), amplitude: 0.5 },
      faults[random(faults.length)]!,
    ]).flat();
    const { clock, fake, heard, manager, during } = lab(script, {
      config: {
        vadEnabled: random(2) === 0,
        vadThreshold: 0.02,
        chunkSize: 1 + random(6000),
      },
      connection: random(2) === 0 ? new Sink() : undefined,
      pcm: {
        openMs: random(3) * 20,
        openErrnos: random(4) === 0 ? [16] : [],
        maxReadFrames: random(3) === 0 ? 100 : Infinity,
      },
    });
    const pending: Promise<unknown>[] = [];
    const trace: string[] = [];
    for (let step = 0; step < 25; step++) {
      const method = ([
        "initialize",
        "startRecording",
        "startRecording",
        "stopRecording",
        "pause",
        "resume",
        "flush",
        "dispose",
      ] as const)[random(step < 20 ? 7 : 8)]!;
      trace.push(method);
      pending.push(
        Promise.resolve(manager[method]()).catch((error) => {
          // Refusals and device errors are outcomes; anything else is a bug.
          if (!(error instanceof AlsaError || error instanceof DOMException)) {
            throw error;
          }
        }),
      );
      if (random(2) === 0) await clock.advance(random(150));
      const stats = manager.getStats();
      assertEquals(
        stats.deliveredSamples + stats.bufferSamples + stats.queuedSamples +
          stats.gatedSamples + stats.pausedSamples + stats.droppedSamples,
        stats.totalSamples,
        `seed ${seed} after ${trace.join(", ")}`,
      );
    }
    await during(manager.dispose());
    await during(Promise.all(pending));
    // A device that was still opening when the start was given up.
    await clock.advance(100);

    const where = `seed ${seed}: ${trace.join(", ")}`;
    assertEquals(manager.getState(), "inactive", where);
    assertEquals(fake.heldCount, 0, where);
    assertEquals(clock.sleeperCount, 0, where);
    const states = heard.events.filter((event) => !event.startsWith("speech"));
    assert(states.length === 0 || states.at(-1) === "inactive", where);
    assert(
      states.every((state, index) => state !== states[index - 1]),
      `${where}: ${states}`,
    );
    const stats = manager.getStats();
    assertEquals(
      stats.deliveredSamples + stats.gatedSamples + stats.pausedSamples +
        stats.droppedSamples,
      stats.totalSamples,
      where,
    );
  }
});

Deno.test("AudioCaptureManager leaves out exactly what was captured during a pause, however long its blocks", async () => {
  const { clock, manager, start, during } = lab(MINUTE_OF_NOISE, {
    config: { chunkSize: 48_000, bufferSize: 48_000 },
  });
  await start();
  await clock.advance(500);
  manager.pause();
  await clock.advance(700);
  manager.resume();
  await clock.advance(3000);
  await during(manager.stopRecording());
  assertEquals(manager.getStats().pausedSamples, 700 * 24);
});

Deno.test("AudioCaptureManager fills chunks whose size the periods of the device do not divide", async () => {
  const { clock, fake, heard, manager, start, during } = lab(MINUTE_OF_NOISE, {
    config: {
      chunkSize: 4800,
      openPcm: (request) => fake.open({ ...request, periodFrames: 1024 }),
    },
  });
  await start();
  await clock.advance(3000);
  const sizes = new Set(heard.chunks.map(({ length }) => length));
  await during(manager.stopRecording());
  assertEquals([...sizes], [4800]);
});
