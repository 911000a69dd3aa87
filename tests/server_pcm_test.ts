/** A sound server's deliveries, as a reader behind them sees them. */

import { assertEquals } from "@std/assert";
import { type HeededPcm, ServerPcm } from "../src/server_pcm.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import { Random } from "../train/random.ts";

const PERIOD_FRAMES = 480;

/** A server's device that delivers what the test says: 0, 1, 2 and so on. */
class FakeServer implements HeededPcm {
  readonly parameters;
  deliveredSamples = 0;
  readSamples = 0;
  heededCount = 0;

  constructor(channelCount = 1) {
    this.parameters = {
      ...{ device: "default", sampleRate: 24_000, channelCount },
      ...{ periodFrames: PERIOD_FRAMES, bufferFrames: 60_000 },
    };
  }

  get leftSamples() {
    return this.deliveredSamples - this.readSamples;
  }
  deliver(frameCount: number) {
    this.deliveredSamples += frameCount * this.parameters.channelCount;
  }
  start() {}
  wait() {
    return Promise.resolve(this.leftSamples > 0);
  }
  status() {
    const availableFrames = this.leftSamples / this.parameters.channelCount;
    return {
      state: "running" as const,
      availableFrames,
      delayFrames: availableFrames + 7,
      timestampMs: 0,
    };
  }
  read(samples: Int16Array) {
    const count = Math.min(samples.length, this.leftSamples);
    for (let i = 0; i < count; i++) samples[i] = this.readSamples++;
    return count / this.parameters.channelCount;
  }
  heed() {
    this.heededCount++;
  }
  prepare() {
    this.readSamples = this.deliveredSamples;
  }
  resume() {
    return true;
  }
  drop() {
    this.prepare();
  }
  close() {
    return Promise.resolve();
  }
}

function lab(channelCount = 1) {
  const server = new FakeServer(channelCount);
  const clock = new FakeClock();
  const pcm = new ServerPcm(server, PERIOD_FRAMES, clock);
  const read = (frameCount: number): number[] => {
    const samples = new Int16Array(frameCount * channelCount);
    const readFrames = pcm.read(samples);
    return [...samples.subarray(0, readFrames * channelCount)];
  };
  return { server, clock, pcm, read };
}

Deno.test("ServerPcm leaves nothing of a delivery with the server's library", () => {
  const { server, read } = lab();
  server.deliver(PERIOD_FRAMES + 20);
  assertEquals(read(PERIOD_FRAMES).length, PERIOD_FRAMES);
  assertEquals(server.leftSamples, 0);
});

Deno.test("ServerPcm counts what it holds among what can be read, and as older", () => {
  const { server, pcm, read } = lab();
  server.deliver(PERIOD_FRAMES + 20);
  read(PERIOD_FRAMES);
  server.deliver(100);
  const { availableFrames, delayFrames } = pcm.status();
  assertEquals(availableFrames, 120);
  assertEquals(delayFrames, 127);
});

Deno.test("ServerPcm gives every frame once and in order, whatever is delivered and asked for", () => {
  const { server, read } = lab(2);
  const random = new Random(3);
  const samples: number[] = [];
  for (let i = 0; i < 50; i++) {
    server.deliver(random.below(200));
    samples.push(...read(random.below(150)));
  }
  samples.push(...read(10_000));
  assertEquals(samples, Array.from(samples, (_, i) => i));
  assertEquals(samples.length, server.deliveredSamples);
});

Deno.test("ServerPcm begins where a delivery begins", async () => {
  const { server, pcm, read } = lab();
  server.deliver(PERIOD_FRAMES + 30);
  await pcm.wait(80);
  assertEquals(read(1), [30]);
  // That was the beginning: from then on nothing is left out.
  server.deliver(50);
  await pcm.wait(80);
  assertEquals(read(1), [31]);
});

Deno.test("ServerPcm forgets what it holds when the device is prepared anew", () => {
  const { server, pcm, read } = lab();
  server.deliver(PERIOD_FRAMES);
  read(100);
  pcm.prepare();
  assertEquals(pcm.status().availableFrames, 0);
  server.deliver(1);
  assertEquals(read(10), [PERIOD_FRAMES]);
});

Deno.test("ServerPcm heeds the plugin twice a second, not at each read", async () => {
  const { server, clock, read } = lab();
  for (let i = 0; i < 50; i++) {
    server.deliver(PERIOD_FRAMES);
    read(PERIOD_FRAMES);
    await clock.advance(20);
  }
  assertEquals(server.heededCount, 2);
});
