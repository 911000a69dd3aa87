import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
} from "@std/assert";
import { PeriodForecast } from "../src/period_forecast.ts";

const PERIOD_MS = 20;

/** A reader of periods that are there at once, or in lumps. */
function read(
  forecast: PeriodForecast,
  nowMs: number,
  leftMs = 0,
  furtherMs = 0,
) {
  forecast.onRead({ nowMs, periodMs: PERIOD_MS, furtherMs, leftMs });
}

Deno.test("PeriodForecast makes no forecast before the first read", () => {
  assertEquals(new PeriodForecast().dueMs, undefined);
});

Deno.test("PeriodForecast counts on what is left of the next period", () => {
  const forecast = new PeriodForecast();
  read(forecast, 100, 3);
  assertEquals(forecast.dueMs, 117);
});

Deno.test("PeriodForecast does not drift with readers that come late", () => {
  const forecast = new PeriodForecast();
  let nowMs = 100;
  read(forecast, nowMs);
  for (let i = 0; i < 100; i++) {
    // A lump has just been read whole, a moment after it came.
    nowMs = forecast.dueMs! + 1.5;
    read(forecast, nowMs);
  }
  assert(nowMs < 100 + 100 * PERIOD_MS);
});

Deno.test("PeriodForecast comes ever earlier, until it comes too early", () => {
  const forecast = new PeriodForecast();
  // The device held the period 5 ms ago.
  read(forecast, 5);
  let lumpMs = PERIOD_MS;
  let lastEarlierMs = 0;
  while (forecast.dueMs! >= lumpMs) {
    const dueMs = forecast.dueMs!;
    read(forecast, dueMs);
    const earlierMs = dueMs + PERIOD_MS - forecast.dueMs!;
    assertGreater(earlierMs, lastEarlierMs);
    lastEarlierMs = earlierMs;
    lumpMs += PERIOD_MS;
  }
  assertLess(lumpMs, 1000);
  forecast.onLate();
  read(forecast, lumpMs);
  read(forecast, lumpMs + PERIOD_MS);
  assertAlmostEquals(forecast.dueMs!, lumpMs + 2 * PERIOD_MS - 0.01, 1e-9);
});

Deno.test("PeriodForecast takes a backlog for what came meanwhile", () => {
  const forecast = new PeriodForecast();
  read(forecast, 0);
  forecast.onRead({
    nowMs: 85,
    periodMs: PERIOD_MS,
    furtherMs: 3 * PERIOD_MS,
    leftMs: 0,
  });
  assertAlmostEquals(forecast.dueMs!, 100, 0.1);
});

Deno.test("PeriodForecast learns that audio comes in lumps, of which a part says nothing", () => {
  const forecast = new PeriodForecast();
  read(forecast, 100, 15);
  assertEquals(forecast.dueMs, 105);
  forecast.onLate();
  assertEquals(forecast.dueMs, undefined);
  // The next one need not be as punctual as this one.
  read(forecast, 120, 15);
  assertEquals(forecast.dueMs, 141);
});

Deno.test("PeriodForecast expects the rest of a period that was read in part", () => {
  const forecast = new PeriodForecast();
  forecast.onPart(100, 12);
  assertEquals(forecast.dueMs, 112);
  forecast.onLate();
  read(forecast, 125, 5);
  assertEquals(forecast.dueMs, 140);
});

Deno.test("PeriodForecast comes for one period again after it came for several in a row", () => {
  const forecast = new PeriodForecast();
  read(forecast, 0);
  // A hiccup of the device; from then on it is the reader who comes late.
  read(forecast, 20, 0, 2 * PERIOD_MS);
  assertEquals(forecast.dueMs, 40);
});

Deno.test("PeriodForecast asks once in a hundred lumps, and not each time, whether they need be so large", () => {
  const forecast = new PeriodForecast();
  read(forecast, 0);
  const lateLumps: number[] = [];
  for (let lump = 1; lump <= 210; lump++) {
    const lumpMs = 60 * lump;
    // Who comes too early finds nothing, and waits for the device.
    const earlyMs = lumpMs - forecast.dueMs!;
    if (earlyMs > 0) forecast.onLate();
    if (earlyMs > PERIOD_MS / 2) lateLumps.push(lump);
    read(forecast, lumpMs, 0, 2 * PERIOD_MS);
  }
  // Until it knows lumps, and that they do not come evenly; then the questions.
  assertEquals(lateLumps, [1, 2, 3, 103, 204]);
});

Deno.test("PeriodForecast does not take a period that is late for a lump", () => {
  const forecast = new PeriodForecast();
  read(forecast, 0);
  read(forecast, 20, 0, PERIOD_MS);
  forecast.onLate();
  read(forecast, 43);
  assertEquals(forecast.dueMs, 63);
  read(forecast, 63, 0, PERIOD_MS);
  assertEquals(forecast.dueMs, 83);
});
