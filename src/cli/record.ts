/**
 * `earshot record`: the microphone into a WAV file.
 *
 * @module
 */

import { fillGaps } from "../fill_gaps.ts";
import type { AudioFrame } from "../frame.ts";
import { frontEnd } from "../front_end.ts";
import { rmsVolume } from "../volume.ts";
import { type WavFile, writeWav } from "../wav.ts";
import { type Command, COMMON_OPTIONS, MICROPHONE_OPTIONS } from "./command.ts";
import { Log } from "./log.ts";
import {
  frontEndOf,
  lossOf,
  openMicrophoneFor,
  takeSeconds,
} from "./microphone.ts";
import { duration, LevelMeter } from "./screen.ts";
import { explained } from "./write_errors.ts";

/** `earshot record`. */
export const record: Command = {
  name: "record",
  summary: "Record the microphone into a WAV file.",
  operands: ["OUT.wav"],
  options: [
    ...MICROPHONE_OPTIONS,
    "seconds",
    "fill-gaps",
    "fail-fast",
    ...COMMON_OPTIONS,
  ],
  details: `OUT.wav is overwritten; "-" writes to stdout, for a pipe.

Examples:
  earshot record note.wav                  until Ctrl-C
  earshot record --seconds 10 note.wav
  earshot record --device 1 --rate 48000 - | sox - note.flac`,

  async run(options, world) {
    const [path] = options.operands as [string];
    const log = new Log(options, world);
    await using microphone = await openMicrophoneFor(
      options,
      world,
      100,
      log,
    );
    const { sampleRate, channelCount } = microphone.parameters;
    const seconds = options.number("seconds");
    const captured: AsyncIterable<AudioFrame> = options.has("fill-gaps")
      ? fillGaps(microphone)
      : microphone;
    const whole = frontEnd(captured, frontEndOf(options));
    const source = seconds === undefined
      ? whole
      : takeSeconds(whole, microphone, seconds, world.clock);

    using output = await openOutput(path);
    const meter = new LevelMeter();
    let sampleCount = 0;
    try {
      for await (
        const { samples, timestampMs } of writeWav(
          source,
          output.file,
          microphone.parameters,
        )
      ) {
        sampleCount += samples.length;
        meter.update(rmsVolume(samples), timestampMs);
        const recordedMs = sampleCount / channelCount * 1000 / sampleRate;
        log.status.show(
          `● ${duration(recordedMs)} ${meter.bar} ${meter.figures}`,
        );
      }
    } finally {
      log.status.clear();
    }
    const recordedMs = sampleCount / channelCount * 1000 / sampleRate;
    const channels = `${channelCount} channel${channelCount === 1 ? "" : "s"}`;
    log.info(
      `Wrote ${path === "-" ? "to stdout" : path}: ${
        duration(recordedMs)
      }, ${sampleRate} Hz, ${channels}`,
    );
    const loss = lossOf(microphone);
    if (loss !== undefined) log.warn(loss);
  },
};

async function openOutput(
  path: string,
): Promise<{ file: WavFile } & Disposable> {
  if (path === "-") {
    const file: WavFile = {
      write: (bytes) => explained("stdout", Deno.stdout.write(bytes)),
    };
    return { file, [Symbol.dispose]() {} };
  }
  const name = `"${path}"`;
  // Deno.create() would ask for the permission to read it, too.
  const opening = Deno.open(path, {
    write: true,
    create: true,
    truncate: true,
  });
  const file = await explained(name, opening);
  const { isFile } = await file.stat();
  return {
    file: {
      write: (bytes) => explained(name, file.write(bytes)),
      // There is no way back in a pipe or a device.
      seek: isFile
        ? (offset) => explained(name, file.seek(offset, Deno.SeekMode.Start))
        : undefined,
    },
    [Symbol.dispose]: () => file.close(),
  };
}
