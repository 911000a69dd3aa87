import { assertEquals, assertRejects } from "@std/assert";
import type { AudioFrame } from "../src/frame.ts";
import { gateSpeech, type SpeechGateOptions } from "../src/speech_gate.ts";
import { RmsDetector, type VoiceActivityDetector } from "../src/vad.ts";
import { collect, frameOf, streamOf } from "./frames.ts";

/**
 * A stream drawn as text, a letter for each 20 ms: `S` loud, `.` silent. The
 * samples of each letter hold its index (plus 10000 where it is loud).
 */
function* drawn(picture: string): Generator<AudioFrame> {
  for (const [index, letter] of [...picture].entries()) {
    const sample = (letter === "S" ? 10_000 : 0) + index;
    yield frameOf(new Int16Array(480).fill(sample), index * 480);
  }
}

/** What the gate lets through of a drawn stream, drawn again, with its borders. */
async function gated(
  picture: string,
  options: SpeechGateOptions,
): Promise<string> {
  let result = "";
  for await (
    const { samples, speechStart, speechEnd } of gateSpeech(
      streamOf(drawn(picture)),
      new RmsDetector(0.02),
      options,
    )
  ) {
    if (speechStart) result += "[";
    if (samples.length > 0) result += samples[0]! >= 10_000 ? "S" : ".";
    if (speechEnd) result += "]";
  }
  return result;
}

const BARE = { preRollMs: 0, hangoverMs: 0 };

Deno.test("gateSpeech() lets only speech through and marks its borders", async () => {
  assertEquals(await gated("..SSS...S..", BARE), "[SSS][S]");
});

Deno.test("gateSpeech() sends the pre-roll with the onset, each block once", async () => {
  assertEquals(
    await gated("....SS......S", { preRollMs: 60, hangoverMs: 0 }),
    "[...SS][...S]",
  );
});

Deno.test("gateSpeech() has less pre-roll to send when speech comes early or again soon", async () => {
  assertEquals(
    await gated(".S..S", { preRollMs: 60, hangoverMs: 0 }),
    "[.S][..S]",
  );
});

Deno.test("gateSpeech() bridges pauses shorter than the hangover", async () => {
  assertEquals(
    await gated("S..S....S", { preRollMs: 0, hangoverMs: 60 }),
    "[S..S...][S]",
  );
});

Deno.test("gateSpeech() ends the utterance of a stream that ends while somebody speaks", async () => {
  assertEquals(await gated(".SS", BARE), "[SS]");
});

Deno.test("gateSpeech() lets nothing through of silence", async () => {
  assertEquals(await gated("......", BARE), "");
});

Deno.test("gateSpeech() tells where and when speech began and ended", async () => {
  const events: unknown[] = [];
  await collect(gateSpeech(streamOf(drawn("..SS..")), new RmsDetector(), {
    ...BARE,
    onSpeechStart: (onset) => events.push(onset),
    onSpeechEnd: (end) => events.push(end),
  }));
  assertEquals(events, [
    { position: 960, timestampMs: 40 },
    { position: 1920, timestampMs: 80 },
  ]);
});

Deno.test("gateSpeech() decides alike for blocks of any size", async () => {
  const samples = [...drawn("...SSSS....SS...")].flatMap((frame) => [
    ...frame.samples,
  ]);
  const outcomes = new Set<string>();
  for (const size of [1, 7, 480, 479, 4800, samples.length]) {
    const blocks: AudioFrame[] = [];
    for (let at = 0; at < samples.length; at += size) {
      blocks.push(frameOf(samples.slice(at, at + size), at));
    }
    const passed = await collect(
      gateSpeech(streamOf(blocks), new RmsDetector(), {
        preRollMs: 40,
        hangoverMs: 20,
      }),
    );
    outcomes.add(
      JSON.stringify(
        passed.map(({ position, samples, speechStart, speechEnd }) => [
          position,
          samples.length,
          speechStart,
          speechEnd,
        ]),
      ),
    );
  }
  assertEquals(outcomes.size, 1);
});

Deno.test("gateSpeech() gives a detector of one's own every block of its size, in order, once", async () => {
  const positions: number[] = [];
  let resets = 0;
  const detector: VoiceActivityDetector = {
    blockMs: 10,
    threshold: 0.5,
    score(samples) {
      positions.push(samples[0]!, samples.length);
      return 1;
    },
    reset: () => void resets++,
  };
  const ramp = Int16Array.from({ length: 700 }, (_, i) => i);
  await collect(gateSpeech(streamOf([frameOf(ramp, 0)]), detector));
  assertEquals(positions, [0, 240, 240, 240, 480, 220]);
  assertEquals(resets, 1);
});

Deno.test("gateSpeech() refuses settings outside their range", async () => {
  await assertRejects(
    () =>
      collect(gateSpeech(streamOf([]), new RmsDetector(), { hangoverMs: -1 })),
    RangeError,
    "Cannot use hangoverMs as it must be a number from 0 to 60000: current value is -1",
  );
});

Deno.test("gateSpeech() ends the utterance where the device was lost, and does not wait for it", async () => {
  const loud = Array.from({ length: 480 }, () => 9000);
  const frames = await collect(gateSpeech(
    streamOf([
      frameOf(loud, 0),
      frameOf(loud, 480),
      frameOf([], 960, { interrupted: true }),
      frameOf(loud, 96_000, {
        discontinuity: { cause: "device_lost", lostFrames: 95_040 },
      }),
    ]),
    new RmsDetector(),
  ));

  assertEquals(
    frames.map(({ position, speechStart, speechEnd }) => [
      position,
      speechStart ?? false,
      speechEnd ?? false,
    ]),
    [
      [0, true, false],
      [480, false, false],
      [960, false, true],
      [96_000, true, false],
      [96_480, false, true],
    ],
  );
});

Deno.test("gateSpeech() ends the utterance at a gap that is longer than the hangover", async () => {
  const loud = Array.from({ length: 480 }, () => 9000);
  const ends: number[] = [];
  await collect(gateSpeech(
    streamOf([
      frameOf(loud, 0),
      frameOf(loud, 480 + 2400, {
        discontinuity: { cause: "xrun", lostFrames: 2400 },
      }),
      frameOf(loud, 3360 + 24_000, {
        discontinuity: { cause: "xrun", lostFrames: 24_000 },
      }),
    ]),
    new RmsDetector(),
    { onSpeechEnd: ({ position }) => ends.push(position) },
  ));
  assertEquals(ends, [3360, 27_840]);
});

Deno.test("gateSpeech() sends nothing from before a hole as pre-roll, and keeps the mark of the hole", async () => {
  const loud = Array.from({ length: 480 }, () => 9000);
  const quiet = Array.from({ length: 480 }, () => 1);
  const frames = await collect(gateSpeech(
    streamOf([
      frameOf(quiet, 0),
      frameOf(quiet, 480),
      frameOf(quiet, 960 + 1000, {
        discontinuity: { cause: "xrun", lostFrames: 1000 },
      }),
      frameOf(quiet, 2440),
      frameOf(loud, 2920 + 500, {
        discontinuity: { cause: "slow_consumer", lostFrames: 500 },
      }),
    ]),
    new RmsDetector(),
  ));

  assertEquals(
    frames.map(({ position, discontinuity }) => [position, discontinuity]),
    [
      [3420, { cause: "xrun", lostFrames: 1500 }],
      [3900, undefined],
    ],
  );
});

Deno.test("gateSpeech() ends the utterance when its source fails", async () => {
  const loud = Array.from({ length: 700 }, () => 9000);
  async function* failing() {
    yield* streamOf([frameOf(loud, 0)]);
    throw new Error("the card is gone");
  }
  const frames: AudioFrame[] = [];
  const ends: number[] = [];
  await assertRejects(
    async () => {
      const gated = gateSpeech(failing(), new RmsDetector(), {
        onSpeechEnd: ({ position }) => ends.push(position),
      });
      for await (const frame of gated) frames.push(frame);
    },
    Error,
    "the card is gone",
  );
  assertEquals(frames.map(({ position }) => position), [0, 480, 700]);
  assertEquals(frames.at(-1)!.speechEnd, true);
  assertEquals(ends, [700]);
});
