/**
 * What we rely on in `@std`. The adapters in `offline/` pass these tests, and so
 * do the genuine packages where they can be had.
 */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertInstanceOf,
  assertLess,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { abortable } from "@std/async/abortable";
import { delay } from "@std/async/delay";
import { parseArgs } from "@std/cli/parse-args";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";

/** Does without the assertions that it tests. */
function mustThrow(name: string, fn: () => unknown): void {
  try {
    fn();
  } catch {
    return;
  }
  throw new Error(`${name}() lets something wrong pass`);
}

Deno.test("assertions pass when what they claim is true", async () => {
  const value = {};
  assert(1);
  assertFalse(0);
  assertExists(0);
  assertEquals({ a: [1, new Map([[2, 3]])] }, { a: [1, new Map([[2, 3]])] });
  assertEquals(Int16Array.of(1, 2), Int16Array.of(0, 1, 2).subarray(1));
  assertEquals(NaN, NaN);
  assertNotEquals({ a: 1 }, { a: 2 });
  assertStrictEquals(value, value);
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(10, 11, 1);
  assertGreater(2, 1);
  assertLess(1, 2);
  assertStringIncludes("earshot", "shot");
  assertMatch("earshot", /^ear/);
  assertInstanceOf(new RangeError(), RangeError);
  const error = assertThrows(
    () => {
      throw new RangeError("Too far");
    },
    RangeError,
    "far",
  );
  assertEquals(error.message, "Too far");
  const reason = await assertRejects(
    () => Promise.reject(new TypeError("Not so")),
    Error,
    "so",
  );
  assertEquals(reason.message, "Not so");
});

Deno.test("assertions throw when what they claim is false", async () => {
  mustThrow("assert", () => assert(""));
  mustThrow("assertFalse", () => assertFalse(1));
  mustThrow("assertExists", () => assertExists(undefined));
  mustThrow("assertEquals", () => assertEquals([1, { a: 2 }], [1, { a: 3 }]));
  mustThrow("assertEquals", () => assertEquals<unknown>(1, "1"));
  mustThrow(
    "assertEquals",
    () => assertEquals(Int16Array.of(1, 2), Int16Array.of(1, 3)),
  );
  mustThrow("assertNotEquals", () => assertNotEquals([1], [1]));
  mustThrow("assertStrictEquals", () => assertStrictEquals({}, {}));
  mustThrow("assertAlmostEquals", () => assertAlmostEquals(1, 1.001));
  mustThrow("assertGreater", () => assertGreater(1, 1));
  mustThrow("assertLess", () => assertLess(1, 1));
  mustThrow("assertStringIncludes", () => assertStringIncludes("ear", "shot"));
  mustThrow("assertMatch", () => assertMatch("earshot", /^shot/));
  mustThrow(
    "assertInstanceOf",
    () => assertInstanceOf(new Error(), RangeError),
  );
  mustThrow("assertThrows", () => assertThrows(() => {}));
  const throwing = () => {
    throw new TypeError("Not so");
  };
  mustThrow("assertThrows", () => assertThrows(throwing, RangeError));
  mustThrow("assertThrows", () => assertThrows(throwing, TypeError, "far"));
  let rejectionCount = 0;
  for (const work of [async () => {}, () => Promise.reject(new TypeError())]) {
    await assertRejects(work, RangeError).catch(() => rejectionCount++);
  }
  assertEquals(rejectionCount, 2);
});

Deno.test("encodeBase64() and decodeBase64() are inverse, with padding", () => {
  for (
    const [bytes, text] of [[[], ""], [[0], "AA=="], [[0, 255], "AP8="], [[
      251,
      239,
      190,
    ], "++++"]] as const
  ) {
    const data = Uint8Array.from(bytes);
    assertEquals(encodeBase64(data), text);
    assertEquals(encodeBase64(data.buffer), text);
    assertEquals(decodeBase64(text), data);
  }
});

Deno.test("encodeBase64() encodes a view, and not the buffer behind it", () => {
  assertEquals(
    encodeBase64(Uint8Array.of(9, 1, 2, 3, 9).subarray(1, 4)),
    "AQID",
  );
});

Deno.test("decodeBase64() gives bytes in a buffer of their own", () => {
  const bytes = decodeBase64("AQID");
  assertEquals([bytes.byteOffset, bytes.buffer.byteLength], [0, 3]);
});

Deno.test("decodeBase64() throws when the text is not base64", () => {
  for (const text of ["A", "AA-_", "A A=", "not base64!"]) {
    assertThrows(() => decodeBase64(text));
  }
});

Deno.test("delay() waits", async () => {
  const before = performance.now();
  await delay(20);
  // Timers may be early by the fraction of a millisecond that they round off.
  assertGreater(performance.now() - before, 19);
});

Deno.test("delay() rejects with the reason of its signal, and leaves no timer", async () => {
  const controller = new AbortController();
  const waiting = delay(60_000, { signal: controller.signal });
  controller.abort(new RangeError("Enough"));
  await assertRejects(() => waiting, RangeError, "Enough");
  await assertRejects(
    () => delay(60_000, { signal: controller.signal }),
    RangeError,
    "Enough",
  );
});

/** Parses like the program, which has options of every kind. */
function parse(line: string): { args: unknown; unknown: string[] } {
  const unknown: string[] = [];
  const args = parseArgs(line.split(" "), {
    string: ["_", "device", "seconds"],
    boolean: ["json", "quiet"],
    alias: { d: "device", q: "quiet" },
    unknown: (arg) => {
      if (arg.startsWith("-") && arg !== "-") unknown.push(arg);
    },
  });
  const { _, device, seconds, json, quiet } = args;
  return { args: { _, device, seconds, json, quiet }, unknown };
}

for (
  const [line, args, unknown = []] of [
    ["x", { _: ["x"] }],
    ["--device hw:1", { device: "hw:1" }],
    ["--device=hw:1", { device: "hw:1" }],
    ["-d hw:1 x", { device: "hw:1", _: ["x"] }],
    ["-d=hw:1", { device: "hw:1" }],
    ["--device 1", { device: "1" }],
    ["--seconds 1.5 --json", { seconds: "1.5", json: true }],
    ["--json x", { json: true, _: ["x"] }],
    ["-q", { quiet: true }],
    ["-qd hw:1", { quiet: true, device: "hw:1" }],
    ["--seconds", { seconds: "" }],
    ["--seconds --json", { seconds: "", json: true }],
    ["--seconds=", { seconds: "" }],
    ["--seconds=-1", { seconds: "-1" }],
    ["--seconds 1 --seconds 2", { seconds: "2" }],
    ["- 7", { _: ["-", "7"] }],
    ["-- --json -q", { _: ["--json", "-q"] }],
    ["--nothing", {}, ["--nothing"]],
    ["-x --json", { json: true }, ["-x"]],
  ] as [string, Record<string, unknown>, string[]?][]
) {
  Deno.test(`parseArgs() reads ${line}`, () => {
    const parsed = parse(line);
    assertEquals(parsed.unknown, unknown);
    assertEquals(parsed.args, {
      _: [],
      device: undefined,
      seconds: undefined,
      json: false,
      quiet: false,
      ...args,
    });
  });
}

Deno.test("abortable() resolves with its promise and rejects with the reason of its signal", async () => {
  const controller = new AbortController();
  assertEquals(await abortable(Promise.resolve(7), controller.signal), 7);
  const reason = new Error("enough");
  const waiting = abortable(new Promise(() => {}), controller.signal);
  controller.abort(reason);
  assertStrictEquals(await waiting.catch((error) => error), reason);
  assertStrictEquals(
    await abortable(new Promise(() => {}), controller.signal)
      .catch((error) => error),
    reason,
  );
});
