/** What runs beside a live session, together. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AudioCaptureManager, RealtimeConnectionManager } from "../mod.ts";
import type { World } from "../src/cli/command.ts";
import { Log } from "../src/cli/log.ts";
import { OPERATION_OPTIONS, Operations } from "../src/cli/operations.ts";
import { Options } from "../src/cli/options.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import { readWav } from "../src/wav.ts";
import { frameOf, MONO } from "./frames.ts";

async function lab(
  args: string[],
  test: (lab: {
    folder: string;
    clock: FakeClock;
    operations: Operations;
    said: string[];
    signal: () => void;
  }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const clock = new FakeClock();
  const said: string[] = [];
  const rules = { options: OPERATION_OPTIONS };
  const options = new Options(
    ["--recorder-folder", `${folder}/records`, ...args],
    rules,
    () => undefined,
  );
  const stderr = {
    isTerminal: false,
    columns: 80,
    write: (text: string) => void said.push(text.trimEnd()),
  };
  let signal = () => {};
  const world = {
    stderr,
    clock,
    onSignal(_name: string, listener: () => void) {
      signal = listener;
      return () => signal = () => {};
    },
  } as unknown as World;
  const operations = new Operations(options, world, {
    log: new Log(options, world),
    format: MONO,
    readStats: () => ({
      capture: new AudioCaptureManager().getStats(),
      connection: new RealtimeConnectionManager().getStats(),
    }),
  });
  try {
    await test({ folder, clock, operations, said, signal: () => signal() });
    assertEquals(clock.sleeperCount, 0, "a timer was left running");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The records that were written: their reasons and samples. */
function recordsIn(folder: string): { reason: string; sampleCount: number }[] {
  const names = [...Deno.readDirSync(`${folder}/records`)]
    .map(({ name }) => name).filter((name) => name.endsWith(".wav")).sort();
  return names.map((name) => {
    const path = `${folder}/records/${name}`;
    const lines = Deno.readTextFileSync(path.replace(".wav", ".jsonl"));
    const { reason } = JSON.parse(lines.split("\n")[0]!);
    const { samples } = readWav(Deno.readFileSync(path));
    return { reason, sampleCount: samples.length };
  });
}

const RECORDER = ["--recorder-minutes", "1"];

Deno.test("SIGUSR2 writes the flight record at once", async () => {
  await lab(RECORDER, async ({ folder, operations, said, signal }) => {
    operations.take(frameOf(new Int16Array(2400), 0));
    signal();
    operations.take(frameOf(new Int16Array(2400), 2400));
    await operations[Symbol.asyncDispose]();
    assertEquals(recordsIn(folder), [{ reason: "SIGUSR2", sampleCount: 2400 }]);
    assertStringIncludes(said[0]!, "and its events (SIGUSR2)");
  });
});

Deno.test("SIGUSR2 without a flight recorder says how to have one", async () => {
  await lab([], async ({ operations, said, signal }) => {
    assertEquals(operations.takesFrames, false);
    signal();
    await operations[Symbol.asyncDispose]();
    assertEquals(said, [
      "There is no flight recorder: give --recorder-minutes",
    ]);
  });
});

Deno.test("an event writes the flight record with the 10 seconds behind it, once for all that happens meanwhile", async () => {
  const args = [...RECORDER, "--recorder-on", "error,disconnected"];
  await lab(args, async ({ folder, clock, operations }) => {
    operations.happened("connected");
    operations.happened("error", "first");
    await clock.advance(9999);
    operations.happened("disconnected");
    operations.take(frameOf(new Int16Array(2400), 0));
    await clock.advance(1);
    operations.take(frameOf(new Int16Array(2400), 2400));
    await operations[Symbol.asyncDispose]();
    assertEquals(recordsIn(folder), [{ reason: "error", sampleCount: 2400 }]);
  });
});

Deno.test("a flight record that waits is written at the end", async () => {
  const args = [...RECORDER, "--recorder-on", "disconnected"];
  await lab(args, async ({ folder, operations }) => {
    operations.take(frameOf(new Int16Array(240), 0));
    operations.happened("disconnected");
    await operations[Symbol.asyncDispose]();
    assertEquals(recordsIn(folder), [
      { reason: "disconnected", sampleCount: 240 },
    ]);
  });
});

Deno.test("a folder that cannot be written to is said, and ends nothing", async () => {
  const args = [...RECORDER, "--recorder-folder", "/proc/none"];
  await lab(args, async ({ operations, said, signal }) => {
    signal();
    await operations[Symbol.asyncDispose]();
    assertStringIncludes(said[0]!, "Cannot write the flight record");
    assertStringIncludes(said[0]!, "--recorder-folder");
  });
});

Deno.test("transcripts and the server's VAD run hooks", async () => {
  const folder = await Deno.makeTempDir();
  const write = (name: string) =>
    `printf '%s %s\\n' "$EARSHOT_EVENT" "$EARSHOT_TEXT" >> ${folder}/${name}`;
  await lab(
    ["--on-transcript", write("log"), "--on-speech-start", write("log")],
    async ({ operations }) => {
      operations.heard({
        type: "input_audio_buffer.speech_started",
        event_id: "e1",
        item_id: "i",
        audio_start_ms: 0,
      });
      operations.heard({
        type: "conversation.item.input_audio_transcription.completed",
        event_id: "e2",
        item_id: "i",
        content_index: 0,
        transcript: "$(rm -rf x)",
      });
      await operations[Symbol.asyncDispose]();
      assertEquals(
        await Deno.readTextFile(`${folder}/log`),
        "speech-start \ntranscript $(rm -rf x)\n",
      );
    },
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the voice of the model is not kept, its words are", async () => {
  await lab(RECORDER, async ({ folder, operations, signal }) => {
    const ids = {
      response_id: "r",
      item_id: "i",
      output_index: 0,
      content_index: 0,
    };
    operations.heard({
      type: "response.output_audio.delta",
      event_id: "e",
      delta: "AAAA",
      ...ids,
    });
    operations.heard({
      type: "response.output_text.done",
      event_id: "e",
      text: "words",
      ...ids,
    });
    signal();
    await operations[Symbol.asyncDispose]();
    const [name] = [...Deno.readDirSync(`${folder}/records`)]
      .map(({ name }) => name).filter((name) => name.endsWith(".jsonl"));
    const lines = await Deno.readTextFile(`${folder}/records/${name}`);
    assert(!lines.includes("AAAA"));
    assertStringIncludes(lines, "words");
  });
});
