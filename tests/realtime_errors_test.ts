import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  errorOfClose,
  errorOfEvent,
  type RealtimeErrorKind,
} from "../src/realtime/errors.ts";

const SERVICE_ERRORS: [type: string, code: string, RealtimeErrorKind][] = [
  ["invalid_request_error", "invalid_api_key", "authentication"],
  ["invalid_request_error", "model_not_found", "configuration"],
  ["invalid_request_error", "beta_api_shape_disabled", "configuration"],
  ["invalid_request_error", "invalid_value", "configuration"],
  ["insufficient_quota", "credit_balance_exhausted", "billing"],
  ["requests", "rate_limit_exceeded", "rate_limit"],
  ["tokens", "inference_rate_limit_exceeded", "rate_limit"],
  ["server_error", "internal_error", "transient"],
  ["invalid_request_error", "session_expired", "transient"],
];

for (const [type, code, kind] of SERVICE_ERRORS) {
  Deno.test(`errorOfEvent() and errorOfClose() find ${kind} in ${type}.${code}`, () => {
    assertEquals(
      errorOfEvent({ error: { type, code, message: "No" } }).kind,
      kind,
    );
    // The close code of an empty account says "try again later".
    const close = { code: 1013, reason: `${type}.${code}` };
    assertEquals(errorOfClose(close, undefined).kind, kind);
  });
}

const CLOSES: [code: number, RealtimeErrorKind][] = [
  [0, "transient"],
  [1000, "transient"],
  [1001, "transient"],
  [1006, "transient"],
  [1008, "authentication"],
  [1009, "configuration"],
  [1011, "transient"],
  [1012, "transient"],
  [1013, "transient"],
  [3000, "authentication"],
  [4000, "configuration"],
  [4004, "configuration"],
];

for (const [code, kind] of CLOSES) {
  Deno.test(`errorOfClose() takes close code ${code} without a reason for ${kind}`, () => {
    const error = errorOfClose({ code, reason: "" }, undefined);
    assertEquals(error.kind, kind);
    assertEquals(error.closeCode, code);
    assert(error.fatal);
  });
}

const REFUSALS: [status: number, RealtimeErrorKind][] = [
  [302, "configuration"],
  [400, "configuration"],
  [401, "authentication"],
  [403, "authentication"],
  [429, "rate_limit"],
  [500, "transient"],
  [503, "transient"],
];

for (const [status, kind] of REFUSALS) {
  Deno.test(`errorOfClose() takes a refusal with HTTP status ${status} for ${kind}`, () => {
    const error = errorOfClose(
      { code: 0, reason: "" },
      `NetworkError: failed to connect to WebSocket: Invalid status code: ${status}`,
    );
    assertEquals(error.kind, kind);
    assertEquals(error.httpStatus, status);
  });
}

Deno.test("errorOfClose() goes by the close code when the reason says nothing known", () => {
  const kind = (code: number) =>
    errorOfClose({ code, reason: "some.thing" }, undefined).kind;
  assertEquals(kind(1011), "transient");
  assertEquals(kind(3000), "authentication");
  assertEquals(kind(4000), "configuration");
});

Deno.test("errorOfClose() does not advise to try again with a certificate that is not valid", () => {
  const error = errorOfClose(
    { code: 0, reason: "" },
    "invalid peer certificate: Expired",
  );
  assertEquals(error.kind, "configuration");
});

Deno.test("errorOfEvent() says the service's message, the code, the field and what to do", () => {
  const error = errorOfEvent({
    error: {
      type: "invalid_request_error",
      code: "invalid_value",
      message: "Invalid value: 16000.",
      param: "session.audio.input.format.rate",
      event_id: "earshot_1",
    },
  });
  assertEquals(
    error.message,
    "Invalid value: 16000 (invalid_request_error.invalid_value) at session.audio.input.format.rate. Correct what it names",
  );
  assertEquals(error.eventId, "earshot_1");
  assertFalse(error.fatal);
});

Deno.test("errorOfEvent() survives whatever a server sends in the place of an error", () => {
  for (
    const error of [
      undefined,
      null,
      "a plain text",
      42,
      [],
      {},
      { message: null, type: 7, code: {}, param: [], event_id: false },
      { message: "x".repeat(1_000_000) },
    ]
  ) {
    assert(errorOfEvent({ error }).message.length < 1000);
  }
  assert(
    errorOfEvent({ error: "a plain text" }).message.includes("a plain text"),
  );
});

Deno.test("errorOfEvent() never repeats a credential", () => {
  const error = errorOfEvent({
    error: {
      type: "invalid_request_error",
      code: "invalid_api_key",
      message: "Incorrect API key provided: sk-proj-1234****cdef or my secret",
    },
  }, { secret: "my secret" });
  assertFalse(error.message.includes("1234"));
  assertFalse(error.message.includes("my secret"));
});

Deno.test("errorOfEvent() cuts long texts behind the credential, not within it", () => {
  const secret = "key:0123456789";
  const error = errorOfEvent(
    { error: { message: "x".repeat(495) + secret } },
    { secret },
  );
  assertFalse(error.message.includes("key"));
});

Deno.test("RealtimeError holds a credential in none of its fields", () => {
  const secret = "sk-a.b.c.d";
  const error = errorOfEvent({
    error: {
      type: `type ${secret}`,
      code: secret,
      message: secret,
      param: `at ${secret}`,
      event_id: secret,
    },
  }, { secret });
  assertFalse(Deno.inspect(error).includes("b.c"));
});

Deno.test("errorOfEvent() makes one line without control characters of what a server says", () => {
  const { message } = errorOfEvent({ error: "one\n\u001b[2Jtwo" });
  assertEquals(message, "one [2Jtwo. Correct what it names");
});
