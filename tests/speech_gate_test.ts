import { assert, assertEquals, assertRejects } from "@std/assert";
import type { AudioFrame } from "../src/frame.ts";
import {
  gateSpeech,
  type SpeechBorder,
  type SpeechGateOptions,
} from "../src/speech_gate.ts";
import type { VoiceActivityDetector } from "../src/vad/detector.ts";
import { RmsDetector } from "../src/vad/energy_detector.ts";
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
    { position: 960, timestampMs: 40, audioPosition: 960 },
    { position: 1920, timestampMs: 80, audioPosition: 1920 },
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

/** A detector that scores what is drawn: the value of each 20 ms, from 0 to 9. */
function scoring(
  picture: string,
  settings: Partial<VoiceActivityDetector> = {},
): VoiceActivityDetector {
  let next = 0;
  return {
    blockMs: 20,
    threshold: 0.5,
    ...settings,
    score: () => Number(picture[next++]) / 10,
    reset: () => void (next = 0),
  };
}

/** Which blocks of a drawn stream go out, by their index, in utterances. */
async function utterancesOf(
  picture: string,
  settings: Partial<VoiceActivityDetector>,
  options: SpeechGateOptions,
): Promise<string[]> {
  const utterances: string[] = [];
  const blocks = [...picture].map((letter, index) =>
    frameOf(new Int16Array(480).fill(10 * Number(letter) + 1), index * 480)
  );
  for await (
    const { position, samples, speechStart } of gateSpeech(
      streamOf(blocks),
      scoring(picture, settings),
      options,
    )
  ) {
    if (speechStart) utterances.push("");
    if (samples.length === 0) continue;
    utterances.push(utterances.pop()! + picture[position / 480]);
  }
  return utterances;
}

Deno.test("gateSpeech() begins an utterance above the onset's threshold and ends it below the offset's", async () => {
  assertEquals(
    await utterancesOf("0446440000044", { offsetThreshold: 0.3 }, BARE),
    ["644"],
  );
  assertEquals(
    await utterancesOf("0446440000044", {}, {
      ...BARE,
      onsetThreshold: 0.35,
      offsetThreshold: 0.1,
    }),
    ["44644", "44"],
  );
});

Deno.test("gateSpeech() counts the pre-roll from where it began to be in doubt", async () => {
  const doubtful = { doubtThreshold: 0.2 };
  assertEquals(
    await utterancesOf("0100433690", doubtful, BARE),
    ["43369"],
  );
  assertEquals(
    await utterancesOf("1113336900", doubtful, {
      preRollMs: 40,
      hangoverMs: 0,
    }),
    ["1133369"],
  );
  // That of a block with which the utterance before ended counts, too.
  assertEquals(
    await utterancesOf("0933900000", doubtful, BARE),
    ["9", "339"],
  );
});

Deno.test("gateSpeech() is in doubt until that was over for 300 ms", async () => {
  const doubtful = { doubtThreshold: 0.2 };
  const dip = "0".repeat(300 / 20);
  assertEquals(
    await utterancesOf(`03${dip}900`, doubtful, BARE),
    [`3${dip}9`],
  );
  assertEquals(await utterancesOf(`03${dip}0900`, doubtful, BARE), ["9"]);
  // An utterance that is over leaves no doubt behind.
  assertEquals(await utterancesOf("390090", doubtful, BARE), ["39", "9"]);
});

Deno.test("gateSpeech() has no doubt with a detector that tells of none", async () => {
  assertEquals(
    await utterancesOf("0404409040", { offsetThreshold: 0.3 }, BARE),
    ["9"],
  );
  // Not of what was too short to be speech, either.
  assertEquals(
    await utterancesOf("0909900", {}, { ...BARE, minSpeechMs: 40 }),
    ["99"],
  );
});

Deno.test("gateSpeech() reaches back by eight seconds at the most, and tells the onset where it is", async () => {
  const borders: SpeechBorder[] = [];
  const picture = "3".repeat(450) + "90";
  await collect(gateSpeech(
    streamOf(drawn(".".repeat(452))),
    scoring(picture, { doubtThreshold: 0.2 }),
    { preRollMs: 60, hangoverMs: 0, onSpeechStart: (it) => borders.push(it) },
  ));
  assertEquals(
    borders.map(({ position, audioPosition }) => [
      position / 480,
      audioPosition / 480,
    ]),
    [[450, 47]],
  );
});

Deno.test("gateSpeech() waits until there was enough speech, and sends it all behind the pre-roll", async () => {
  assertEquals(
    await utterancesOf("0120900999900", { minSpeechMs: 60 }, {
      preRollMs: 40,
      hangoverMs: 0,
    }),
    ["009999"],
  );
  assertEquals(
    await utterancesOf("0090099000", {}, { ...BARE, minSpeechMs: 60 }),
    [],
  );
});

Deno.test("gateSpeech() tells where speech is and where the audio that goes out is", async () => {
  const borders: SpeechBorder[] = [];
  await collect(gateSpeech(
    streamOf(drawn("............")),
    scoring("000099900000", { minSpeechMs: 40 }),
    {
      preRollMs: 40,
      hangoverMs: 60,
      onSpeechStart: (onset) => borders.push(onset),
      onSpeechEnd: (end) => borders.push(end),
    },
  ));
  assertEquals(borders, [
    { position: 4 * 480, timestampMs: 80, audioPosition: 2 * 480 },
    { position: 7 * 480, timestampMs: 140, audioPosition: 10 * 480 },
  ]);
});

Deno.test("gateSpeech() cuts an utterance that is too long at its quietest moment, without losing a block", async () => {
  const talk = "9".repeat(45) + "878" + "9".repeat(40) + "868" + "9".repeat(9);
  const borders: [number, boolean | undefined][] = [];
  const utterances = await utterancesOf(talk, {}, {
    ...BARE,
    maxUtteranceMs: 1000,
    onSpeechStart: ({ position, isForced }) =>
      borders.push([position / 480, isForced]),
    onSpeechEnd: ({ position, isForced }) =>
      borders.push([position / 480, isForced]),
  });
  assertEquals(utterances, [
    "9".repeat(45) + "8",
    "78" + "9".repeat(40) + "8",
    "68" + "9".repeat(9),
  ]);
  assertEquals(borders, [
    [0, undefined],
    [46, true],
    [46, true],
    [89, true],
    [89, true],
    [100, undefined],
  ]);
});

Deno.test("gateSpeech() ends an utterance at the limit without another one when the speaker has stopped before", async () => {
  const talk = "9".repeat(30) + "0".repeat(40);
  const borders: SpeechBorder[] = [];
  const utterances = await utterancesOf(talk, {}, {
    preRollMs: 0,
    hangoverMs: 5000,
    maxUtteranceMs: 1000,
    onSpeechStart: (onset) => borders.push(onset),
    onSpeechEnd: (end) => borders.push(end),
  });
  assertEquals(utterances, ["9".repeat(30) + "0".repeat(20)]);
  assertEquals(
    borders.map(({ position, audioPosition, isForced }) => [
      position / 480,
      audioPosition / 480,
      isForced,
    ]),
    [[0, 0, undefined], [30, 50, undefined]],
  );
});

Deno.test("gateSpeech() gives whole utterances that hold speech, for any scores and settings", async () => {
  const seed = Number(Deno.env.get("EARSHOT_SEED") ?? 1);
  let state = seed;
  const random = () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 >>> 0;
    return state / 2 ** 32;
  };
  const among = <T>(values: readonly T[]) =>
    values[Math.floor(random() * values.length)]!;
  for (let run = 0; run < 300; run++) {
    const isOften = random();
    let score = "0";
    const picture = Array.from({ length: 400 }, () => {
      if (random() < 0.15) {
        score = random() < isOften ? among([..."46789"]) : "0";
      }
      return score;
    }).join("");
    const options = {
      onsetThreshold: 0.55,
      offsetThreshold: among([0.3, 0.55]),
      minSpeechMs: among([0, 40, 100]),
      preRollMs: among([0, 60, 300, 2000]),
      hangoverMs: among([0, 60, 500, 5000]),
      maxUtteranceMs: among([1000, 1500, 3000]),
    };
    const what = `seed ${seed}, run ${run}: ${JSON.stringify(options)}`;
    const spans: [onset: number, end: number][] = [];
    const blocks = [...picture].map((letter, index) =>
      frameOf(new Int16Array(480).fill(10 * Number(letter)), index * 480)
    );
    const frames = await collect(
      gateSpeech(streamOf(blocks), scoring(picture), {
        ...options,
        onSpeechStart: ({ position }) => spans.push([position / 480, NaN]),
        onSpeechEnd: ({ position }) => spans.at(-1)![1] = position / 480,
      }),
    );

    for (const [onset, end] of spans) assert(onset < end, what);
    let utterance: number[] | undefined;
    let utteranceCount = 0;
    let lastIndex = -1;
    for (const { position, samples, speechStart, speechEnd } of frames) {
      if (speechStart) {
        assertEquals(utterance, undefined, what);
        utterance = [];
      }
      if (samples.length > 0) {
        const index = position / 480;
        assert(index > lastIndex, `a block twice, ${what}`);
        assertEquals(samples, blocks[index]!.samples, what);
        if (!speechStart) assertEquals(index, lastIndex + 1, what);
        lastIndex = index;
        utterance!.push(index);
      }
      if (!speechEnd) continue;
      const [onset, end] = spans[utteranceCount++]!;
      assert(onset >= utterance![0]! && end <= utterance!.at(-1)! + 1, what);
      assert(
        utterance!.some((index) =>
          Number(picture[index]) / 10 > options.offsetThreshold
        ),
        `an utterance without speech, ${what}`,
      );
      utterance = undefined;
    }
    assertEquals(utterance, undefined, what);
    assertEquals(utteranceCount, spans.length, what);
  }
});

for (
  const [wrong, error, message] of [
    [{}, TypeError, "with a function score()"],
    [undefined, TypeError, "Cannot use detector"],
    [{ ...new RmsDetector(), score: () => 0 }, TypeError, "function reset()"],
    [scoring("", { blockMs: -1 }), RangeError, "Cannot use detector.blockMs"],
    [scoring("", { blockMs: NaN }), RangeError, "Cannot use detector.blockMs"],
    [
      scoring("", { threshold: 2 }),
      RangeError,
      "Cannot use detector.threshold",
    ],
    [
      scoring("", { doubtThreshold: -1 }),
      RangeError,
      "Cannot use detector.doubtThreshold",
    ],
  ] as const
) {
  Deno.test(`gateSpeech() refuses what is no detector: ${message}`, async () => {
    const detector = wrong as VoiceActivityDetector;
    await assertRejects(
      () => collect(gateSpeech(streamOf([]), detector)),
      error,
      message,
    );
  });
}

Deno.test("gateSpeech() refuses a score that is no number", async () => {
  for (const score of [NaN, undefined, Promise.resolve(Infinity)]) {
    const detector = { ...scoring("0"), score: () => score as number };
    await assertRejects(
      () => collect(gateSpeech(streamOf(drawn(".")), detector)),
      TypeError,
      "Cannot use the detector's score",
    );
  }
});

Deno.test("gateSpeech() holds nothing back when an utterance ends near the limit", async () => {
  const talk = "9".repeat(40) + "7";
  assertEquals(
    await utterancesOf(talk + "000", {}, { ...BARE, maxUtteranceMs: 1000 }),
    [talk],
  );
  assertEquals(
    await utterancesOf(talk, {}, { ...BARE, maxUtteranceMs: 1000 }),
    [talk],
  );
});

Deno.test("gateSpeech() waits for a detector that answers later", async () => {
  const detector = scoring("0990");
  const frames = await collect(gateSpeech(streamOf(drawn("....")), {
    ...detector,
    score: async (...args) => await detector.score(...args),
  }, BARE));
  assertEquals(frames.map(({ position }) => position / 480), [1, 2, 3]);
});

Deno.test("gateSpeech() tells the score of every block", async () => {
  const scores: [number, number][] = [];
  await collect(gateSpeech(streamOf(drawn("....")), scoring("0391"), {
    onScore: (score, { position }) => scores.push([position / 480, score]),
  }));
  assertEquals(scores, [[0, 0], [1, 0.3], [2, 0.9], [3, 0.1]]);
});

Deno.test("gateSpeech() tells where speech was, less the lag of its detector", async () => {
  class Late extends RmsDetector {
    readonly lagMs = 40;
  }
  const borders: SpeechBorder[] = [];
  const gate = gateSpeech(
    streamOf(drawn("......SSSS....S......")),
    new Late(0.02),
    {
      preRollMs: 60,
      hangoverMs: 20,
      onSpeechStart: (border) => borders.push(border),
      onSpeechEnd: (border) => borders.push(border),
    },
  );
  const frames = await collect(gate);
  // Blocks of 20 ms; the pre-roll is before the onset that is told.
  assertEquals(borders.map(({ position }) => position / 480), [4, 8, 12, 13]);
  assertEquals(
    borders.map(({ audioPosition }) => audioPosition / 480),
    [1, 11, 11, 16],
  );
  assertEquals(borders[0]!.timestampMs, borders[1]!.timestampMs - 80);
  assertEquals(frames[0]!.position, 1 * 480);
});

Deno.test("gateSpeech() takes no more lag off than there is audio", async () => {
  class Late extends RmsDetector {
    readonly lagMs = 500;
  }
  const positions: number[] = [];
  const tell = ({ position }: SpeechBorder) => positions.push(position / 480);
  await collect(
    gateSpeech(streamOf(drawn("..SS....")), new Late(0.02), {
      preRollMs: 20,
      hangoverMs: 0,
      onSpeechStart: tell,
      onSpeechEnd: tell,
    }),
  );
  assertEquals(positions, [0, 0]);
});
