import { assertEquals, assertGreater } from "@std/assert";
import { type Alarm, ClockAlarm, SystemAlarm } from "../src/alarm.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";

Deno.test("SystemAlarm lets its sleeper sleep as long as it wants to", async () => {
  const beforeMs = performance.now();

  const sleptThrough = await keepAlive(new SystemAlarm().sleep(5));

  assertEquals(sleptThrough, true);
  assertGreater(performance.now() - beforeMs, 4);
});

Deno.test("SystemAlarm wakes its sleeper when it rings, and can be slept by again", async () => {
  await wakesWhenItRings(new SystemAlarm());
});

Deno.test("ClockAlarm lets its sleeper sleep until its clock has moved", async () => {
  const clock = new FakeClock();
  const sleep = new ClockAlarm(clock).sleep(20);

  await clock.advance(20);

  assertEquals(await sleep, true);
});

Deno.test("ClockAlarm wakes its sleeper when it rings, and can be slept by again", async () => {
  const clock = new FakeClock();

  await wakesWhenItRings(new ClockAlarm(clock));

  assertEquals(clock.sleeperCount, 0);
});

async function wakesWhenItRings(alarm: Alarm): Promise<void> {
  alarm.ring();
  for (let time = 0; time < 2; time++) {
    const sleep = alarm.sleep(3_600_000);
    alarm.ring();
    assertEquals(await keepAlive(sleep), false);
  }
}

/** An alarm does not keep a program running. */
async function keepAlive<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 1000);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}
