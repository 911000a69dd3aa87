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

Deno.test("memory is given back once all code has run, and each minute from then on, until the end", async () => {
  const clock = new FakeClock();
  const trimmedMs: number[] = [];
  {
    const startMs = clock.now();
    using _trimming = startTrimming(
      worldWith(clock, () => trimmedMs.push(clock.now() - startMs)),
    );
    await clock.advance(135_000);
  }
  await clock.advance(600_000);

  assertEquals(trimmedMs, [10_000, 70_000, 130_000]);
  assertEquals(clock.sleeperCount, 0);
});

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
