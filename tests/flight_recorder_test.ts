/** The last minutes of a session, in memory and in files. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { writeFlightRecord } from "../src/cli/flight_recorder_files.ts";
import { type FlightRecord, FlightRecorder } from "../src/flight_recorder.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import { readWav } from "../src/wav.ts";
import { frameOf } from "./frames.ts";

const FORMAT = { sampleRate: 1000, channelCount: 1 };
const BLOCK = 100;

/** A recorder of 0.1 minutes (6000 samples), and audio that counts up. */
function lab() {
  const clock = new FakeClock();
  const recorder = new FlightRecorder({ minutes: 0.1, format: FORMAT, clock });
  let position = 0;
  const listen = async (ms: number) => {
    const end = position + ms;
    for (; position < end; position += BLOCK) {
      await clock.advance(BLOCK);
      const samples = Array.from({ length: BLOCK }, (_, i) => position + i);
      recorder.take(frameOf(samples, position, { format: FORMAT }));
    }
  };
  return { clock, recorder, listen };
}

function samplesOf(record: FlightRecord): number[] {
  return [...record.pieces()].flatMap(({ samples, frameCount }) =>
    samples === undefined ? Array(frameCount).fill(-1) : [...samples]
  );
}

function counting(begin: number, end: number): number[] {
  return Array.from({ length: end - begin }, (_, i) => begin + i);
}

Deno.test("a flight record holds all audio while there is room", async () => {
  const { recorder, listen } = lab();
  await listen(2500);
  const record = recorder.snapshot();
  assertEquals(record.frameCount, 2500);
  assertEquals(record.startTimeMs, performance.timeOrigin);
  assertEquals(samplesOf(record), counting(0, 2500));
});

Deno.test("a flight record holds the last minutes, bit for bit, however long it ran", async () => {
  const { recorder, listen } = lab();
  await listen(30_700);
  const record = recorder.snapshot();
  assertEquals(record.startTimeMs, performance.timeOrigin + 24_700);
  assertEquals(samplesOf(record), counting(24_700, 30_700));
});

Deno.test("audio that comes in while a record is read does not change it", async () => {
  const { recorder, listen } = lab();
  await listen(20_000);
  const pieces = recorder.snapshot().pieces();
  const samples: number[] = [];
  for (const piece of pieces) {
    samples.push(...piece.samples!);
    await listen(1000);
  }
  assertEquals(samples, counting(14_000, 20_000));
});

Deno.test("a record that is read too slowly says what was overwritten", async () => {
  const { recorder, listen } = lab();
  await listen(20_000);
  const record = recorder.snapshot();
  await listen(12_000);
  const samples = samplesOf(record);
  assertEquals(samples.length, 6000);
  assertEquals(samples.slice(0, 2000), Array(2000).fill(-1));
  assertEquals(samples.slice(2000), counting(16_000, 20_000));
});

Deno.test("events have their time and their place in the audio, and leave with it", async () => {
  const { recorder, listen } = lab();
  recorder.note("before", {});
  await listen(1000);
  recorder.note("speech", { text: "hello" });
  await listen(1000);
  const time = (ms: number) =>
    new Date(performance.timeOrigin + ms).toISOString();
  assertEquals(recorder.snapshot().lines.map((line) => JSON.parse(line)), [
    { time: time(0), audio_ms: 0, type: "before" },
    { time: time(1000), audio_ms: 1000, type: "speech", text: "hello" },
  ]);
  await listen(4500);
  assertEquals(
    recorder.snapshot().lines.map((line) => JSON.parse(line).audio_ms),
    [500],
  );
});

Deno.test("a hole in the audio is an event, so that places can be mapped to times", async () => {
  const { recorder, listen } = lab();
  await listen(1000);
  recorder.take(frameOf([1, 2], 1500, {
    format: FORMAT,
    discontinuity: { cause: "xrun", lostFrames: 500 },
  }));
  const [line] = recorder.snapshot().lines;
  const { time: _, ...event } = JSON.parse(line!);
  assertEquals(event, {
    audio_ms: 1000,
    type: "earshot.gap",
    cause: "xrun",
    lost_ms: 500,
  });
});

Deno.test("events cannot fill the memory", () => {
  const { recorder } = lab();
  recorder.note("long", { text: "x".repeat(10_000) });
  assertEquals(JSON.parse(recorder.snapshot().lines[0]!).is_cut, true);
  for (let i = 0; i < 25_000; i++) recorder.note("tick", { i });
  const { lines } = recorder.snapshot();
  assertEquals(lines.length, 20_000);
  assertEquals(JSON.parse(lines.at(-1)!).i, 24_999);
});

Deno.test("a flight record becomes a WAV and JSON lines that only their owner can read", async () => {
  const { recorder, listen } = lab();
  await listen(7000);
  recorder.note("error", { text: "x" });
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/new`;
  try {
    const now = Date.UTC(2026, 10, 23, 21, 5, 6, 7);
    const record = recorder.snapshot();
    const written = await writeFlightRecord(record, folder, "SIGUSR2", now);
    assertEquals(
      written.wavPath,
      `${folder}/earshot-2026-11-23T21-05-06.007Z.wav`,
    );
    const { format, samples } = readWav(await Deno.readFile(written.wavPath));
    assertEquals(format, FORMAT);
    assertEquals([...samples], counting(1000, 7000));
    const lines = (await Deno.readTextFile(written.jsonPath)).trimEnd()
      .split("\n").map((line) => JSON.parse(line));
    assertEquals(lines[0], {
      type: "earshot.record",
      reason: "SIGUSR2",
      start_time: new Date(performance.timeOrigin + 1000).toISOString(),
      duration_ms: 6000,
      sample_rate: 1000,
      channels: 1,
      lost_ms: 0,
    });
    assertEquals(lines[1].type, "error");
    for (const path of [written.wavPath, written.jsonPath]) {
      assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    }
    // A second one of the same moment does not overwrite it.
    const error = await assertRejects(
      () => writeFlightRecord(record, folder, "SIGUSR2", now),
      Error,
    );
    assertStringIncludes(error.message, "Cannot write the flight record");
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});

Deno.test("a flight record of nothing is an empty WAV", async () => {
  const { recorder } = lab();
  const folder = await Deno.makeTempDir();
  try {
    const record = recorder.snapshot();
    const { wavPath } = await writeFlightRecord(record, folder, "error", 0);
    assertEquals(readWav(await Deno.readFile(wavPath)).samples.length, 0);
    assert(record.lines.length === 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
