/**
 * Starts the sink, and asks it.
 *
 * @module
 */

import { type Child, startChild } from "./children.ts";
import { URGENT } from "./priority.ts";
import type { SinkReport } from "./sink.ts";
import { stdFlags } from "../../scripts/std_flags.ts";

/** What is asked for. */
export interface ReportQuery {
  /** When the signal began, in milliseconds of `CLOCK_MONOTONIC`. */
  readonly epochMs: number;
  /** Latencies count from here … */
  readonly fromMs: number;
  /** … to here. */
  readonly toMs: number;
}

/** The sink, which runs. */
export class SinkProcess implements AsyncDisposable {
  readonly #child: Child;
  readonly #port: number;

  private constructor(child: Child, port: number) {
    this.#child = child;
    this.#port = port;
  }

  /** Starts it. */
  static async start(): Promise<SinkProcess> {
    const [command, ...args] = URGENT;
    const { flags } = await stdFlags();
    const child = startChild(command, [
      ...args,
      Deno.execPath(),
      "run",
      "--allow-net=127.0.0.1",
      "--allow-ffi",
      ...flags,
      `${import.meta.dirname}/sink.ts`,
    ], { hasOutput: true, cwd: `${import.meta.dirname}/../..` });
    const lines = child.stdout.pipeThrough(new TextDecoderStream())[
      Symbol.asyncIterator
    ]();
    const line = await Promise.race([lines.next(), child.died()]);
    return new SinkProcess(child, Number(line.value));
  }

  /** The port that it listens on, on this machine. */
  get port(): number {
    return this.#port;
  }

  /**
   * Waits for a client's first audio.
   *
   * @param name The client's.
   * @param signal Ends the waiting.
   * @returns When it came, in milliseconds of `CLOCK_MONOTONIC`.
   */
  async firstAppendMs(name: string, signal: AbortSignal): Promise<number> {
    while (true) {
      const response = await fetch(this.#urlOf(`${name}/first`), { signal });
      if (response.ok) return await response.json();
      await response.body?.cancel();
      // The client has not come yet.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /**
   * Sums up what came from a client, and forgets it.
   *
   * @param name The client's.
   * @param query What is asked for.
   */
  async report(name: string, query: ReportQuery): Promise<SinkReport> {
    const { epochMs, fromMs, toMs } = query;
    const url = this.#urlOf(
      `${name}/report?epochMs=${epochMs}&fromMs=${fromMs}&toMs=${toMs}`,
    );
    return await (await fetch(url, { method: "DELETE" })).json();
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }

  #urlOf(path: string): string {
    return `http://127.0.0.1:${this.#port}/${path}`;
  }
}
