/**
 * The whole pipeline, from a fake device to a server in memory, under random
 * faults of both. `EARSHOT_SEQUENCES` says how many sequences, `EARSHOT_SEED`
 * which one comes first.
 */

import { assert, assertEquals } from "@std/assert";
import { AudioCaptureManager } from "../src/manager.ts";
import { RealtimeConnectionManager } from "../src/realtime/connection.ts";
import type { RealtimeUtterance } from "../src/realtime/connection.ts";
import { base64ToPcm16 } from "../src/base64.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import { FakePcm, type FakePcmStep } from "../src/testing/fake_pcm.ts";
import { Random } from "../train/random.ts";
import { ScriptedPeer } from "./scripted_peer.ts";

const SEQUENCE_COUNT = Number(Deno.env.get("EARSHOT_SEQUENCES") ?? 500);
const FIRST_SEED = Number(Deno.env.get("EARSHOT_SEED") ?? 1);

const FRAMES_PER_MS = 24;
const FAULTY_MS = 3000;

/** How much silence a script may have before its end is all there is. */
const HEALING_MS = 6000;

/**
 * Loud samples that say where they are: three in a row hold their place, each in
 * a range of its own.
 */
function sampleAt(position: number): number {
  const place = Math.floor(position / 3);
  switch (position % 3) {
    case 0:
      return 8000 + (place & 0xfff);
    case 1:
      return 12_100 + (place >> 12);
    default:
      return 16_200;
  }
}

/** Where a stretch of such samples was heard, if it holds three of them. */
function positionOf(samples: Int16Array): number | undefined {
  const offset = samples.findIndex((sample, index) =>
    sample >= 8000 && sample < 12_100 && samples[index + 2] === 16_200
  );
  if (offset < 0) return undefined;
  const place = samples[offset]! - 8000 + (samples[offset + 1]! - 12_100 << 12);
  return place * 3 - offset;
}

/** Bursts of speech, pauses, and whatever can happen to a sound card. */
function scriptOf(random: Random): FakePcmStep[] {
  const script: FakePcmStep[] = [];
  let ms = 0;
  while (ms < FAULTY_MS) {
    const durationMs = 40 + random.below(500);
    const isLoud = random.chance(0.6);
    const begin = ms * FRAMES_PER_MS;
    script.push(
      isLoud
        ? {
          type: "samples",
          samples: Int16Array.from(
            { length: durationMs * FRAMES_PER_MS },
            (_, index) => sampleAt(begin + index),
          ),
        }
        : { type: "silence", durationMs },
    );
    ms += durationMs;
    // Before that it is being opened for the first time.
    if (ms > 300 && random.chance(0.35)) script.push(faultOf(random));
  }
  return script;
}

function faultOf(random: Random): FakePcmStep {
  switch (random.below(5)) {
    case 0:
      return { type: "xrun" };
    case 1:
      return {
        type: "suspend",
        durationMs: random.below(400),
        resumable: random.chance(0.5),
      };
    case 2:
      return {
        type: "error",
        errno: random.pick([4, 5, 11, 19, 22, 32, 77, 86, 110]),
      };
    case 3:
      return { type: "unplug", durationMs: random.below(800) };
    default:
      return { type: "stall", durationMs: random.below(900) };
  }
}

/** Runs one sequence; every claim about it is checked at its end. */
async function runSequence(seed: number): Promise<void> {
  const random = new Random(seed);
  const clock = new FakeClock();
  const peer = new ScriptedPeer(clock, random);
  peer.isHealed = true;
  const fake = new FakePcm({
    clock,
    script: scriptOf(random),
    continuous: true,
    maxReadFrames: random.chance(0.2) ? 500 + random.below(2000) : undefined,
  });
  // Whoever finds the turns: where it is the server, only the books are checked.
  const isServerVad = random.chance(0.2);
  peer.findsTurns = isServerVad;
  const connection = new RealtimeConnectionManager({
    apiKey: "sk-test",
    mode: isServerVad ? "conversation" : "transcription",
    clock,
    createWebSocket: peer.connect,
    keepMs: random.pick([150, 400, 1500, 60_000]),
    setupTimeoutMs: 200,
    deadPeerMs: 1000,
    renewAfterMs: random.pick([1000, 1500, 3_300_000]),
    reconnect: { initialDelayMs: 30, maxDelayMs: 200 },
  });
  connection.on("error", () => {});
  const utterances: RealtimeUtterance[] = [];
  connection.on("utterance", (utterance) => utterances.push(utterance));
  /** What was handed to the connection, by utterance. */
  const spoken: string[][] = [];
  let open: string[] = [];
  const manager = new AudioCaptureManager(
    {
      openPcm: fake.open,
      clock,
      chunkSize: 2400,
      bufferSize: 2400,
      vadEnabled: !isServerVad || random.chance(0.5),
      vadThreshold: 0.02,
      vadHangoverMs: 60,
      vadPreRollMs: 40,
      stallMs: 500,
      fillGaps: random.chance(0.3),
    },
    { onError: () => {} },
    {
      sendEvent: (event, captured) => {
        if (event.type === "input_audio_buffer.append") open.push(event.audio);
        return connection.sendEvent(event, captured);
      },
      endTurn: () => {
        spoken.push(open);
        open = [];
        connection.endTurn();
      },
      getStats: () => connection.getStats(),
    },
  );

  const during = async (promise: Promise<unknown>, limitMs: number) => {
    let isDone = false;
    promise.finally(() => isDone = true).catch(() => {});
    for (let ms = 0; ms < limitMs && !isDone; ms += 50) await clock.advance(50);
    assert(isDone, "it never ends");
    await promise;
  };
  await during(connection.start(), 1000);
  await during(manager.initialize(), 1000);
  await during(manager.startRecording(), 1000);
  peer.isHealed = false;
  for (let ms = 0; ms < FAULTY_MS; ms += 300) {
    await clock.advance(300);
    if (random.chance(0.05)) manager.pause();
    if (random.chance(0.3)) manager.resume();
    checkBooks(manager);
  }
  manager.resume();
  peer.isHealed = true;
  await clock.advance(HEALING_MS);
  checkBooks(manager);
  await during(manager.dispose(), 5000);
  await during(connection.stop({ drainMs: 3000 }), 9000);

  const stats = checkBooks(manager);
  assertEquals(
    [stats.bufferSamples, stats.queuedSamples, stats.keptSamples],
    [0, 0, 0],
    "something was left behind",
  );
  assertEquals(fake.heldCount, 0, "a device was not closed");
  assertEquals(clock.sleeperCount, peer.sleeperCount, "a timer is left");
  if (isServerVad) return;
  const sent = connection.getStats();
  assertEquals(
    sent.committedUtteranceCount + sent.refusedUtteranceCount +
      sent.droppedUtteranceCount + sent.shortUtteranceCount,
    spoken.length,
    "an utterance is neither committed nor counted as dropped",
  );
  assertEquals(utterances.length, sent.committedUtteranceCount);
  assertEquals(peer.committed.length, utterances.length);
  checkCommits(peer.committed, spoken, utterances);
}

/** Every captured sample is accounted for, at any moment. */
function checkBooks(manager: AudioCaptureManager) {
  const stats = manager.getStats();
  assertEquals(
    stats.deliveredSamples + stats.bufferSamples + stats.queuedSamples +
      stats.gatedSamples + stats.pausedSamples + stats.droppedSamples,
    stats.totalSamples + stats.filledSamples,
    "captured samples",
  );
  assert(stats.queuedSamples >= 0 && stats.keptSamples >= 0);
  assertEquals(
    stats.sentSamples + stats.keptSamples + stats.unsentSamples,
    stats.deliveredSamples,
    "delivered samples",
  );
  assertEquals(
    Object.values(stats.lostSamplesByCause).reduce((sum, n) => sum + n),
    stats.lostSamples,
  );
  return stats;
}

/** Every commit is one utterance, whole unless it says so, and only once. */
function checkCommits(
  committed: string[][],
  spoken: string[][],
  utterances: RealtimeUtterance[],
): void {
  let next = 0;
  for (const [index, commit] of committed.entries()) {
    const { isCut } = utterances[index]!;
    const audio = commit.join("|");
    while (next < spoken.length && !isPartOf(commit, spoken[next]!)) next++;
    assert(next < spoken.length, "a commit repeats or mixes utterances");
    assert(isCut || audio === spoken[next]!.join("|"), "a silent cut");
    next++;
    checkPlaces(commit);
  }
}

/** Whether all chunks are of an utterance, in their order. */
function isPartOf(commit: string[], utterance: string[]): boolean {
  let index = 0;
  for (const chunk of utterance) if (chunk === commit[index]) index++;
  return index === commit.length;
}

/** What was loud is where it says, to the sample, and goes forward. */
function checkPlaces(commit: string[]): void {
  let last = -1;
  for (const chunk of commit) {
    const position = positionOf(base64ToPcm16(chunk));
    if (position === undefined) continue;
    assert(position > last, "audio goes back in time");
    last = position;
  }
}

Deno.test(`${SEQUENCE_COUNT} random fault sequences from seed ${FIRST_SEED} leave no sample unaccounted for, and commit every utterance once or count it`, async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEQUENCE_COUNT; seed++) {
    try {
      await runSequence(seed);
    } catch (error) {
      throw new Error(
        `Seed ${seed} (EARSHOT_SEED=${seed} EARSHOT_SEQUENCES=1 repeats it)`,
        { cause: error },
      );
    }
  }
});
