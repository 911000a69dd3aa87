import { assert, assertEquals } from "@std/assert";
import {
  applyGain,
  type AudioFrame,
  autoGain,
  blockDc,
  encodeBase64,
  EnergyDetector,
  fillGaps,
  frontEnd,
  gateSpeech,
  measureVolume,
  rechunk,
  resample,
  type StageOutput,
  type StageSource,
  toMono,
} from "../mod.ts";
import { collect, frameOf, streamOf } from "./frames.ts";
import { joined, noise, voice } from "./sounds.ts";

const STEREO_48_KHZ = { sampleRate: 48_000, channelCount: 2 };

/** Silence, a voice, a hole, and a voice that goes on to the end. */
function recording(): AudioFrame[] {
  const hiss = noise(1, -60);
  const samples = joined(hiss, voice(1, 0.5), hiss, hiss, voice(0.5, 0.5));
  const frames: AudioFrame[] = [];
  // Blocks that no chunk is a multiple of.
  for (let begin = 0; begin < samples.length; begin += 1700) {
    const lostFrames = begin > 100_000 ? 900 : 0;
    const isBehindHole = lostFrames > 0 && frames.at(-1)!.position < 50_000;
    frames.push(
      frameOf(samples.subarray(begin, begin + 1700), begin / 2 + lostFrames, {
        format: STEREO_48_KHZ,
        ...(isBehindHole
          ? { discontinuity: { cause: "xrun", lostFrames } }
          : {}),
      }),
    );
  }
  return frames;
}

/** Every stage that does not wait by itself. */
function everything<From extends StageSource<AudioFrame>>(
  source: From,
): StageOutput<From, string> {
  const mono: StageSource<AudioFrame> = toMono(fillGaps(source));
  const resampled: StageSource<AudioFrame> = resample(mono, 24_000);
  const level = autoGain(applyGain(blockDc(resampled), 3));
  const audible = measureVolume(frontEnd(level, { gainDb: 1 }));
  const speech = gateSpeech(audible, new EnergyDetector());
  return encodeBase64(rechunk(speech, 2400)) as StageOutput<From, string>;
}

Deno.test("the stages give at once of a recording what they give of a stream", async () => {
  const ofStream = await collect(everything(streamOf(recording())));
  const ofRecording: string[] = [];
  for (const audio of everything(recording())) ofRecording.push(audio);
  assertEquals(ofRecording, ofStream);
  assert(ofRecording.length > 10);
});
