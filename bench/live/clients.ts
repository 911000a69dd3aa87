/**
 * The clients that are measured.
 *
 * @module
 */

import { programFlags } from "../../scripts/program_flags.ts";
import { stdFlags } from "../../scripts/std_flags.ts";
import {
  compileC,
  installFromNpm,
  PYTHON,
  requirePython,
  requireTools,
} from "./tools.ts";

/** The folder of `deno.json`. */
const ROOT = `${import.meta.dirname}/../..`;

const SAMPLE_RATE = 24_000;

/** The Python class's threshold: it stands far below the level of the signal. */
const VAD_THRESHOLD = "0.02";

/** A threshold that nothing is above. */
const LOUDER_THAN_ALL = "1";

/** Half a second: what those are given that are told how large a ring to ask for. */
const MIN_BUFFER_FRAMES = SAMPLE_RATE / 2;

/** The signal never pauses, so that an utterance must be longer than any run. */
const LONGEST_UTTERANCE_MS = 86_400_000;

const NPM_PACKAGES = [
  "@picovoice/pvrecorder-node@1.2.9",
  "node-record-lpcm16@1.0.1",
  "ws@8.23.0",
];

/** Names of the clients, in the order of the tables. */
export const CLIENT_IDS = [
  "earshot",
  "binary",
  "gated",
  "paused",
  "python",
  "c",
  "bare",
  "arecord",
  "pvrecorder",
  "node-record",
] as const;

/** One of them. */
export type ClientId = typeof CLIENT_IDS[number];

/** What a client is asked to do. */
export interface Task {
  /** Where it sends to: a port of this machine, and a path. */
  readonly port: number;
  /** See `port`. */
  readonly path: string;
  /** Milliseconds of audio in each message. */
  readonly chunkMs: number;
}

/** How to start a client. */
export interface Invocation {
  /** Its name or path. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Where it runs. */
  readonly cwd?: string;
  /** What is added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A client. */
export interface Client {
  /** Its name. */
  readonly id: ClientId;
  /** Its name in tables. */
  readonly label: string;
  /** What it captures at, in Hz. */
  readonly sampleRate: number;
  /** Whether it sends what it captures. */
  readonly sends: boolean;
  /** Says how to start it. */
  readonly invoke: (task: Task) => Invocation;
  /** Why it cannot be measured here. */
  readonly unavailable?: string;
}

/** What it takes to prepare the clients. */
export interface PrepareOptions {
  /** Where what is built goes. */
  readonly folder: string;
  /** Earshot as a compiled program. */
  readonly binary?: string;
}

const LABELS: Readonly<Record<ClientId, string>> = {
  earshot: "Earshot, from source",
  binary: "Earshot, compiled",
  gated: "Earshot, while nobody speaks",
  paused: "Earshot, paused",
  python: "Python reference",
  c: "minimal C client",
  bare: "the same in bare Deno",
  arecord: "arecord, sending nothing",
  pvrecorder: "pvrecorder + ws, 16 kHz",
  "node-record": "node-record-lpcm16 + ws",
};

type Prepared = Pick<Client, "invoke"> & Partial<Client>;

/** Earshot, from source, that streams. */
function fromSource(
  flags: readonly string[],
  folder: string,
  threshold?: string,
): Client["invoke"] {
  return (task) => ({
    ...inDeno(flags, `${ROOT}/cli.ts`, streamArgs(task, threshold)),
    ...earshotWorld(folder),
  });
}

/** A program of this repository, with the permissions of Earshot. */
function inDeno(
  flags: readonly string[],
  script: string,
  args: readonly string[],
): Invocation {
  return {
    command: Deno.execPath(),
    args: ["run", ...programFlags(), ...flags, script, ...args],
  };
}

const PREPARE: Readonly<
  Record<ClientId, (options: PrepareOptions) => Promise<Prepared>>
> = {
  async earshot({ folder }) {
    const { flags } = await stdFlags();
    return { invoke: fromSource(flags, folder) };
  },

  async gated({ folder }) {
    const { flags } = await stdFlags();
    return {
      sends: false,
      invoke: fromSource(flags, folder, LOUDER_THAN_ALL),
    };
  },

  async paused({ folder }) {
    const { flags } = await stdFlags();
    const script = `${import.meta.dirname}/paused_client.ts`;
    return {
      sends: false,
      invoke: (task) => ({
        ...inDeno(
          flags,
          script,
          [urlOf(task), String(framesOf(task)), VAD_THRESHOLD],
        ),
        ...earshotWorld(folder),
      }),
    };
  },

  async binary({ folder, binary }) {
    if (binary === undefined) {
      throw new Error(
        'not compiled: run "deno task compile" and give --binary dist/earshot',
      );
    }
    const command = await Deno.realPath(binary);
    return {
      invoke: (task) => ({
        command,
        args: streamArgs(task),
        ...earshotWorld(folder),
      }),
    };
  },

  async python() {
    await requirePython("pyaudio", "numpy", "websockets");
    return {
      invoke: (task) => ({
        command: PYTHON,
        args: [
          `${import.meta.dirname}/python_client.py`,
          urlOf(task),
          String(framesOf(task)),
          // Its documentation's default; for short chunks, a chunk.
          String(Math.min(4096, framesOf(task))),
          VAD_THRESHOLD,
        ],
      }),
    };
  },

  async c({ folder }) {
    const command = await compileC("c_client.c", `${folder}/c_client`);
    return {
      invoke: (task) => ({
        command,
        args: [String(task.port), task.path, String(framesOf(task))],
      }),
    };
  },

  async bare() {
    const { flags } = await stdFlags();
    const script = `${import.meta.dirname}/bare_client.ts`;
    return {
      invoke: (task) =>
        inDeno(flags, script, [urlOf(task), String(framesOf(task))]),
    };
  },

  async arecord() {
    await requireTools("arecord");
    return {
      sends: false,
      invoke: (task) => ({
        command: "arecord",
        args: [
          ...["-q", "-D", "default", "-t", "raw"],
          ...["-f", "S16_LE", "-c", "1", "-r", String(SAMPLE_RATE)],
          `--period-size=${framesOf(task)}`,
          `--buffer-size=${Math.max(MIN_BUFFER_FRAMES, 4 * framesOf(task))}`,
          "/dev/null",
        ],
      }),
    };
  },

  async pvrecorder() {
    return {
      sampleRate: 16_000,
      ...await npmClient("pvrecorder_client.mjs"),
    };
  },

  async "node-record"() {
    await requireTools("arecord");
    return await npmClient("node_record_client.mjs");
  },
};

/**
 * Builds and installs clients.
 *
 * @param ids Which ones.
 * @param options What it takes.
 * @returns All of them, also those that cannot be measured, which say why.
 */
export async function prepareClients(
  ids: readonly ClientId[],
  options: PrepareOptions,
): Promise<Client[]> {
  const clients: Client[] = [];
  for (const id of ids) {
    const prepared = await PREPARE[id](options).catch((error: Error) => ({
      unavailable: error.message,
      invoke: (): never => {
        throw error;
      },
    }));
    clients.push({
      id,
      label: LABELS[id],
      sampleRate: SAMPLE_RATE,
      sends: true,
      ...prepared,
    });
  }
  return clients;
}

async function npmClient(script: string): Promise<Prepared> {
  const cwd = await installFromNpm(NPM_PACKAGES);
  return {
    invoke: (task) => ({
      command: "node",
      args: [
        `${import.meta.dirname}/${script}`,
        urlOf(task),
        String(task.chunkMs),
      ],
      cwd,
    }),
  };
}

/** As it ships, but for the detector that the others have. */
function streamArgs(task: Task, threshold = VAD_THRESHOLD): string[] {
  return [
    "stream",
    ...["--url", urlOf(task)],
    ...["--chunk-ms", String(task.chunkMs)],
    ...["--vad", "client", "--vad-engine", "energy"],
    ...["--vad-threshold", threshold],
    ...["--vad-max-utterance-ms", String(LONGEST_UTTERANCE_MS)],
  ];
}

/** No settings of whoever runs the bench. */
function earshotWorld(folder: string): Pick<Invocation, "cwd" | "env"> {
  return {
    cwd: ROOT,
    env: { OPENAI_API_KEY: "bench", XDG_CONFIG_HOME: folder },
  };
}

function framesOf({ chunkMs }: Task): number {
  return SAMPLE_RATE * chunkMs / 1000;
}

function urlOf({ port, path }: Task): string {
  return `ws://127.0.0.1:${port}${path}`;
}
