/** A device of another rate, behind a microphone that does not know. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Conversion, ConvertingPcm } from "../src/converting_pcm.ts";
import type { AudioFrame } from "../src/frame.ts";
import { openMicrophone } from "../src/microphone.ts";
import { AlsaError, type OpenPcm } from "../src/pcm.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import { FakePcm, type FakePcmStep } from "../src/testing/fake_pcm.ts";
import { takeFrames } from "../src/take.ts";

const TONE: FakePcmStep = {
  type: "tone",
  durationMs: 60_000,
  frequencyHz: 1000,
  amplitude: 0.5,
};

/** A microphone on a card that has only one rate. */
function lab(deviceRate: number, script: FakePcmStep[]) {
  const clock = new FakeClock();
  const fake = new FakePcm({ script, clock, continuous: true });
  const openPcm: OpenPcm = async (request) => {
    const ratio = deviceRate / request.sampleRate;
    const device = await fake.open({
      ...request,
      sampleRate: deviceRate,
      periodFrames: request.periodFrames * ratio,
      bufferFrames: request.bufferFrames * ratio,
    });
    return new ConvertingPcm(device, { sampleRate: request.sampleRate });
  };
  const listen = async (ms: number): Promise<AudioFrame[]> => {
    const frames: AudioFrame[] = [];
    const opening = openMicrophone({
      periodFrames: 480,
      openPcm,
      clock,
    });
    await clock.advance(0);
    await using microphone = await opening;
    const listening = (async () => {
      for await (const frame of takeFrames(microphone, ms * 24)) {
        frames.push(frame);
      }
    })();
    await clock.advance(ms + 500);
    await listening;
    return frames;
  };
  return { clock, fake, openPcm, listen };
}

/** A device of 48 kHz whose reads are the test's. */
async function scripted(
  channelCount: number,
  read: (samples: Int16Array) => number,
  conversion: Conversion = { sampleRate: 24_000 },
): Promise<{ pcm: ConvertingPcm }> {
  const fake = new FakePcm({ script: [TONE], clock: new FakeClock() });
  const device = await fake.open({
    device: "x",
    sampleRate: 48_000,
    channelCount,
    periodFrames: 960,
    bufferFrames: 96_000,
  });
  device.read = read;
  return { pcm: new ConvertingPcm(device, conversion) };
}

for (const deviceRate of [48_000, 96_000, 44_100, 16_000]) {
  Deno.test(`a microphone of ${deviceRate} Hz gives whole periods of 24000 Hz on time, with its tone unchanged`, async () => {
    const { listen } = lab(deviceRate, [TONE]);
    const frames = await listen(1000);
    for (const frame of frames) {
      assertEquals(frame.format.sampleRate, 24_000);
      assertEquals(frame.samples.length % 480, 0);
      assertEquals(frame.discontinuity, undefined);
    }
    const samples = frames.flatMap(({ samples }) => [...samples]);
    assertEquals(samples.length, 24_000);
    // The lag of the filter, as silence, stands before the first frame.
    const lag = samples.findIndex((_, i) =>
      samples.slice(i + 200, i + 224).every((sample, j) =>
        Math.abs(sample - 16_384 * Math.sin(2 * Math.PI * (j + 200) / 24)) < 8
      )
    );
    assert(lag >= 0 && lag <= 5 * 24, `it lags ${lag} frames`);
  });
}

Deno.test("the lag of the filter is a part of the delay, so that times stay those of the capture", async () => {
  const { clock, openPcm } = lab(48_000, [TONE]);
  const opening = openPcm({
    device: "x",
    sampleRate: 24_000,
    channelCount: 1,
    periodFrames: 480,
    bufferFrames: 48_000,
  });
  await clock.advance(0);
  const pcm = await opening;
  pcm.start();
  let lagFrames: number | undefined;
  for (let period = 0; period < 50; period++) {
    await clock.advance(20);
    const { availableFrames, delayFrames, timestampMs } = pcm.status();
    assertEquals(availableFrames, 480);
    // The next frame to be read is this old.
    const capturedMs = timestampMs - delayFrames / 24;
    lagFrames ??= -capturedMs * 24;
    assert(Math.abs(capturedMs - (period * 20 - lagFrames / 24)) < 1e-6);
    assertEquals(pcm.read(new Int16Array(480)), 480);
  }
  // 1.5 ms of silence stand before the device's first frame, at time 0.
  assert(lagFrames! > 30 && lagFrames! < 42, `${lagFrames} frames`);
  await pcm.close();
});

Deno.test("an overrun of a converted device is a hole of the right length", async () => {
  const { listen } = lab(48_000, [
    { type: "noise", durationMs: 200, amplitude: 0.5 },
    { type: "xrun" },
    TONE,
  ]);
  const frames = await listen(1000);
  const holes = frames.filter(({ discontinuity }) => discontinuity);
  assertEquals(holes.length, 1);
  for (const { timestampMs, position } of frames) {
    assert(Math.abs(timestampMs - position / 24) < 5);
  }
  assertEquals(holes[0]!.discontinuity!.cause, "xrun");
});

Deno.test("a converted device keeps its channels apart", async () => {
  const { pcm } = await scripted(2, (samples) => {
    samples.forEach((_, i) => samples[i] = i % 2 === 0 ? 1000 : -2000);
    return samples.length / 2;
  });
  const samples = new Int16Array(960);
  assertEquals(pcm.read(samples), 480);
  assertEquals([...samples.slice(600, 604)], [1000, -2000, 1000, -2000]);
  await pcm.close();
});

Deno.test("what a converted device still had is given before its error is told", async () => {
  let readCount = 0;
  const { pcm } = await scripted(1, (samples) => {
    if (readCount++ > 0) throw new AlsaError("snd_pcm_readi", 19);
    samples.fill(1000);
    return samples.length;
  });
  const samples = new Int16Array(960);
  const count = pcm.read(samples);
  // 480 frames of the device, and the silence that stands before them.
  assert(count >= 480 && count < 480 + 48, `${count}`);
  assertEquals(samples[300], 1000);
  assertThrows(() => pcm.read(samples), AlsaError, "ENODEV");
  await pcm.close();
});

Deno.test("a channel of a device is picked, with its rate converted or as it is", async () => {
  for (const sampleRate of [24_000, 48_000]) {
    const { pcm } = await scripted(4, (samples) => {
      samples.forEach((_, i) => samples[i] = i % 4 * 1000);
      return samples.length / 4;
    }, { sampleRate, channels: [2] });
    assertEquals(pcm.parameters.channelCount, 1);
    assertEquals(pcm.parameters.sampleRate, sampleRate);
    const samples = new Int16Array(400);
    assertEquals(pcm.read(samples), 400);
    assertEquals([...samples.slice(396)], [2000, 2000, 2000, 2000]);
    await pcm.close();
  }
});

Deno.test("several channels of a device are mapped, in the order that is asked for", async () => {
  const { pcm } = await scripted(4, (samples) => {
    samples.forEach((_, i) => samples[i] = i % 4 * 1000);
    return samples.length / 4;
  }, { sampleRate: 24_000, channels: [3, 1] });
  assertEquals(pcm.parameters.channelCount, 2);
  const samples = new Int16Array(400);
  assertEquals(pcm.read(samples), 200);
  assertEquals([...samples.slice(396)], [3000, 1000, 3000, 1000]);
  await pcm.close();
});
