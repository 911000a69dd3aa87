import { assert, assertEquals } from "@std/assert";
import type { AudioFrame } from "../src/frame.ts";
import {
  type Microphone,
  type MicrophoneEvent,
  type MicrophoneOptions,
  openMicrophone,
} from "../src/microphone.ts";
import { AlsaError, type OpenPcm } from "../src/pcm.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import { FakePcm, type FakePcmStep } from "../src/testing/fake_pcm.ts";
import { collect } from "./frames.ts";

const CARD = {
  id: "Device",
  longName: "USB PnP Sound Device at usb-0000:01:00.0-1.2, full speed",
  components: "USB0d8c:0014",
  isOnlyOfItsModel: true,
};

function noiseFor(durationMs: number): FakePcmStep {
  return { type: "noise", durationMs, amplitude: 0.9 };
}

/** A microphone in a room whose sounds go on while nobody hears them. */
async function lab(
  script: FakePcmStep[],
  options: MicrophoneOptions = {},
  wrap: (open: OpenPcm) => OpenPcm = (open) => open,
) {
  const clock = new FakeClock();
  const fake = new FakePcm({ script, clock, continuous: true, card: CARD });
  const events: MicrophoneEvent[] = [];
  const mic = await openMicrophone({
    openPcm: wrap(fake.open),
    clock,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { clock, fake, mic, events, frames: collect(mic) };
}

async function stop(mic: Microphone, clock: FakeClock): Promise<void> {
  const stopping = mic.stop();
  await clock.advance(80);
  await stopping;
}

/** Everything that was heard is what was to be heard there. */
function assertHeard(fake: FakePcm, frames: AudioFrame[]) {
  for (const { samples, position } of frames) {
    assertEquals(samples, fake.samplesAt(position, samples.length));
  }
}

/** What happened after the first audio, in short. */
function names(events: MicrophoneEvent[]): string[] {
  const [first, ...rest] = events.map((event) =>
    event.type === "state" ? event.state.status : event.type
  );
  return first === "running" ? rest : [first!, ...rest];
}

Deno.test("Microphone is opening until its first audio, and then runs", async () => {
  const { clock, mic, events, frames } = await lab([noiseFor(1000)]);
  assertEquals(mic.state, { status: "opening" });
  await clock.advance(100);
  const running = { status: "running", reopenCount: 0 } as const;
  assertEquals(mic.state, running);
  assertEquals(events, [{ type: "state", state: running }]);
  await stop(mic, clock);
  await frames;
  assertEquals(mic.state, { status: "stopped" });
});

Deno.test("Microphone that is pulled out goes on where it was when it is plugged in again", async () => {
  const { clock, fake, mic, events, frames } = await lab([
    noiseFor(500),
    { type: "unplug", durationMs: 30_000 },
    noiseFor(60_000),
  ]);
  await clock.advance(40_000);
  await stop(mic, clock);
  const heard = await frames;

  assertEquals(names(events), [
    "recovering",
    "waiting",
    "running",
    "gap",
    "stopped",
  ]);
  const [marked] = heard.filter((frame) => frame.discontinuity);
  assertEquals(marked!.discontinuity!.cause, "device_lost");
  assertHeard(fake, heard);
  const { capturedFrames, lostFrames, lostFramesByCause } = mic.stats;
  assertEquals(marked!.discontinuity!.lostFrames, lostFrames);
  assertEquals(lostFramesByCause.device_lost, lostFrames);
  // It is found again within 2 seconds, and the timeline never jumps.
  assert(lostFrames >= 30 * 24_000 && lostFrames <= 32.1 * 24_000);
  assertEquals(
    capturedFrames + lostFrames,
    heard.at(-1)!.position + heard.at(-1)!.samples.length,
  );
  assertEquals(fake.heldCount, 0);
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("Microphone is opened again as the card that it was", async () => {
  const { clock, fake, mic, frames } = await lab([
    noiseFor(100),
    { type: "unplug" },
    noiseFor(1000),
  ], { device: "plughw:1,0" });
  await clock.advance(500);
  await stop(mic, clock);
  await frames;

  assertEquals(fake.requests.map(({ device, card }) => [device, card]), [
    ["plughw:1,0", undefined],
    ["plughw:1,0", CARD],
  ]);
});

Deno.test("Microphone says at once, on the stream itself, that it was interrupted", async () => {
  const { clock, mic, frames } = await lab([
    noiseFor(500),
    { type: "unplug", durationMs: 30_000 },
  ]);
  await clock.advance(1000);
  await stop(mic, clock);
  const heard = await frames;

  assertEquals(heard.at(-1)!.interrupted, true);
  assertEquals(heard.at(-1)!.samples.length, 0);
  assertEquals(heard.filter((frame) => frame.interrupted).length, 1);
});

Deno.test("Microphone that another program took is waited for, and its error says so", async () => {
  let busyCount = 5;
  const { clock, mic, events, frames } = await lab(
    [noiseFor(100), { type: "unplug" }, noiseFor(60_000)],
    {},
    (open) => {
      let opened = false;
      return async (request) => {
        if (opened && busyCount-- > 0) throw new AlsaError("snd_pcm_open", 16);
        opened = true;
        return await open(request);
      };
    },
  );
  await clock.advance(30_000);
  await stop(mic, clock);
  await frames;

  const [waiting] = events.filter((event) =>
    event.type === "state" && event.state.status === "waiting"
  );
  assert(waiting?.type === "state" && waiting.state.status === "waiting");
  assertEquals(waiting.state.error.kind, "busy");
  assertEquals(mic.state, { status: "stopped" });
  assertEquals(mic.stats.reopenCount, 1);
});

Deno.test("Microphone whose device fails at once for an hour tries ever less often and says it once", async () => {
  const { clock, fake, mic, events, frames } = await lab(
    [noiseFor(100), { type: "unplug", durationMs: 1e9 }],
  );
  await clock.advance(3_600_000);
  await stop(mic, clock);
  await frames;

  assert(fake.requests.length <= 1810, `${fake.requests.length} attempts`);
  assertEquals(names(events), ["recovering", "waiting", "stopped"]);
});

Deno.test("Microphone whose device opens but fails at its first frame does not spin either", async () => {
  let openCount = 0;
  const { clock, mic, events, frames } = await lab(
    [{ type: "unplug" }],
    {},
    (open) => async (request) => {
      openCount++;
      const pcm = await open(request);
      pcm.status = () => {
        throw new AlsaError("snd_pcm_status", 19);
      };
      return pcm;
    },
  );
  await clock.advance(600_000);
  await stop(mic, clock);
  await frames;

  assert(openCount <= 310, `${openCount} opens`);
  assertEquals(names(events), ["recovering", "stopped"]);
});

Deno.test("Microphone that gives nothing is stalled: it says so and is opened again", async () => {
  const { clock, fake, mic, events, frames } = await lab([
    noiseFor(1000),
    { type: "stall", durationMs: 5500 },
    noiseFor(10_000),
  ]);
  await clock.advance(10_000);
  await stop(mic, clock);
  const heard = await frames;

  assertEquals(names(events), [
    "stalled",
    "recovering",
    "running",
    "gap",
    "stopped",
  ]);
  assertEquals(fake.openCount, 2);
  assertEquals(heard.filter((frame) => frame.interrupted).length, 1);
  assert(mic.stats.lostFramesByCause.stall > 5 * 24_000);
});

Deno.test("Microphone that stalls for an hour is opened again and again, and says it once", async () => {
  const { clock, fake, mic, events, frames } = await lab([
    noiseFor(1000),
    { type: "stall", durationMs: 1e9 },
  ]);
  await clock.advance(3_600_000);
  await stop(mic, clock);
  await frames;

  assertEquals(names(events), ["stalled", "recovering", "stopped"]);
  assert(fake.openCount > 100 && fake.openCount <= 3600 / 5 + 1);
});

Deno.test("Microphone is not stalled because nobody takes its audio", async () => {
  const clock = new FakeClock();
  const fake = new FakePcm({ script: [noiseFor(60_000)], clock });
  const mic = await openMicrophone({ openPcm: fake.open, clock });
  await clock.advance(60_000);
  assertEquals(fake.openCount, 1);
  await Promise.all([mic.close(), clock.advance(100)]);
});

Deno.test("Microphone that gives only digital silence says so, ever less often, and says when it hears", async () => {
  const { clock, mic, events, frames } = await lab([
    { type: "silence", durationMs: 200_000 },
    noiseFor(10_000),
  ], { silenceMs: 60_000 });
  await clock.advance(205_000);
  await stop(mic, clock);
  await frames;

  assertEquals(
    names(events).filter((name) => name === "silent" || name === "sound"),
    ["silent", "silent", "sound"],
  );
  const [silent] = events.filter((event) => event.type === "silent");
  assert(silent!.error.message.includes("muted"));
});

Deno.test("Microphone ignores digital silence when it is told to", async () => {
  const { clock, fake, mic, events, frames } = await lab([], { silenceMs: 0 });
  await clock.advance(200_000);
  await stop(mic, clock);
  await frames;
  assertEquals(names(events), ["stopped"]);
  assertEquals(fake.openCount, 1);
});

for (
  const [code, errno, cause] of [
    ["EINTR", 4, "error"],
    ["EIO", 5, "error"],
    ["EAGAIN", 11, "error"],
    ["ENODEV", 19, "device_lost"],
    ["EINVAL", 22, "device_lost"],
    ["EPIPE", 32, "xrun"],
    ["EBADFD", 77, "device_lost"],
    ["ESTRPIPE", 86, "suspend"],
    ["ETIMEDOUT", 110, "error"],
    ["an unknown errno", 200, "error"],
  ] as const
) {
  Deno.test(`Microphone survives ${code} while it runs, and marks the gap as ${cause}`, async () => {
    const { clock, fake, mic, frames } = await lab([
      noiseFor(300),
      { type: "error", errno },
      noiseFor(5000),
    ]);
    await clock.advance(2000);
    await stop(mic, clock);
    const heard = await frames;

    const marked = heard.filter((frame) => frame.discontinuity);
    assertEquals(marked.map((frame) => frame.discontinuity!.cause), [cause]);
    assertHeard(fake, heard);
    assert(heard.at(-1)!.position > 24_000);
  });
}

Deno.test("Microphone starts a device that it finds prepared, which a kernel answers with EIO", async () => {
  let prepared = false;
  const { clock, fake, mic, frames } = await lab(
    [noiseFor(5000)],
    {},
    (open) => async (request) => {
      const pcm = await open(request);
      const wait = pcm.wait.bind(pcm);
      pcm.wait = async (timeoutMs) => {
        if (!prepared) {
          // As after a recovery that forgot to start it.
          prepared = true;
          pcm.prepare();
        }
        return await wait(timeoutMs);
      };
      return pcm;
    },
  );
  await clock.advance(1000);
  await stop(mic, clock);
  const heard = await frames;
  assertHeard(fake, heard);
  assert(mic.stats.capturedFrames > 0.9 * 24_000, "it was not started");
});

Deno.test("Microphone is stopped within 100 ms while its device is away", async () => {
  const { clock, mic, frames } = await lab(
    [noiseFor(100), { type: "unplug", durationMs: 1e9 }],
  );
  await clock.advance(60_000);
  let stopped = false;
  mic.stop().then(() => stopped = true);
  await clock.advance(100);
  assert(stopped);
  await frames;
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("Microphone is stopped while the opening of its device hangs, and closes it later", async () => {
  const hanging = Promise.withResolvers<void>();
  const { clock, fake, mic, frames } = await lab(
    [noiseFor(100), { type: "unplug" }],
    {},
    (open) => {
      let opened = false;
      return async (request) => {
        if (opened) await hanging.promise;
        opened = true;
        return await open(request);
      };
    },
  );
  await clock.advance(20_000);
  assertEquals(mic.state.status, "recovering");
  await stop(mic, clock);
  assertEquals((await frames).at(-1)!.interrupted, true);
  hanging.resolve();
  await clock.advance(1);
  assertEquals(fake.heldCount, 0);
});
