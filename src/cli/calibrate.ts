/**
 * `earshot calibrate`: which settings suit a microphone, its room and a voice.
 *
 * @module
 */

import { rechunk } from "../rechunk.ts";
import { createDetector } from "../vad/create_detector.ts";
import type { VoiceActivityDetector } from "../vad/detector.ts";
import { rmsVolume } from "../volume.ts";
import {
  type Command,
  COMMON_OPTIONS,
  deviceNameOf,
  type World,
} from "./command.ts";
import { Log } from "./log.ts";
import { lossOf, openMicrophoneFor, takeSeconds } from "./microphone.ts";
import {
  isKept,
  type MicrophoneSettings,
  microphonesPath,
  saveMicrophoneSettings,
} from "./microphone_settings.ts";
import type { Options } from "./options.ts";
import {
  adviceFor,
  type RoomAdvice,
  type RoomFigures,
  RoomMeter,
} from "./room_meter.ts";
import { LevelMeter } from "./screen.ts";
import { table } from "./table.ts";
import { UsageError } from "./usage_error.ts";

/** Cards and sound servers begin with clicks and ramps. */
const SETTLE_SECONDS = 0.5;

/** How long it is to be quiet, and then to be spoken. */
const QUIET_SECONDS = 3;
const SPEECH_SECONDS = 6;

/** Less speech than this says little about a voice. */
const LEAST_SPEECH_MS = 1000;

/** A quiet room that scores more is none: somebody speaks in it. */
const HIGHEST_QUIET_SCORE = 0.8;

const BLOCK_MS = 20;

/** What may be wrong beyond what settings can mend. */
const CLIPPED_SHARE = 0.0005;
const NOISE_DISTANCE_DB = 12;
const HUM_DBFS = -60;

/** `earshot calibrate`. */
export const calibrate: Command = {
  name: "calibrate",
  summary: "Find the settings for a microphone, and keep them.",
  options: [
    "device",
    "channel",
    "vad-engine",
    "json",
    "dry-run",
    "forget",
    ...COMMON_OPTIONS,
  ],
  details:
    `It listens for three seconds while you are silent, and for six while you speak
as you will do later. What it recommends is kept for this microphone in the file
microphones.json beside that of the settings, and used by every command that
listens to it, unless a flag, a variable or the file of settings says otherwise.
The threshold is that of --vad-engine, neural or energy.

Examples:
  earshot calibrate
  earshot calibrate --device 1 --vad-engine energy
  earshot calibrate --dry-run --json
  earshot calibrate --forget`,

  async run(options, world) {
    const log = new Log(options, world);
    const engine = options.text("vad-engine") ?? "neural";
    if (engine === "silero") {
      throw new UsageError(
        'Cannot calibrate the engine "silero", which is used as its makers set it: choose neural or energy',
      );
    }
    const device = deviceNameOf(options, world);
    const path = microphonesPath(options, world);
    const keeps = !options.has("dry-run");
    if (path === undefined && (keeps || options.has("forget"))) {
      throw new UsageError(
        "Cannot keep the settings without a home: give --config FILE, which they are put beside, or --dry-run",
      );
    }
    // A file that cannot be read is told now, not when somebody has spoken.
    const had = path !== undefined && isKept(path, device);
    if (options.has("forget")) {
      if (had && keeps) await saveMicrophoneSettings(path, device, undefined);
      log.info(
        had
          ? `${keeps ? "Forgot" : "Would forget"} "${device}"`
          : `Nothing is kept for "${device}"`,
      );
      return;
    }
    const detector = createDetector({ engine: engine as "neural" | "energy" });
    const figures = await listen(options, world, detector, log);
    if (world.signal.aborted) return;
    const advice = isComplete(figures)
      ? adviceFor(figures, detector.threshold)
      : undefined;
    const settings = advice && settingsOf(advice, engine, detector.threshold);
    let saved: string | undefined;
    try {
      if (settings !== undefined && keeps) {
        await saveMicrophoneSettings(path!, device, settings);
        saved = path;
      }
    } finally {
      // What was measured is not lost with a file that cannot be written.
      world.stdout.write(
        options.has("json")
          ? json({ device, figures, settings, advice, saved })
          : report(figures, advice, engine),
      );
      for (const text of warningsOf(figures, advice, engine)) log.warn(text);
    }
    if (advice === undefined) throw new Error(whyIncomplete(figures));
    if (saved !== undefined) {
      log.info(`Kept for "${device}" in ${saved}`);
    } else log.info("Nothing was kept, as --dry-run says");
  },
};

type CompleteFigures = RoomFigures & { readonly speechDbfs: number };

/** Whether there is enough to go by. */
function isComplete(figures: RoomFigures): figures is CompleteFigures {
  return figures.speechDbfs !== undefined &&
    figures.speechMs >= LEAST_SPEECH_MS && !figures.isDigitalSilence &&
    figures.quietScore <= HIGHEST_QUIET_SCORE;
}

async function listen(
  options: Options,
  world: World,
  detector: VoiceActivityDetector,
  log: Log,
): Promise<RoomFigures> {
  await using microphone = await openMicrophoneFor(
    options,
    world,
    BLOCK_MS,
    log,
  );
  const { sampleRate } = microphone.parameters;
  const room = new RoomMeter(microphone.parameters, detector);
  const level = new LevelMeter();
  const beginQuiet = SETTLE_SECONDS * sampleRate;
  const beginSpeech = beginQuiet + QUIET_SECONDS * sampleRate;
  const frames = takeSeconds(
    microphone,
    microphone,
    SETTLE_SECONDS + QUIET_SECONDS + SPEECH_SECONDS,
    world.clock,
  );
  const blocks = rechunk(
    frames,
    Math.round(detector.blockMs * sampleRate / 1000),
  );
  log.info(`Be silent for ${QUIET_SECONDS} s`);
  let isTold = false;
  try {
    for await (const block of blocks) {
      const { position, samples, timestampMs } = block;
      if (position < beginQuiet) continue;
      const isQuiet = position < beginSpeech;
      if (!isQuiet && !isTold) {
        log.status.clear();
        log.info(
          `Now speak for ${SPEECH_SECONDS} s, as loud and as near as later: say what you see around you`,
        );
        isTold = true;
      }
      await room.add(block, isQuiet);
      level.update(rmsVolume(samples), timestampMs);
      log.status.show(`${isQuiet ? "○" : "●"} ${level.bar} ${level.figures}`);
    }
  } finally {
    log.status.clear();
  }
  const loss = lossOf(microphone);
  if (loss !== undefined) log.warn(loss);
  return room.figures;
}

/** What is kept: what differs from the defaults. */
function settingsOf(
  advice: RoomAdvice,
  engine: string,
  threshold: number,
): MicrophoneSettings {
  return {
    ...(advice.dcBlock && { "dc-block": true }),
    ...(advice.gainDb !== 0 && { "gain-db": advice.gainDb }),
    ...(engine === "energy" && {
      "vad-engine": "energy",
      "vad-threshold": advice.rmsThreshold,
    }),
    ...(engine === "neural" && advice.neuralThreshold !== threshold && {
      "vad-engine": "neural",
      "vad-threshold": advice.neuralThreshold,
    }),
  };
}

function report(
  figures: RoomFigures,
  advice: RoomAdvice | undefined,
  engine: string,
): string {
  const { speechDbfs, noiseDbfs, clippedShare, dcOffset, hum } = figures;
  const rows = [
    ["Noise", dbfs(noiseDbfs)],
    [
      "Speech",
      speechDbfs === undefined
        ? "none"
        : `${dbfs(speechDbfs)}${above(speechDbfs, noiseDbfs)}, ${
          (figures.speechMs / 1000).toFixed(1)
        } s of it`,
    ],
    ["Loudest sample", dbfs(figures.peakDbfs)],
    [
      "Clipped",
      clippedShare === 0 ? "nothing" : `${percent(clippedShare)} of all`,
    ],
    ["DC offset", percent(dcOffset)],
    [
      "Hum",
      hum === undefined ? "none" : `${hum.mainsHz} Hz at ${dbfs(hum.dbfs)}`,
    ],
  ];
  const measured = table([["MEASURED", ""], ...rows]);
  if (advice === undefined) return measured;
  const threshold = engine === "energy"
    ? advice.rmsThreshold
    : advice.neuralThreshold;
  const recommended = table([
    ["RECOMMENDED", ""],
    ["--gain-db", String(advice.gainDb)],
    [advice.dcBlock ? "--dc-block" : "--no-dc-block", ""],
    ["--vad-engine", engine],
    ["--vad-threshold", String(threshold)],
  ]);
  const other = engine === "energy"
    ? ""
    : `\nAs an RMS threshold, alone: --vad-threshold ${advice.rmsThreshold}\n`;
  return `${measured}\n${recommended}${other}`;
}

function json({ device, figures, advice, settings, saved }: {
  device: string;
  figures: RoomFigures;
  advice: RoomAdvice | undefined;
  settings: MicrophoneSettings | undefined;
  saved: string | undefined;
}): string {
  const { hum, speechDbfs } = figures;
  return `${
    JSON.stringify({
      type: "earshot.calibration",
      device,
      noise_dbfs: finite(figures.noiseDbfs),
      speech_dbfs: finite(speechDbfs),
      speech_ms: Math.round(figures.speechMs),
      peak_dbfs: finite(figures.peakDbfs),
      clipped_share: figures.clippedShare,
      dc_offset: Math.round(figures.dcOffset * 1e5) / 1e5,
      hum: hum === undefined
        ? null
        : { mains_hz: hum.mainsHz, dbfs: finite(hum.dbfs) },
      rms_threshold: advice?.rmsThreshold ?? null,
      settings: settings ?? null,
      kept_in: saved ?? null,
    })
  }\n`;
}

function warningsOf(
  figures: RoomFigures,
  advice: RoomAdvice | undefined,
  engine: string,
): string[] {
  const { clippedShare, hum, speechDbfs, loudNoiseDbfs } = figures;
  const warnings: string[] = [];
  if (clippedShare > CLIPPED_SHARE) {
    warnings.push(
      "It is clipped, which no setting here can undo: lower the gain of the card (alsamixer, F4), or speak from farther away",
    );
  }
  // Without advice the quiet was none, or the voice.
  if (
    advice !== undefined && speechDbfs !== undefined &&
    speechDbfs - loudNoiseDbfs < NOISE_DISTANCE_DB
  ) {
    const other = engine === "energy"
      ? ", or choose --vad-engine neural, which is better at that"
      : "";
    warnings.push(
      `The voice is hardly louder than the room: come nearer${other}`,
    );
  }
  if (hum !== undefined && hum.dbfs > HUM_DBFS) {
    warnings.push(
      "It hums: keep cables away from power supplies, or try another supply or USB port",
    );
  }
  return warnings;
}

function whyIncomplete(
  { isDigitalSilence, quietScore, speechMs }: RoomFigures,
): string {
  if (quietScore > HIGHEST_QUIET_SCORE) {
    return "Cannot calibrate as there was a voice, or something like it, when it was to be silent: run it again, and speak only when it says so";
  }
  return isDigitalSilence
    ? 'Cannot calibrate with digital silence: the microphone is muted, its gain is zero, or this is the wrong one. See alsamixer (F4) and "earshot devices"'
    : `Cannot calibrate with ${
      (speechMs / 1000).toFixed(1)
    } s of speech, as a second of it is needed: run it again, and speak when it says so`;
}

function above(speechDbfs: number, noiseDbfs: number): string {
  return noiseDbfs === -Infinity
    ? ""
    : `, ${Math.round(speechDbfs - noiseDbfs)} dB above the noise`;
}

function dbfs(value: number): string {
  return value === -Infinity ? "silence" : `${value.toFixed(1)} dBFS`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function finite(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value)
    ? null
    : Math.round(value * 10) / 10;
}
