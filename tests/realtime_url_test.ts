import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { endpointUrl, isAzure, isLoopback } from "../src/realtime/url.ts";

function conversation(url: string, allowInsecure = false): string {
  return endpointUrl({ url, query: { model: "m" }, allowInsecure }).href;
}

Deno.test("endpointUrl() asks for a model in a conversation and for an intent in a transcription", () => {
  const url = "wss://api.openai.com/v1/realtime";
  assertEquals(conversation(url), `${url}?model=m`);
  assertEquals(
    endpointUrl({
      url,
      query: { intent: "transcription" },
      allowInsecure: false,
    }).href,
    `${url}?intent=transcription`,
  );
});

Deno.test("endpointUrl() replaces what is stale, keeps what is another's, and drops the fragment", () => {
  assertEquals(
    conversation(
      "wss://example.com/v1?intent=x&model=old&call_id=1&language=de#top",
    ),
    "wss://example.com/v1?language=de&model=m",
  );
});

Deno.test("endpointUrl() refuses an unencrypted connection unless it stays on this machine or is allowed", () => {
  for (
    const host of ["127.0.0.1:80", "127.9.9.9", "localhost:8000", "[::1]:1"]
  ) {
    assert(conversation(`ws://${host}/v1/realtime`).startsWith("ws://"));
  }
  assertThrows(
    () => conversation("ws://192.168.1.5:8000/v1/realtime"),
    TypeError,
    'must begin with "wss:"',
  );
  assertThrows(() => conversation("ws://localhost.example.com/"), TypeError);
  assert(conversation("ws://192.168.1.5/", true).startsWith("ws://"));
});

Deno.test("endpointUrl() refuses what is no WebSocket URL", () => {
  assertThrows(() => conversation("api.openai.com"), TypeError, "wss://");
  assertThrows(
    () => conversation("https://api.openai.com/v1"),
    TypeError,
    "https:",
  );
});

Deno.test("endpointUrl() refuses a credential in the URL and does not repeat it", () => {
  for (
    const url of [
      "wss://user:hunter2@example.com/",
      "wss://example.com/?api-key=hunter2",
      "wss://example.com/?api_key=hunter2",
      "wss://example.com/?token=hunter2",
    ]
  ) {
    const error = assertThrows(
      () => conversation(url),
      TypeError,
      "credential",
    );
    assertFalse(error.message.includes("hunter2"));
  }
});

Deno.test("isAzure() and isLoopback() go by the host alone", () => {
  const is = (url: string) => [isAzure(new URL(url)), isLoopback(new URL(url))];
  assertEquals(is("wss://mine.openai.azure.com/openai/v1/realtime"), [
    true,
    false,
  ]);
  assertEquals(is("wss://mine.services.ai.azure.com/openai/v1/realtime"), [
    true,
    false,
  ]);
  assertEquals(is("wss://evil.example/openai.azure.com"), [false, false]);
  assertEquals(is("ws://127.0.0.1:1/"), [false, true]);
  assertEquals(is("wss://127.0.0.1.example.com/"), [false, false]);
});
