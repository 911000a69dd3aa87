/**
 * The commands of the program. Each is loaded when it is needed: a service that
 * streams for months has no use for the code of the others.
 *
 * @module
 */

import type { Command } from "./command.ts";

const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  devices: async () => (await import("./devices.ts")).devices,
  meter: async () => (await import("./meter.ts")).meter,
  record: async () => (await import("./record.ts")).record,
  stream: async () => (await import("./stream.ts")).stream,
  vad: async () => (await import("./vad.ts")).vad,
  calibrate: async () => (await import("./calibrate.ts")).calibrate,
  demo: async () => (await import("./demo.ts")).demo,
  doctor: async () => (await import("./doctor.ts")).doctor,
  service: async () => (await import("./service.ts")).service,
  config: async () => (await import("./config.ts")).config,
  completions: async () =>
    (await import("./completions.ts")).completionsOf(loadAllCommands),
};

/** What is typed to run each of them, in the order of the help. */
export const COMMAND_NAMES: readonly string[] = Object.keys(LOADERS);

/**
 * Loads a command.
 *
 * @param name One of {@linkcode COMMAND_NAMES}.
 * @returns The command.
 */
export async function loadCommand(name: string): Promise<Command> {
  return await LOADERS[name]!();
}

/**
 * Loads all commands, for who wants to tell what there is.
 *
 * @returns The commands, in the order of the help.
 */
export async function loadAllCommands(): Promise<Command[]> {
  return await Promise.all(COMMAND_NAMES.map(loadCommand));
}
