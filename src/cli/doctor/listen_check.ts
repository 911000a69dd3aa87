/**
 * What the microphone gives: three seconds of it.
 *
 * @module
 */

import { openMicrophone } from "../../microphone.ts";
import { SoundReport } from "../../sound_report.ts";
import type { World } from "../command.ts";
import { lossOf, takeSeconds } from "../microphone.ts";
import type { Finding } from "./finding.ts";

/** How long it is listened. */
const LISTEN_SECONDS = 3;

const FORMAT = { sampleRate: 24_000, channelCount: 1 } as const;

/** Speech at a usual gain is 20 dB louder than this. */
const QUIET_DBFS = -55;

/** A noise floor like this drowns quiet voices. */
const NOISY_DBFS = -35;

/** More clipping than a door that slams. */
const CLIPPED_SHARE = 0.0005;

/** A DC offset of this share of full scale is as loud as a usual RMS threshold. */
const DC_SHARE = 0.02;

/** Hum above this is heard. */
const HUM_DBFS = -60;

/** A real card is right within 0.01 %, a bad clock or driver is not. */
const RATE_ERROR = 0.005;

/**
 * Listens, and says what is wrong with what it hears.
 *
 * @param world Where it runs.
 * @param device ALSA's name of the device.
 */
export async function checkListening(
  world: World,
  device: string,
): Promise<Finding[]> {
  const check = "listening";
  const report = new SoundReport(FORMAT);
  let loss: string | undefined;
  try {
    await using microphone = await openMicrophone({
      ...FORMAT,
      device,
      reopen: false,
      signal: world.signal,
      openPcm: world.openPcm,
      clock: world.clock,
    });
    const frames = takeSeconds(
      microphone,
      microphone,
      LISTEN_SECONDS,
      world.clock,
    );
    for await (const frame of frames) report.add(frame);
    loss = lossOf(microphone);
  } catch (error) {
    world.signal.throwIfAborted();
    const { message } = error as Error;
    return [{ check, severity: "fail", text: message }];
  }
  const losses: Finding[] = loss === undefined ? [] : [{
    check,
    severity: "warn",
    text: loss,
    advice: "Look for what else runs",
  }];
  return [...judge(report), ...losses];
}

function judge(report: SoundReport): Finding[] {
  const check = "listening";
  const { figures } = report;
  if (figures.durationMs === 0) {
    return [{
      check,
      severity: "fail",
      text: "The microphone opened and gave no audio",
      advice: "Plug it out and in; end other programs that use it",
    }];
  }
  if (figures.isDigitalSilence) {
    return [{
      check,
      severity: "fail",
      text: "Only digital silence: all samples are equal",
      advice:
        'It is muted, the gain is zero, or this is the wrong input: alsamixer (F4), "earshot devices"',
    }];
  }
  const { noiseFloorDbfs, loudDbfs, peakDbfs, clippedShare } = figures;
  const level =
    `Noise floor ${noiseFloorDbfs} dBFS, loud moments ${loudDbfs} dBFS, peak ${
      peakDbfs.toFixed(1)
    } dBFS`;
  const findings: Finding[] = [];
  const warn = (text: string, advice: string) =>
    findings.push({ check, severity: "warn", text, advice });
  if (loudDbfs < QUIET_DBFS) {
    warn(
      `${level}: that is very quiet`,
      "Speak while it listens; if you did, raise the gain (alsamixer, F4)",
    );
  } else if (noiseFloorDbfs > NOISY_DBFS && clippedShare === 0) {
    warn(
      `${level}: that is a loud room, or you spoke all the time`,
      "Be silent for a moment while it listens; else lower the gain, or move the microphone",
    );
  } else findings.push({ check, severity: "ok", text: level });
  if (clippedShare > CLIPPED_SHARE) {
    warn(
      `${(clippedShare * 100).toFixed(2)} % of the samples are clipped`,
      "Lower the gain (alsamixer, F4), or speak from farther away",
    );
  }
  if (Math.abs(figures.dcOffset) > DC_SHARE) {
    warn(
      `A DC offset of ${(figures.dcOffset * 100).toFixed(1)} % of full scale`,
      "An RMS --vad-threshold takes it for sound: use --dc-block",
    );
  }
  if (figures.hum !== undefined && figures.hum.dbfs > HUM_DBFS) {
    const { mainsHz, dbfs } = figures.hum;
    warn(
      `A hum of ${mainsHz} Hz at ${dbfs.toFixed(0)} dBFS`,
      "Keep cables away from power supplies; try another supply or USB port",
    );
  }
  return [...findings, ...judgeRate(figures.sampleRateHz)];
}

function judgeRate(rateHz: number | undefined): Finding[] {
  const check = "sample rate";
  if (rateHz === undefined) {
    return [{
      check,
      severity: "info",
      text: "The sample rate could not be measured, as audio is missing",
    }];
  }
  const error = rateHz / FORMAT.sampleRate - 1;
  const text = `${rateHz.toFixed(0)} Hz by the clock, ${error < 0 ? "−" : "+"}${
    Math.abs(error * 100).toFixed(2)
  } %`;
  if (Math.abs(error) <= RATE_ERROR) return [{ check, severity: "ok", text }];
  return [{
    check,
    severity: "warn",
    text,
    advice:
      "Voices are too high or too low: try another --rate of the device, or another USB port",
  }];
}
