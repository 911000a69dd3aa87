import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import type { AudioFrame } from "../src/frame.ts";
import { Microphone, openMicrophone } from "../src/microphone.ts";
import { AlsaError } from "../src/pcm.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import {
  FakePcm,
  type FakePcmOptions,
  type FakePcmStep,
} from "../src/testing/fake_pcm.ts";

const NOISE: FakePcmStep = {
  type: "noise",
  durationMs: 10_000,
  amplitude: 0.9,
};

function noiseFor(durationMs: number): FakePcmStep {
  return { type: "noise", durationMs, amplitude: 0.9 };
}

/** A fake device on a fake clock. */
function lab(script: FakePcmStep[], options: FakePcmOptions = {}) {
  const clock = new FakeClock();
  const fake = new FakePcm({ script, clock, ...options });
  return { clock, fake, openPcm: fake.open };
}

/** Stops a microphone whose wait ends only when its clock moves. */
async function stop(mic: Microphone, clock: FakeClock): Promise<void> {
  const stopping = mic.stop();
  await clock.advance(80);
  await stopping;
}

/** Collects what an iterator yields until it ends. */
async function collect(
  source: AsyncIterable<AudioFrame>,
): Promise<AudioFrame[]> {
  const frames: AudioFrame[] = [];
  for await (const frame of source) frames.push(frame);
  return frames;
}

function assertHeard(fake: FakePcm, frames: AudioFrame[], sampleRate = 24_000) {
  for (const { samples, position } of frames) {
    assertEquals(samples, fake.samplesAt(position, samples.length, sampleRate));
  }
}

Deno.test("Microphone.probe() says what a device is configured to, and leaves it closed", async () => {
  const { clock, fake, openPcm } = lab([NOISE]);

  const { sampleRate, periodFrames } = await Microphone.probe({
    openPcm,
    clock,
    periodFrames: 960,
  });

  assertEquals([sampleRate, periodFrames], [24_000, 960]);
  assertEquals([fake.openCount, fake.heldCount], [1, 0]);
  assertEquals(clock.sleeperCount, 0);
  await assertRejects(
    () => Microphone.probe({ openPcm, sampleRate: 1 }),
    RangeError,
    "sampleRate",
  );
});

Deno.test("openMicrophone() yields what the device hears, bit for bit and in order", async () => {
  const { clock, fake, openPcm } = lab([NOISE]);
  const mic = await openMicrophone({ openPcm, clock });
  const collecting = collect(mic);
  await clock.advance(1000);
  await stop(mic, clock);
  const frames = await collecting;

  assertHeard(fake, frames);
  let position = 0;
  for (const frame of frames) {
    assertEquals(frame.position, position);
    assertEquals(frame.discontinuity, undefined);
    position += frame.samples.length;
  }
  assertEquals(position, mic.stats.capturedFrames);
  assert(position >= 24_000);
  assertEquals(fake.heldCount, 0);
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("openMicrophone() interleaves channels and counts positions in frames", async () => {
  const { clock, openPcm } = lab([NOISE]);
  const mic = await openMicrophone({
    openPcm,
    clock,
    channelCount: 2,
    sampleRate: 16_000,
  });
  const collecting = collect(mic);
  await clock.advance(100);
  await stop(mic, clock);
  const frames = await collecting;

  assertEquals(frames.map((frame) => frame.position), [
    0,
    320,
    640,
    960,
    1280,
  ]);
  for (const { samples, format } of frames) {
    assertEquals(samples.length, 640);
    assertEquals(format.channelCount, 2);
    for (let i = 0; i < samples.length; i += 2) {
      assertStrictEquals(samples[i], samples[i + 1]);
    }
  }
});

Deno.test("openMicrophone() stamps every block with the moment its first frame was captured", async () => {
  const { clock, openPcm } = lab([NOISE]);
  await clock.advance(5000);
  const mic = await openMicrophone({ openPcm, clock });
  const collecting = collect(mic);
  await clock.advance(60);
  await stop(mic, clock);

  const timestamps = (await collecting).map((frame) => frame.timestampMs);
  assertEquals(timestamps, [5000, 5020, 5040]);
});

Deno.test("openMicrophone() loses nothing to short reads", async () => {
  const { clock, fake, openPcm } = lab([NOISE], { maxReadFrames: 7 });
  const mic = await openMicrophone({ openPcm, clock });
  const collecting = collect(mic);
  await clock.advance(200);
  await stop(mic, clock);
  const frames = await collecting;

  assertHeard(fake, frames);
  assert(frames.every((frame) => frame.samples.length <= 7));
  assertEquals(
    frames.reduce((sum, frame) => sum + frame.samples.length, 0),
    mic.stats.capturedFrames,
  );
});

Deno.test("Microphone.stop() still delivers what the device holds", async () => {
  const { clock, openPcm } = lab([NOISE]);
  const mic = await openMicrophone({ openPcm, clock });
  await clock.advance(30);
  await stop(mic, clock);

  const frames = await collect(mic);
  assertEquals(mic.stats.capturedFrames, mic.stats.deliveredFrames);
  assert(frames.length > 1, "the part of a period behind the first is missing");
});

Deno.test("Microphone releases the device within 100 ms of a stop while no audio arrives", async () => {
  const { clock, fake, openPcm } = lab([{ type: "stall", durationMs: 1e9 }]);
  const mic = await openMicrophone({ openPcm, clock });
  await clock.advance(1000);
  let released = false;
  mic.stop().then(() => released = true);
  await clock.advance(100);

  assert(released);
  assertEquals(fake.heldCount, 0);
  assertEquals(await collect(mic), []);
});

Deno.test("Microphone ends a pending next() at once when it is closed", async () => {
  const { clock, openPcm } = lab([{ type: "stall", durationMs: 1e9 }]);
  const mic = await openMicrophone({ openPcm, clock });
  const pending = mic.next();
  const closing = mic.close();

  assertEquals(await pending, { done: true, value: undefined });
  await clock.advance(100);
  await closing;
});

Deno.test("Microphone gives those who wait at the same time its blocks in their order, and all the end", async () => {
  const { clock, openPcm } = lab([]);
  const mic = await openMicrophone({ openPcm, clock });
  const [first, second] = [mic.next(), mic.next()];
  await clock.advance(100);

  assertEquals((await first).value?.position, 0);
  assertEquals((await second).value?.position, 480);
  assert(mic.stats.deliveredFrames >= 960);
  const waiting = Array.from({ length: 20 }, () => mic.next());
  const closing = mic.close();
  await clock.advance(100);
  await closing;
  for (const next of waiting.slice(-2)) assert((await next).done);
});

Deno.test("Microphone throws the reason of its signal at once, also while no audio arrives", async () => {
  const { clock, fake, openPcm } = lab([{ type: "stall", durationMs: 1e9 }]);
  const controller = new AbortController();
  const reason = new Error("enough");
  const mic = await openMicrophone({
    openPcm,
    clock,
    signal: controller.signal,
  });
  const pending = mic.next();
  controller.abort(reason);

  assertStrictEquals(await assertRejects(() => pending), reason);
  await clock.advance(100);
  assertEquals(fake.heldCount, 0);
});

Deno.test("openMicrophone() gives up at once when its signal is aborted while the device opens", async () => {
  const { clock, fake, openPcm } = lab([], { openMs: 5000 });
  const controller = new AbortController();
  const opening = openMicrophone({ openPcm, clock, signal: controller.signal });
  await clock.advance(10);
  controller.abort(new Error("changed my mind"));

  await assertRejects(() => opening, Error, "changed my mind");
  await clock.advance(5000);
  assertEquals(fake.openCount, 1);
  assertEquals(fake.heldCount, 0, "the late device was not closed");
});

Deno.test("Microphone releases the device when a loop over it is left early", async () => {
  const { clock, fake, openPcm } = lab([NOISE]);
  const mic = await openMicrophone({ openPcm, clock });
  const advancing = clock.advance(500);
  for await (const frame of mic) {
    if (frame.position > 0) break;
  }
  assertEquals(fake.heldCount, 0);
  await advancing;
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("Microphone keeps a bounded queue for a slow consumer and counts what it drops", async () => {
  const { clock, fake, openPcm } = lab([NOISE]);
  const mic = await openMicrophone({ openPcm, clock, queueMs: 500 });
  await clock.advance(2000);

  assertEquals(mic.stats.queuedFrames, 12_000);
  assertEquals(mic.stats.slowConsumerFrames, 36_000);

  const collecting = collect(mic);
  await clock.advance(100);
  await stop(mic, clock);
  const frames = await collecting;
  const behindHole = frames.find((frame) => frame.discontinuity !== undefined)!;
  assertEquals(behindHole.position, 48_000);
  assertEquals(behindHole.discontinuity, {
    cause: "slow_consumer",
    lostFrames: 36_000,
  });
  assertHeard(fake, frames);
});

Deno.test("Microphone recovers from an xrun in place and marks the gap on the next block", async () => {
  const { clock, fake, openPcm } = lab([
    noiseFor(100),
    { type: "xrun" },
    noiseFor(900),
  ]);
  const mic = await openMicrophone({ openPcm, clock });
  const collecting = collect(mic);
  await clock.advance(1000);
  await stop(mic, clock);
  const frames = await collecting;

  const marked = frames.filter((frame) => frame.discontinuity !== undefined);
  assertEquals(marked.length, 1);
  assertEquals(marked[0]!.discontinuity!.cause, "xrun");
  assertEquals(mic.stats.xrunCount, 1);
  // The timeline is true to the clock: what is heard at a position is there.
  assertHeard(fake, frames);
});

Deno.test("Microphone measures the gap when its reader came too late", async () => {
  const { clock, fake, openPcm } = lab([NOISE]);
  let late = false;
  const mic = await openMicrophone({
    openPcm,
    clock: {
      now: () => clock.now(),
      // What a blocked event loop looks like.
      sleep: (ms, options) => {
        const lateMs = late ? 3000 : 0;
        late = false;
        return clock.sleep(ms + lateMs, options);
      },
    },
  });
  const collecting = collect(mic);
  await clock.advance(200);
  late = true;
  await clock.advance(3800);
  await stop(mic, clock);
  const frames = await collecting;

  const [marked] = frames.filter((frame) => frame.discontinuity !== undefined);
  assertEquals(marked!.discontinuity!.cause, "xrun");
  assert(marked!.discontinuity!.lostFrames >= 2.9 * 24_000);
  assertEquals(mic.stats.lostFrames, marked!.discontinuity!.lostFrames);
  assertHeard(fake, frames);
});

Deno.test("Microphone sleeps until a period is due, and waits for the device only when that is late, or to learn its moment", async () => {
  const { clock, fake, openPcm } = lab([
    noiseFor(1000),
    { type: "stall", durationMs: 50 },
    noiseFor(1000),
  ]);
  const waitedAtMs: number[] = [];
  const mic = await openMicrophone({
    clock,
    openPcm: async (request) => {
      const pcm = await openPcm(request);
      const wait = pcm.wait.bind(pcm);
      pcm.wait = (timeoutMs) => {
        waitedAtMs.push(clock.now());
        return wait(timeoutMs);
      };
      return pcm;
    },
  });
  const collecting = collect(mic);
  await clock.advance(2000);
  await mic.stop();
  assertHeard(fake, await collecting);
  assertEquals(mic.stats.capturedFrames, 1950 * 24);
  // The first period, whose moment nobody knows yet, and the one that is late; and
  // one in 28, as a device that is never waited for could be ahead of its reader.
  assertEquals(waitedAtMs, [0, 559, 1020, 1609]);
});

Deno.test("Microphone with patience wakes up less often, and is given more at a time", async () => {
  const { clock, fake, openPcm } = lab([NOISE]);
  const mic = await openMicrophone({
    openPcm,
    clock: {
      now: () => clock.now(),
      // Timers of the real clock are late.
      sleep: (ms, options) => clock.sleep(Math.ceil(ms), options),
    },
  });
  const collecting = collect(mic);
  await clock.advance(100);
  // Less than a period saves nothing; 59 ms are two periods.
  mic.patienceMs = 19;
  await clock.advance(200);
  mic.patienceMs = 59;
  await clock.advance(600);
  mic.patienceMs = 0;
  await clock.advance(100);
  await mic.stop();
  const frames = await collecting;
  assertHeard(fake, frames);
  assertEquals(mic.stats.capturedFrames, 1000 * 24);
  assertEquals(mic.stats.lostFrames, 0);
  const sizes = frames.map(({ samples }) => samples.length);
  assertEquals(sizes.slice(0, 15), Array(15).fill(480));
  assertEquals(sizes.slice(16, 24), Array(8).fill(3 * 480));
});

Deno.test("Microphone whose patience ends looks at once for what is there", async () => {
  const { clock, openPcm } = lab([NOISE]);
  const mic = await openMicrophone({ openPcm, clock });
  const frames: AudioFrame[] = [];
  const collecting = (async () => {
    for await (const frame of mic) frames.push(frame);
  })();
  mic.patienceMs = 400;
  await clock.advance(500);
  const { length } = frames;
  await clock.advance(130);
  assertEquals(frames.length, length);
  mic.patienceMs = 0;
  await clock.advance(1);
  assertEquals(frames.length, length + 1);
  await mic.stop();
  await collecting;
});

Deno.test("Microphone whose patience ends while its device sleeps waits on for that", async () => {
  const { clock, openPcm } = lab([
    noiseFor(500),
    { type: "suspend", durationMs: 300, resumable: true },
    NOISE,
  ]);
  const mic = await openMicrophone({ openPcm, clock });
  const collecting = collect(mic);
  await clock.advance(600);
  for (let time = 0; time < 10; time++) {
    mic.patienceMs = 400;
    mic.patienceMs = 0;
    await clock.advance(1);
  }
  await clock.advance(500);
  await mic.stop();
  const frames = await collecting;
  assertEquals(frames.filter((frame) => frame.discontinuity).length, 1);
  assertEquals(mic.stats.reopenCount, 0);
});

Deno.test("Microphone is never so patient that a short ring overruns", async () => {
  const { clock, openPcm } = lab([NOISE]);
  const mic = await openMicrophone({
    clock,
    openPcm: (request) => openPcm({ ...request, bufferFrames: 24 * 200 }),
  });
  const collecting = collect(mic);
  mic.patienceMs = 1000;
  await clock.advance(3000);
  await mic.stop();
  await collecting;
  assertEquals(mic.stats.xrunCount, 0);
  assertEquals(mic.stats.capturedFrames, 3000 * 24);
});

Deno.test("Microphone sleeps until periods are due again behind an overrun", async () => {
  const { clock, openPcm } = lab([
    noiseFor(500),
    { type: "xrun" },
    noiseFor(5000),
  ]);
  let waitCount = 0;
  const mic = await openMicrophone({
    clock: {
      now: () => clock.now(),
      // Timers of the real clock are late.
      sleep: (ms, options) => clock.sleep(Math.ceil(ms), options),
    },
    openPcm: async (request) => {
      const pcm = await openPcm(request);
      const wait = pcm.wait.bind(pcm);
      pcm.wait = (timeoutMs) => {
        waitCount++;
        return wait(timeoutMs);
      };
      return pcm;
    },
  });
  const collecting = collect(mic);
  await clock.advance(3000);
  await mic.stop();
  const frames = await collecting;
  assertEquals(mic.stats.xrunCount, 1);
  // Blocks are whole periods behind the hole, too.
  assert(frames.every(({ samples }) => samples.length % 480 === 0));
  assert(waitCount < 10, `${waitCount} waits`);
});

for (const resumable of [true, false]) {
  Deno.test(`Microphone goes on after a suspend of a device that ${resumable ? "resumes" : "cannot resume"}`, async () => {
    const { clock, fake, openPcm } = lab([
      noiseFor(100),
      { type: "suspend", durationMs: 300, resumable },
      noiseFor(2000),
    ]);
    const mic = await openMicrophone({ openPcm, clock });
    const collecting = collect(mic);
    await clock.advance(1000);
    await stop(mic, clock);
    const frames = await collecting;

    const [marked] = frames.filter((frame) =>
      frame.discontinuity !== undefined
    );
    assertEquals(marked!.discontinuity!.cause, "suspend");
    assertHeard(fake, frames);
  });
}

Deno.test("Microphone gives up when the device only ever overruns", async () => {
  const { clock, fake, openPcm } = lab(
    Array.from({ length: 20 }, () => ({ type: "xrun" }) as const),
  );
  const mic = await openMicrophone({ openPcm, clock, reopen: false });
  const failing = assertRejects(() => collect(mic), AlsaError);
  await clock.advance(1000);

  assertEquals((await failing as AlsaError).kind, "xrun");
  assertEquals(fake.heldCount, 0);
});

Deno.test("Microphone delivers what came before a failure and then throws it", async () => {
  const { clock, fake, openPcm } = lab([noiseFor(50), { type: "unplug" }]);
  const mic = await openMicrophone({ openPcm, clock, reopen: false });
  await clock.advance(1000);

  const frames: AudioFrame[] = [];
  const error = await assertRejects(async () => {
    for await (const frame of mic) frames.push(frame);
  }, AlsaError);
  assertEquals((error as AlsaError).code, "ENODEV");
  assertEquals((error as AlsaError).kind, "unavailable");
  assertEquals(frames.length, 2);
  assertEquals(fake.heldCount, 0);
});

Deno.test("openMicrophone() throws the error of a device that is busy", async () => {
  const { clock, fake, openPcm } = lab([], { openErrnos: [16] });
  const error = await assertRejects(
    () => openMicrophone({ openPcm, clock }),
    AlsaError,
  );
  assertEquals((error as AlsaError).kind, "busy");
  assertEquals(fake.heldCount, 0);
});

Deno.test("openMicrophone() refuses what no device can do, naming field, range and value", async () => {
  await assertRejects(
    () => openMicrophone({ sampleRate: -1 }),
    RangeError,
    "Cannot use sampleRate as it must be a whole number from 4000 to 384000: current value is -1",
  );
  await assertRejects(
    () => openMicrophone({ periodFrames: 0.5 }),
    RangeError,
    "periodFrames",
  );
});

Deno.test("Microphone.stop() hands over all that the device holds, also in short reads", async () => {
  const { clock, fake, openPcm } = lab([NOISE], { maxReadFrames: 100 });
  const mic = await openMicrophone({ openPcm, clock, periodFrames: 2400 });
  const collecting = collect(mic);
  await clock.advance(299);
  await stop(mic, clock);
  const frames = await collecting;
  assertHeard(fake, frames);
  assertEquals(mic.stats.capturedFrames, 299 * 24);
});

Deno.test("Microphone.stop() ends the stream in time also when a call into the device hangs", async () => {
  const { clock, openPcm } = lab([NOISE]);
  const mic = await openMicrophone({
    clock,
    openPcm: async (request) => {
      const pcm = await openPcm(request);
      pcm.wait = () => new Promise(() => {});
      return pcm;
    },
  });
  const collecting = collect(mic);
  let stopped = false;
  mic.stop().then(() => stopped = true);
  await clock.advance(2000);
  assert(stopped);
  assertEquals(await collecting, []);
});
