/**
 * The files of a flight record: a WAV, and a line of JSON for each event.
 *
 * @module
 */

import type { FlightRecord } from "../flight_recorder.ts";
import { wavHeader } from "../wav.ts";

/** Nobody else hears what was said. */
const MODE = 0o600;

/** What was written. */
export interface WrittenRecord {
  /** The audio. */
  readonly wavPath: string;
  /** The events. */
  readonly jsonPath: string;
  /** Audio that is silent, as it was overwritten before it was written. */
  readonly lostMs: number;
}

/**
 * Writes a record: `earshot-2026-11-23T21-00-00.000Z.wav`, named by the moment,
 * and the same with `.jsonl`, whose first line says what it is.
 *
 * @param record What is written.
 * @param folder Where to; it is made when it is not there.
 * @param reason Why.
 * @param nowMs The moment, in milliseconds of the Unix epoch.
 * @returns What was written.
 * @throws When it cannot be written. Nothing is ever overwritten.
 */
export async function writeFlightRecord(
  record: FlightRecord,
  folder: string,
  reason: string,
  nowMs: number,
): Promise<WrittenRecord> {
  const { format, frameCount, startTimeMs, lines } = record;
  const name = new Date(nowMs).toISOString().replaceAll(":", "-");
  const wavPath = `${folder}/earshot-${name}.wav`;
  const jsonPath = `${folder}/earshot-${name}.jsonl`;
  try {
    await Deno.mkdir(folder, { recursive: true });
    const lostFrames = await writeAudio(record, wavPath);
    const lostMs = Math.round(lostFrames * 1000 / format.sampleRate);
    const header = JSON.stringify({
      type: "earshot.record",
      reason,
      start_time: new Date(startTimeMs).toISOString(),
      duration_ms: Math.round(frameCount * 1000 / format.sampleRate),
      sample_rate: format.sampleRate,
      channels: format.channelCount,
      lost_ms: lostMs,
    });
    await Deno.writeTextFile(jsonPath, `${[header, ...lines].join("\n")}\n`, {
      createNew: true,
      mode: MODE,
    });
    return { wavPath, jsonPath, lostMs };
  } catch (cause) {
    throw new Error(
      `Cannot write the flight record "${wavPath}": ${
        (cause as Error).message
      }. Give --recorder-folder a place with room that you may write to`,
      { cause },
    );
  }
}

async function writeAudio(record: FlightRecord, path: string): Promise<number> {
  const { format, frameCount } = record;
  using file = await Deno.open(path, {
    write: true,
    createNew: true,
    mode: MODE,
  });
  const sampleBytes = frameCount * format.channelCount * 2;
  await writeAll(file, wavHeader(format, sampleBytes));
  let lostFrames = 0;
  for (const piece of record.pieces()) {
    if (piece.samples === undefined) lostFrames += piece.frameCount;
    const samples = piece.samples ??
      new Int16Array(piece.frameCount * format.channelCount);
    await writeAll(file, new Uint8Array(samples.buffer));
  }
  return lostFrames;
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  while (bytes.length > 0) bytes = bytes.subarray(await file.write(bytes));
}
