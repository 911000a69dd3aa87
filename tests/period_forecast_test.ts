import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { PeriodForecast } from "../src/period_forecast.ts";

const PERIOD_MS = 20;

/** A reader of periods that are there at once, or in lumps. */
function read(forecast: PeriodForecast, nowMs: number, leftMs = 0) {
  forecast.onRead({ nowMs, periodMs: PERIOD_MS, furtherMs: 0, leftMs });
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

Deno.test("PeriodForecast comes a thousandth of a period earlier each time", () => {
  const forecast = new PeriodForecast();
  read(forecast, 0);
  for (let i = 1; i <= 50; i++) {
    assertAlmostEquals(forecast.dueMs!, i * PERIOD_MS - (i - 1) * 0.02, 1e-9);
    read(forecast, i * PERIOD_MS);
  }
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
  read(forecast, 120, 15);
  assertEquals(forecast.dueMs, 140);
});

Deno.test("PeriodForecast expects the rest of a period that was read in part", () => {
  const forecast = new PeriodForecast();
  forecast.onPart(100, 12);
  assertEquals(forecast.dueMs, 112);
  forecast.onLate();
  read(forecast, 125, 5);
  assertEquals(forecast.dueMs, 140);
});
