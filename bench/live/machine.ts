/**
 * Where something was measured.
 *
 * @module
 */

/** What the machine is. */
export interface MachineFacts {
  /** The processor's name. */
  readonly processor: string;
  /** Its cores. */
  readonly coreCount: number;
  /** The kernel's version. */
  readonly kernel: string;
  /** Deno's version. */
  readonly deno: string;
  /** When, as ISO 8601. */
  readonly date: string;
  /** All that in a line. */
  readonly text: string;
}

/** Asks the machine. */
export async function machineFacts(): Promise<MachineFacts> {
  const cpuInfo = await Deno.readTextFile("/proc/cpuinfo");
  const processor = /^(?:model name|Model)\s*: (.*)$/m.exec(cpuInfo)?.[1] ??
    Deno.build.arch;
  const facts = {
    processor,
    coreCount: navigator.hardwareConcurrency,
    kernel: Deno.osRelease(),
    deno: Deno.version.deno,
    date: new Date().toISOString(),
  };
  return {
    ...facts,
    text:
      `${facts.processor}, ${facts.coreCount} cores, Linux ${facts.kernel}, Deno ${facts.deno}, ${facts.date}`,
  };
}
