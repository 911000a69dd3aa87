/**
 * What the bench can be told.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { CLIENT_IDS, type ClientId } from "./clients.ts";
import { DEVICE_IDS, type DeviceId } from "./device.ts";

/** What the bench is told. */
export interface BenchOptions {
  /** Whether only the help is wanted. */
  readonly help: boolean;
  /** Who is measured. */
  readonly clients: readonly ClientId[];
  /** From what. */
  readonly devices: readonly DeviceId[];
  /** Milliseconds of audio in each message. */
  readonly chunksMs: readonly number[];
  /** Cores that are busy with something else. */
  readonly hogCounts: readonly number[];
  /** How long each runs before that: compilers need some time to be done. */
  readonly warmUpSeconds: number;
  /** How long each is measured. */
  readonly seconds: number;
  /** How often each is measured. */
  readonly roundCount: number;
  /** How long the run is that counts losses, in minutes, if it is wanted. */
  readonly lossMinutes?: number;
  /** How long the run is that watches memory, in minutes, if it is wanted. */
  readonly growthMinutes?: number;
  /** Earshot as a compiled program. */
  readonly binary?: string;
  /** Where the figures go. */
  readonly json?: string;
  /** Where the chart goes. */
  readonly svg?: string;
}

const CORES = navigator.hardwareConcurrency;
const SECONDS = 8;
const ROUNDS = 1;

/**
 * At a few calls a second it takes V8 so long to compile what is called, and what
 * a minute costs falls meanwhile. What runs for days is measured as it will be.
 */
const WARM_UP_SECONDS = 40;
const CHUNKS_MS = [20, 200];

/** What `--help` prints. */
export const HELP =
  `Measures Earshot and others side by side: CPU, memory, start-up, latency, losses.

Usage: deno task bench:live [options]

      --only NAMES         who: ${CLIENT_IDS.join(",")} (default all)
      --device NAMES       from what: ${DEVICE_IDS.join(",")} (default both)
      --chunk-ms NUMBERS   milliseconds in a message (default ${CHUNKS_MS})
      --hogs NUMBERS       cores kept busy by something else (default 0,${CORES})
      --warm-up N          seconds it runs before that (default ${WARM_UP_SECONDS})
      --seconds N          how long each is measured (default ${SECONDS})
      --rounds N           how often, for medians (default ${ROUNDS})
      --binary FILE        Earshot, compiled by "deno task compile"
      --long MINUTES       instead: all at once, every core kept busy, who loses what
      --growth MINUTES     instead: Earshot alone, how its memory grows from minute 1
      --json FILE          write the figures
      --svg FILE           write a chart of them
`;

/**
 * Reads the command line.
 *
 * @param args The arguments.
 * @returns What they say.
 * @throws {RangeError} When one is unknown, or none of its values.
 */
export function readOptions(args: readonly string[]): BenchOptions {
  const names = [
    ...["only", "device", "chunk-ms", "hogs"],
    ...["warm-up", "seconds", "rounds"],
    ...["long", "growth", "binary", "json", "svg"],
  ] as const;
  const parsed = parseArgs([...args], {
    boolean: ["help"],
    string: [...names],
    unknown: (name) => {
      throw new RangeError(`Unknown option "${name}": see --help`);
    },
  });
  const minutes = (name: "long" | "growth") =>
    parsed[name] === undefined ? undefined : positive(name, parsed[name]);
  return {
    help: parsed.help,
    clients: chosen("only", parsed.only, CLIENT_IDS),
    devices: chosen("device", parsed.device, DEVICE_IDS),
    chunksMs:
      list(parsed["chunk-ms"])?.map((text) => positive("chunk-ms", text)) ??
        CHUNKS_MS,
    hogCounts: list(parsed.hogs)?.map((text) => count("hogs", text)) ??
      [0, CORES],
    warmUpSeconds: count("warm-up", parsed["warm-up"] ?? `${WARM_UP_SECONDS}`),
    seconds: positive("seconds", parsed.seconds ?? `${SECONDS}`),
    roundCount: count("rounds", parsed.rounds ?? `${ROUNDS}`, 1),
    lossMinutes: minutes("long"),
    growthMinutes: minutes("growth"),
    binary: parsed.binary,
    json: parsed.json,
    svg: parsed.svg,
  };
}

function list(text: string | undefined): string[] | undefined {
  return text?.split(",");
}

function chosen<Name extends string>(
  option: string,
  text: string | undefined,
  names: readonly Name[],
): readonly Name[] {
  if (text === undefined) return names;
  return list(text)!.map((given) => {
    const name = names.find((name) => name === given);
    if (name !== undefined) return name;
    throw new RangeError(
      `Cannot use --${option} as it must name some of ${
        names.join(", ")
      }: current value is "${given}"`,
    );
  });
}

function count(option: string, text: string, least = 0): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && text !== "") return value;
  throw new RangeError(
    `Cannot use --${option} as it must be a whole number from ${least}: current value is "${text}"`,
  );
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new RangeError(
    `Cannot use --${option} as it must be above 0: current value is "${text}"`,
  );
}
