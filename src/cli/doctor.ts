/**
 * `earshot doctor`: why there is no sound, and what to do.
 *
 * @module
 */

import type { CaptureDevice } from "../alsa_device.ts";
import { apiKeyOf } from "./api_key.ts";
import {
  type Command,
  COMMON_OPTIONS,
  deviceNameOf,
  type World,
} from "./command.ts";
import { type Finding, type Severity, worstOf } from "./doctor/finding.ts";
import { checkListening } from "./doctor/listen_check.ts";
import {
  checkLinger,
  checkPages,
  checkPi,
  checkWifi,
} from "./doctor/machine_checks.ts";
import { checkOnline } from "./doctor/online_checks.ts";
import {
  checkCards,
  checkFormats,
  checkLibrary,
  checkMixer,
  checkRights,
  checkSoundServer,
} from "./doctor/sound_checks.ts";
import { Log } from "./log.ts";
import type { Options } from "./options.ts";

const EXIT_CODES: Readonly<Record<Severity, number>> = {
  ok: 0,
  info: 0,
  fail: 1,
  warn: 3,
};

const MARKS: Readonly<Record<Severity, string>> = {
  ok: "  ok  ",
  info: "  --  ",
  warn: " WARN ",
  fail: " FAIL ",
};

/** `earshot doctor`. */
export const doctor: Command = {
  name: "doctor",
  summary: "Find out why there is no sound, and what to do.",
  options: ["device", "url", "key-file", "online", "json", ...COMMON_OPTIONS],
  details:
    `It looks at libasound, cards and who holds them, rights, sound server, formats,
mixer and machine, and listens for three seconds: speak a sentence, and pause.
With --online it also tries the endpoint and the key; without, it stays offline.

The exit code tells the worst finding: 0 all is well, 3 a warning, 1 a failure.

Examples:
  earshot doctor
  earshot doctor --device plughw:CARD=Device --online
  earshot doctor --json | jq '.findings[] | select(.severity == "fail")'`,

  async run(options, world) {
    const log = new Log(options, world);
    const isJson = options.has("json");
    const findings: Finding[] = [];
    for await (const finding of examine(options, world, log)) {
      findings.push(finding);
      if (!isJson) world.stdout.write(shown(finding));
    }
    const worst = worstOf(findings);
    if (isJson) {
      const text = JSON.stringify({ worst, findings }, null, 2);
      world.stdout.write(`${text}\n`);
    } else world.stdout.write(summaryOf(findings));
    // Ctrl-C has a code of its own.
    return world.signal.aborted ? undefined : EXIT_CODES[worst];
  },
};

async function* examine(
  options: Options,
  world: World,
  log: Log,
): AsyncGenerator<Finding> {
  const library = checkLibrary(world);
  yield* library;
  const hasLibrary = !library.some(({ severity }) => severity === "fail");
  yield* checkCards(world);
  yield* checkRights(world);
  if (hasLibrary) yield* examineDevice(options, world, log);
  yield* checkPi(world);
  yield* await checkWifi(world);
  yield* checkPages(world);
  yield* checkLinger(world);
  if (options.has("online")) {
    log.info("Trying the endpoint");
    const apiKey = apiKeyOf(options, world, log);
    yield* await checkOnline(world, options.text("url"), apiKey);
  } else {
    yield {
      check: "network",
      severity: "info",
      text: "Not tried; --online does",
    };
  }
}

async function* examineDevice(
  options: Options,
  world: World,
  log: Log,
): AsyncGenerator<Finding> {
  let devices: CaptureDevice[];
  let device: string;
  try {
    devices = world.listDevices();
    device = deviceNameOf(options, world);
  } catch (error) {
    const { message } = error as Error;
    yield { check: "devices", severity: "fail", text: message };
    return;
  }
  yield* checkSoundServer(world, devices);
  yield* checkFormats(device, devices);
  yield* checkMixer(world, device);
  log.info(
    `Listening to "${device}" for 3 seconds: speak a sentence, and pause`,
  );
  yield* await checkListening(world, device);
}

function shown({ check, severity, text, advice }: Finding): string {
  const line = `[${MARKS[severity]}] ${check}: ${text}\n`;
  return advice === undefined ? line : `${line}${" ".repeat(9)}→ ${advice}\n`;
}

function summaryOf(findings: readonly Finding[]): string {
  const counted = (severity: Severity, word: string) => {
    const { length } = findings.filter((found) => found.severity === severity);
    return `${length} ${word}${length === 1 ? "" : "s"}`;
  };
  return `\n${counted("fail", "failure")}, ${counted("warn", "warning")}\n`;
}
