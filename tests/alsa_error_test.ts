import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { AlsaError, check } from "../ffi/errno.ts";

Deno.test("AlsaError tells the call, the errno and what to do next", () => {
  const error = new AlsaError("snd_pcm_open", -16, {
    detail: 'the device "hw:0"',
  });
  assertEquals(error.name, "AlsaError");
  assertEquals(error.call, "snd_pcm_open");
  assertEquals(error.errno, 16);
  assertEquals(error.code, "EBUSY");
  assertEquals(error.kind, "busy");
  assertEquals(
    error.message,
    `snd_pcm_open failed for the device "hw:0": device or resource busy (EBUSY). ${error.advice}`,
  );
});

Deno.test("AlsaError tells apart what calls for different reactions", () => {
  const kindOf = (errno: number) => new AlsaError("snd_pcm_open", errno).kind;
  assertEquals(kindOf(-2), "unavailable");
  assertEquals(kindOf(-13), "permission");
  assertEquals(kindOf(-16), "busy");
  assertEquals(kindOf(-19), "unavailable");
  assertEquals(kindOf(-22), "config");
  assertEquals(kindOf(-32), "xrun");
  assertEquals(kindOf(-77), "unavailable");
  assertEquals(kindOf(-86), "suspended");
  assertEquals(kindOf(-5), "io");
});

Deno.test("AlsaError names an errno that it does not know by its number", () => {
  const error = new AlsaError("snd_pcm_open", -999);
  assertEquals(error.code, "E999");
  assertEquals(error.kind, "io");
  assertStringIncludes(error.message, "unknown error (E999)");
});

Deno.test("AlsaError says what libasound says of an errno that it does not know", () => {
  const text = "Sound protocol is not compatible";
  const error = new AlsaError("snd_pcm_open", -500_000, { text });
  assertStringIncludes(error.message, `${text} (E500000)`);
});

Deno.test("AlsaError advises starting the sound server when it refuses", () => {
  const { advice, kind } = new AlsaError("snd_pcm_open", -111);
  assertEquals(kind, "unavailable");
  assertStringIncludes(advice, "Start the sound server");
});

Deno.test("AlsaError takes another kind and another advice and keeps the cause", () => {
  const cause = new Error("no such file");
  const error = new AlsaError("dlopen", 0, {
    detail: "libasound",
    kind: "unavailable",
    advice: "Install it",
    cause,
  });
  assertEquals(error.message, "dlopen failed for libasound. Install it");
  assertEquals(error.kind, "unavailable");
  assertEquals(error.cause, cause);
});

Deno.test("check() passes counts on and throws negative results", () => {
  assertEquals(check("snd_pcm_readi", 480), 480);
  assertEquals(check("snd_pcm_prepare", 0), 0);
  const error = assertThrows(
    () => check("snd_pcm_readi", -32, 'the device "hw:0"'),
    AlsaError,
    'the device "hw:0"',
  );
  assertEquals(error.code, "EPIPE");
});
