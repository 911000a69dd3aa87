/**
 * What a process costs, with all that it has started.
 *
 * @module
 */

import { processCpuMs } from "./libc.ts";

/** The unit of times in `/proc`: `USER_HZ`, 100 on all processors we run on. */
const MS_PER_TICK = 10;

/** Fields of `/proc/PID/stat`, counted from the one behind the name. */
const PARENT_FIELD = 1;
const CHILDREN_USER_FIELD = 13;
const CHILDREN_SYSTEM_FIELD = 14;

/** What processes have cost up to a moment. */
export interface ProcessCost {
  /** CPU time, user and system, in milliseconds. */
  readonly cpuMs: number;
  /**
   * Memory that they alone have written to, in bytes. Pages of a program's file
   * are left out: whether they count as private depends on who else runs it, and
   * Deno runs this bench, too.
   */
  readonly privateBytes: number;
  /** The most that each of them ever had in memory, in bytes, added up. */
  readonly peakBytes: number;
}

/** The fields of `/proc/PID/stat` behind the name, which may hold anything. */
function statOf(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Reads a file of a process, which may have ended. */
function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

/** Adds up lines of `/proc`, such as `VmHWM:  1234 kB`. */
function bytesOf(text: string | undefined, names: RegExp): number {
  let kibibytes = 0;
  for (const line of text?.split("\n") ?? []) {
    if (names.test(line)) kibibytes += parseInt(line.split(":")[1]!);
  }
  return kibibytes * 1024;
}

/**
 * Finds what a process has started.
 *
 * @param pid The process.
 * @returns It, its children, theirs and so on, as far as they run.
 */
export function processTree(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = statOf(Number(name))?.[PARENT_FIELD];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const tree = [pid];
  // It grows while it is gone through.
  for (const member of tree) {
    for (const [child, parent] of parents) {
      if (parent === member) tree.push(child);
    }
  }
  return tree;
}

/**
 * Measures a process and all that it has started.
 *
 * @param pid The process.
 * @returns What they have cost so far.
 */
export function costOf(pid: number): ProcessCost {
  let cpuMs = 0;
  let privateBytes = 0;
  let peakBytes = 0;
  for (const member of processTree(pid)) {
    const stat = statOf(member);
    cpuMs += processCpuMs(member);
    // Children that have ended are in nobody else's account.
    cpuMs += MS_PER_TICK * Number(stat?.[CHILDREN_USER_FIELD] ?? 0);
    cpuMs += MS_PER_TICK * Number(stat?.[CHILDREN_SYSTEM_FIELD] ?? 0);
    privateBytes += bytesOf(
      read(`/proc/${member}/smaps_rollup`),
      /^Private_Dirty/,
    );
    peakBytes += bytesOf(read(`/proc/${member}/status`), /^VmHWM/);
  }
  return { cpuMs, privateBytes, peakBytes };
}
