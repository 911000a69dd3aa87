import { assertEquals } from "@std/assert";
import type { World } from "../src/cli/command.ts";
import { startTrimming } from "../src/cli/trimming.ts";
import { trimMemory } from "../src/alsa_system.ts";
import { FakeClock } from "../src/testing/mod.ts";
import { EMPTY_SYSTEM } from "./cli_lab.ts";

function worldWith(clock: FakeClock, trim: () => void): World {
  const system = { ...EMPTY_SYSTEM, trimMemory: trim };
  return { clock, system } as unknown as World;
}

for (
  const { chunkMs, intervalMs } of [
    { chunkMs: 20, intervalMs: 120_000 },
    { chunkMs: undefined, intervalMs: 1_200_000 },
    { chunkMs: 500, intervalMs: 3_000_000 },
  ]
) {
  Deno.test(`memory is given back once all code has run, and then after each ${intervalMs} ms at chunks of ${chunkMs ?? 200} ms, until the end`, async () => {
    const clock = new FakeClock();
    const trimmedMs: number[] = [];
    {
      const startMs = clock.now();
      using _trimming = startTrimming(
        worldWith(clock, () => trimmedMs.push(clock.now() - startMs)),
        chunkMs,
      );
      await clock.advance(10_000 + 2.1 * intervalMs);
    }
    await clock.advance(2 * intervalMs);

    assertEquals(
      trimmedMs,
      [10_000, 10_000 + intervalMs, 10_000 + 2 * intervalMs],
    );
    assertEquals(clock.sleeperCount, 0);
  });
}

Deno.test("a system that cannot be asked to take memory back is no reason to end", async () => {
  const clock = new FakeClock();
  let askedCount = 0;
  using _trimming = startTrimming(worldWith(clock, () => {
    askedCount++;
    throw new Error("no libc");
  }));
  await clock.advance(600_000);

  assertEquals(askedCount, 1);
});

Deno.test("the real libc takes memory back", () => {
  trimMemory();
});
