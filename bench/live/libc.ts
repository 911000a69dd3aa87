/**
 * Two clocks of Linux that Deno does not offer: the one that all processes share,
 * and the CPU time of another process to the nanosecond.
 *
 * @module
 */

/** `CLOCK_MONOTONIC`. */
const CLOCK_MONOTONIC = 1;

/** What makes a process's id the clock of its CPU time, see `clock_getcpuclockid(3)`. */
const CPUCLOCK_SCHED = 2;
const CPUCLOCK_SHIFT = 3;

const libc = Deno.dlopen("libc.so.6", {
  // int clock_gettime(clockid_t, struct timespec *)
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
});

const timespec = new BigInt64Array(2);

/** Reads a clock, in milliseconds; nothing when there is none of that number. */
function readMs(clock: number): number | undefined {
  if (libc.symbols.clock_gettime(clock, timespec) !== 0) return undefined;
  return Number(timespec[0]) * 1000 + Number(timespec[1]) / 1e6;
}

/** The present moment, in milliseconds of `CLOCK_MONOTONIC`. */
export function monotonicMs(): number {
  return readMs(CLOCK_MONOTONIC)!;
}

/**
 * Says what a process has cost so far: all of its threads, user and system.
 *
 * @param pid The process.
 * @returns CPU time in milliseconds, 0 for a process that is no more.
 */
export function processCpuMs(pid: number): number {
  return readMs(~pid << CPUCLOCK_SHIFT | CPUCLOCK_SCHED) ?? 0;
}
