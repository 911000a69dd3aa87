/**
 * Earshot beside others, live: `deno task bench:live`. On the same device and to
 * the same sink it measures what a minute of audio costs, memory, start-up, the
 * latency from sound to socket, and what is lost. Trust the ratios within one run.
 *
 * @module
 */

import { type Client, prepareClients } from "./live/clients.ts";
import type { Device } from "./live/device.ts";
import { chartOf } from "./live/chart.ts";
import {
  type GoalOutcome,
  goalsOf,
  growthGoalsOf,
  lossGoalsOf,
} from "./live/goals.ts";
import { runGrowth, runLosses } from "./live/long_runs.ts";
import { machineFacts } from "./live/machine.ts";
import { type Bench, runMatrix } from "./live/matrix.ts";
import { type BenchOptions, HELP, readOptions } from "./live/options.ts";
import { openPacedDevice } from "./live/paced_device.ts";
import { openPulseDevice } from "./live/pulse_device.ts";
import { SinkProcess } from "./live/sink_process.ts";
import {
  figuresTable,
  goalsTable,
  growthTable,
  lossesTable,
  ratiosTable,
} from "./live/table.ts";
import { requireTools } from "./live/tools.ts";

/** What a shell expects of a program that Ctrl-C ended. */
const EXIT_INTERRUPTED = 130;

/** What came out: for people, and for programs. */
interface Outcome {
  readonly sections: readonly string[];
  readonly goals: readonly GoalOutcome[];
  readonly data: object;
}

async function openDevices(
  { devices }: BenchOptions,
  folder: string,
  scope: AsyncDisposableStack,
): Promise<Device[]> {
  const paced = await openPacedDevice(folder);
  const opened: Device[] = [];
  for (const id of devices) {
    if (id === "paced") opened.push(paced);
    else opened.push(scope.use(await openPulseDevice(folder, paced)));
  }
  return opened;
}

async function measureAll(
  bench: Bench,
  options: BenchOptions,
): Promise<Outcome> {
  if (options.lossMinutes !== undefined) {
    const losses = await runLosses(bench, options);
    return {
      sections: [lossesTable(losses)],
      goals: lossGoalsOf(losses),
      data: { losses },
    };
  }
  if (options.growthMinutes !== undefined) {
    const growths = await runGrowth(bench, options);
    return {
      sections: [growthTable(growths)],
      goals: growthGoalsOf(growths),
      data: { growths },
    };
  }
  const results = await runMatrix(bench, options);
  if (options.svg !== undefined) {
    await Deno.writeTextFile(options.svg, chartOf(results));
  }
  return {
    sections: [
      figuresTable(results),
      ratiosTable(results, "python"),
      ratiosTable(results, "c"),
    ],
    goals: goalsOf(results),
    data: { results: results.all },
  };
}

function sayWhatIsMissing(clients: readonly Client[]): void {
  for (const { label, unavailable } of clients) {
    if (unavailable !== undefined) console.error(`${label}: ${unavailable}`);
  }
}

async function bench(
  options: BenchOptions,
  signal: AbortSignal,
): Promise<void> {
  await requireTools("nice", "taskset");
  await using scope = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "earshot-bench-" });
  scope.defer(() => Deno.remove(folder, { recursive: true }));
  const devices = await openDevices(options, folder, scope);
  const sink = scope.use(await SinkProcess.start());
  const clients = await prepareClients(options.clients, {
    folder,
    binary: options.binary,
  });
  signal.throwIfAborted();
  sayWhatIsMissing(clients);
  const say = (text: string) => console.error(text);
  const { sections, goals, data } = await measureAll(
    { clients, devices, sink, signal, say },
    options,
  );
  const machine = await machineFacts();
  console.log([machine.text, ...sections, goalsTable(goals)].join("\n\n"));
  if (options.json !== undefined) {
    const { text: _, ...facts } = machine;
    const { warmUpSeconds, seconds, roundCount } = options;
    const timing = { warmUpSeconds, seconds, roundCount };
    const report = { machine: facts, timing, ...data, goals };
    await Deno.writeTextFile(
      options.json,
      `${JSON.stringify(report, null, 2)}\n`,
    );
  }
}

if (import.meta.main) {
  const interruption = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => interruption.abort());
  }
  try {
    const options = readOptions(Deno.args);
    if (options.help) console.log(HELP);
    else await bench(options, interruption.signal);
    Deno.exit(0);
  } catch (error) {
    if (interruption.signal.aborted) Deno.exit(EXIT_INTERRUPTED);
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
