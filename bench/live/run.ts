/**
 * One client that runs.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { type Child, startChild } from "./children.ts";
import type { Client } from "./clients.ts";
import type { Device } from "./device.ts";
import { monotonicMs } from "./libc.ts";
import { costOf, type ProcessCost } from "./process_cost.ts";
import type { SinkReport } from "./sink.ts";
import type { SinkProcess } from "./sink_process.ts";

/** How long a client may take until its first message. */
const START_TIMEOUT_MS = 30_000;

/** When one that sends nothing is taken to have started. */
const SILENT_START_MS = 500;

/** What a client runs in. */
export interface Setting {
  /** What it captures from. */
  readonly device: Device;
  /** Where it sends to. */
  readonly sink: SinkProcess;
  /** Milliseconds of audio in each message. */
  readonly chunkMs: number;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

/** Costs, and when they were taken. */
export interface Snapshot extends ProcessCost {
  /** In milliseconds of `CLOCK_MONOTONIC`. */
  readonly atMs: number;
}

let runCount = 0;

/** A client that has started. */
export class Run implements AsyncDisposable {
  /** From its start to its first message, in milliseconds; not of a silent one. */
  readonly startUpMs: number | undefined;
  readonly #client: Client;
  readonly #setting: Setting;
  readonly #child: Child;
  readonly #name: string;

  private constructor(
    child: Child,
    name: string,
    options: { client: Client; setting: Setting; startUpMs?: number },
  ) {
    this.#child = child;
    this.#name = name;
    this.#client = options.client;
    this.#setting = options.setting;
    this.startUpMs = options.startUpMs;
  }

  /**
   * Starts a client, and waits for its first message.
   *
   * @param client Which one.
   * @param setting What it runs in.
   * @throws {Error} When it ends, or sends nothing.
   */
  static async start(client: Client, setting: Setting): Promise<Run> {
    const { device, sink, chunkMs } = setting;
    const name = `${client.id}-${++runCount}`;
    const { command, args, cwd, env } = client.invoke({
      port: sink.port,
      path: `/${client.sampleRate}/${name}`,
      chunkMs,
    });
    const startedMs = monotonicMs();
    const child = startChild(command, args, {
      cwd,
      env: { ...device.env, ...env },
    });
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, setting.signal]);
    try {
      const firstMs = await Promise.race([
        client.sends
          ? sink.firstAppendMs(name, signal)
          : delay(SILENT_START_MS, { signal }),
        child.died(),
        delay(START_TIMEOUT_MS, { signal }).then(() => {
          throw new Error(`${client.label} sent nothing`);
        }),
      ]);
      const startUpMs = firstMs === undefined ? undefined : firstMs - startedMs;
      return new Run(child, name, { client, setting, startUpMs });
    } catch (error) {
      await child[Symbol.asyncDispose]();
      throw error;
    } finally {
      over.abort();
    }
  }

  /** What it has cost so far. */
  snapshot(): Snapshot {
    return { ...costOf(this.#child.pid), atMs: monotonicMs() };
  }

  /**
   * Lets it run.
   *
   * @param ms How long.
   * @throws {Error} When it ends.
   */
  async goOn(ms: number): Promise<void> {
    const { signal } = this.#setting;
    const over = new AbortController();
    try {
      await Promise.race([
        delay(ms, { signal: AbortSignal.any([signal, over.signal]) }),
        this.#child.died(),
      ]);
    } finally {
      over.abort();
    }
  }

  /**
   * Sums up what came from it.
   *
   * @param epochMs When the signal began.
   * @param fromMs Latencies count from here …
   * @param toMs … to here.
   * @returns What came; nothing of a client that sends nothing.
   */
  async report(
    epochMs: number,
    fromMs: number,
    toMs: number,
  ): Promise<SinkReport | undefined> {
    if (!this.#client.sends) return undefined;
    const { sink } = this.#setting;
    return await sink.report(this.#name, { epochMs, fromMs, toMs });
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
