/**
 * The real microphones: PCM devices of libasound, and their list.
 *
 * @module
 */

import { chooseRate } from "../ffi/capabilities.ts";
import { listCards } from "../ffi/cards.ts";
import {
  type CaptureSources,
  listCaptureSources,
  readChannelCounts,
} from "../ffi/devices.ts";
import { acquireAlsa, releaseAlsa } from "../ffi/library.ts";
import { Pcm, type PcmConfiguration, type PcmSnapshot } from "../ffi/pcm.ts";
import { readSystemFile } from "../ffi/system_file.ts";
import {
  cardInName,
  findCard,
  identityOf,
  nameOnCard,
} from "./card_identity.ts";
import { ConvertingPcm } from "./converting_pcm.ts";
import { withHolders } from "./device_holder.ts";
import {
  AlsaError,
  type CardIdentity,
  type PcmDevice,
  type PcmParameters,
  type PcmRequest,
  type PcmStatus,
} from "./pcm.ts";
import { type HeededPcm, ServerPcm } from "./server_pcm.ts";

/** `EINVAL`. */
const INVALID = 22;

/** `ENODEV`. */
const NO_DEVICE = 19;

/** Hardware holds back no more than this; a longer delay is a bad guess. */
const MAX_HELD_BACK_PERIODS = 2;

/** A timestamp farther from the present than this is of another clock. */
const MAX_TIMESTAMP_ERROR_MS = 1000;

/** What a device's hardware can do without conversion. */
export interface NativeCapabilities {
  /** The usual ones of its rates, in Hz. */
  readonly sampleRates: readonly number[];
  /** Its channel counts up to 32. */
  readonly channelCounts: readonly number[];
  /** ALSA's names of the usual ones of its sample formats, such as `S16_LE`. */
  readonly sampleFormats: readonly string[];
}

/** Something to capture from. */
export interface CaptureDevice {
  /** Its place in the list, from 0. */
  readonly index: number;
  /** ALSA's name of it, to be given as `device`. */
  readonly name: string;
  /** What it is, in one line. */
  readonly description: string;
  /** Whether another program holds it now. */
  readonly busy: boolean;
  /**
   * What the hardware can do; `undefined` for a sound server or a plugin, and
   * for hardware that could not be opened, such as a busy one.
   */
  readonly native: NativeCapabilities | undefined;
}

/**
 * Opens and configures a device of libasound.
 *
 * Neither opening nor waiting nor closing blocks the event loop. A rate that the
 * device does not have is converted to: see {@linkcode ConvertingPcm}.
 *
 * @param request What to open, and how.
 * @returns The device, ready to start.
 * @throws {AlsaError} When the library or the device cannot be used, or the
 *   card that was asked for is not there. The advice for a busy device names
 *   the program that holds it, where that can be found out.
 */
export async function openAlsaPcm(request: PcmRequest): Promise<PcmDevice> {
  // Held for all that follows, because loading it takes a while.
  acquireAlsa();
  try {
    const device = presentName(request);
    const { sampleRate, channels } = request;
    const pcm = await openPcm(
      device,
      channels === undefined
        ? request
        : { ...request, ...channelsFor(device, Math.max(...channels)) },
    );
    try {
      const made = makeDevice(device, pcm);
      return made.parameters.sampleRate === sampleRate &&
          channels === undefined
        ? made
        : new ConvertingPcm(made, { sampleRate, channels });
    } catch (error) {
      await pcm.close();
      throw error;
    }
  } finally {
    releaseAlsa();
  }
}

/**
 * The channels to open a device with, so that this one is among them. A card is
 * asked, because ALSA's `plug` would make up those that it does not have.
 */
function channelsFor(
  device: string,
  channel: number,
): Pick<PcmConfiguration, "channelCount" | "mayHaveMoreChannels"> {
  const hardware = device.replace(/^plug(?=hw:)/, "");
  const counts = hardware.startsWith("hw:")
    ? readChannelCounts(hardware)
    : undefined;
  if (counts === undefined) {
    return { channelCount: channel + 1, mayHaveMoreChannels: true };
  }
  const channelCount = counts.find((count) => count > channel);
  if (channelCount !== undefined) return { channelCount };
  throw new AlsaError("snd_pcm_hw_params_set_channels", INVALID, {
    detail: `channel ${channel + 1} of "${device}", which has ${
      counts.at(-1) ?? 0
    }`,
    advice: "Choose a channel that it has",
  });
}

/** The name that the device has now, on the card that it must be on. */
function presentName({ device, card }: PcmRequest): string {
  if (card === undefined || cardInName(device) === undefined) return device;
  const present = findCard(card, listCards());
  if (present !== undefined) return nameOnCard(device, present.number);
  throw new AlsaError("snd_card_next", NO_DEVICE, {
    detail: `the microphone "${card.longName}", which is not plugged in`,
  });
}

async function openPcm(
  device: string,
  request: PcmConfiguration,
): Promise<Pcm> {
  try {
    return await Pcm.open(device, request);
  } catch (error) {
    const isFormat = error instanceof AlsaError && error.kind === "config";
    // The plug would make up channels that are missing.
    const isPlugNoHelp = device.startsWith("plug") ||
      request.mayHaveMoreChannels;
    if (!isFormat || isPlugNoHelp) {
      throw withHolders(error, device, readSystemFile);
    }
    // The device has other sample formats or channel counts: the plug turns these
    // into ours, without a loss, and leaves the rate as it is.
    return await Pcm.open(`plug:'${device}'`, request).catch(() => {
      throw error;
    });
  }
}

function makeDevice(device: string, pcm: Pcm): PcmDevice {
  const { serverPeriodFrames, ...configuration } = pcm.configuration;
  const alsaPcm = new AlsaPcm({ device, ...configuration }, pcm);
  return serverPeriodFrames === undefined
    ? alsaPcm
    : new ServerPcm(alsaPcm, serverPeriodFrames);
}

/** What the card can be found by when it is plugged in again. */
function identifyCard(pcm: Pcm): CardIdentity | undefined {
  const number = pcm.cardNumber();
  if (number === undefined) return undefined;
  const cards = listCards();
  const card = cards.find((candidate) => candidate.number === number);
  return card === undefined ? undefined : identityOf(card, cards);
}

/**
 * Keeps libasound loaded, for a user that opens devices again and again: each
 * loading takes time, and C libraries leave something behind when they go.
 *
 * @returns What lets it go.
 * @throws {AlsaError} When the library cannot be used.
 */
export function holdAlsa(): Disposable {
  acquireAlsa();
  return { [Symbol.dispose]: releaseAlsa };
}

/**
 * Says at which rate a device is captured that cannot be asked now, because it
 * is described only.
 *
 * @param native What its hardware has.
 * @param sampleRate The rate that is wanted, in Hz.
 * @returns The wanted rate, or the one that it is converted from; `undefined`
 *   when the hardware has none of the usual rates.
 */
export function captureRateOf(
  native: NativeCapabilities,
  sampleRate: number,
): number | undefined {
  return chooseRate(sampleRate, (rate) => native.sampleRates.includes(rate));
}

/**
 * Lists what there is to capture from: first the system's default, where ALSA's
 * configuration names one, then the hardware, then sound servers and plugins.
 *
 * The order stays the same while no device comes or goes.
 *
 * @returns The devices; a `plughw:` name converts to any rate and channel count.
 * @throws {AlsaError} When libasound or its configuration cannot be used.
 */
export function listDevices(): CaptureDevice[] {
  return arrangeDevices(listCaptureSources());
}

/**
 * Makes the list of {@linkcode listDevices}.
 *
 * @param sources What there is to capture from.
 * @returns The list.
 */
export function arrangeDevices(
  { cardDevices, hints }: CaptureSources,
): CaptureDevice[] {
  const hardware = cardDevices.map((device) => ({
    name: `plughw:CARD=${device.cardId},DEV=${device.device}`,
    description: `${device.cardName}, ${device.deviceName}`,
    busy: device.busy,
    native: device.capabilities,
  }));
  const others = hints
    // For each card there are many more, such as "sysdefault:CARD=…".
    .filter(({ name }) => !name.includes("CARD="))
    .map(({ name, description }) => ({
      name,
      description: description.replaceAll("\n", ", "),
      busy: false,
      native: undefined,
    }));
  return [
    ...others.filter(({ name }) => name === "default"),
    ...hardware,
    ...others.filter(({ name }) => name !== "default"),
  ].map((device, index) => ({ index, ...device }));
}

/**
 * Puts a snapshot on the timeline of `performance.now()`, without what cannot
 * be true.
 *
 * @param snapshot What libasound said.
 * @param context The device's period, what turns `CLOCK_MONOTONIC` into
 *   `performance.now()`, and the present moment on that timeline.
 * @returns The status.
 */
export function toPcmStatus(
  snapshot: PcmSnapshot,
  context: { periodFrames: number; clockOffsetMs: number; nowMs: number },
): PcmStatus {
  const { state, availableFrames, delayFrames } = snapshot;
  // PulseAudio's plugin guesses: half a second too much after the start, and
  // later less than what can be read.
  const heldBackFrames = delayFrames - availableFrames;
  const isDelayPlausible = heldBackFrames >= 0 &&
    heldBackFrames <= MAX_HELD_BACK_PERIODS * context.periodFrames;
  // Some plugins give no timestamp, or one of the time of day.
  const timestampMs = snapshot.monotonicMs + context.clockOffsetMs;
  const isTimestampPlausible =
    Math.abs(timestampMs - context.nowMs) <= MAX_TIMESTAMP_ERROR_MS;
  return {
    state,
    availableFrames,
    delayFrames: isDelayPlausible ? delayFrames : availableFrames,
    timestampMs: isTimestampPlausible ? timestampMs : context.nowMs,
  };
}

/** A device of libasound on the timeline of `performance.now()`. */
class AlsaPcm implements HeededPcm {
  readonly parameters: PcmParameters;
  readonly card: CardIdentity | undefined;
  readonly #pcm: Pcm;
  readonly #clockOffsetMs: number;

  constructor(parameters: PcmParameters, pcm: Pcm) {
    this.parameters = parameters;
    this.card = identifyCard(pcm);
    this.#pcm = pcm;
    this.#clockOffsetMs = measureClockOffsetMs(pcm);
  }

  start(): void {
    this.#pcm.start();
  }

  wait(timeoutMs: number): Promise<boolean> {
    return this.#pcm.wait(timeoutMs);
  }

  heed(): void {
    this.#pcm.heed();
  }

  status(): PcmStatus {
    return toPcmStatus(this.#pcm.status(), {
      periodFrames: this.parameters.periodFrames,
      clockOffsetMs: this.#clockOffsetMs,
      nowMs: performance.now(),
    });
  }

  read(samples: Int16Array<ArrayBuffer>): number {
    const wantedFrames = samples.length / this.parameters.channelCount;
    return this.#pcm.read(samples, wantedFrames);
  }

  prepare(): void {
    this.#pcm.prepare();
  }

  resume(): boolean {
    return this.#pcm.resume();
  }

  drop(): void {
    this.#pcm.drop();
  }

  close(): Promise<void> {
    return this.#pcm.close();
  }
}

/**
 * `CLOCK_MONOTONIC` and `performance.now()` are one clock that counts from two
 * moments, so a single measurement serves for good. Of a few, the quickest is
 * the least disturbed.
 */
function measureClockOffsetMs(pcm: Pcm): number {
  let shortestMs = Infinity;
  let offsetMs = 0;
  for (let attempt = 0; attempt < 5; attempt++) {
    const beforeMs = performance.now();
    const monotonicMs = pcm.monotonicNowMs();
    const afterMs = performance.now();
    if (afterMs - beforeMs < shortestMs) {
      shortestMs = afterMs - beforeMs;
      offsetMs = (beforeMs + afterMs) / 2 - monotonicMs;
    }
  }
  return offsetMs;
}
