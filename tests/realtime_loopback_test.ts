/** Our client and the local Realtime server, over a real WebSocket. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  createAudioCapture,
  RealtimeConnectionManager,
  type RealtimeConnectionOptions,
  RealtimeError,
  type RealtimeErrorKind,
} from "../mod.ts";
import {
  FakeClock,
  FakePcm,
  type FakePcmStep,
  type RealtimeFault,
  type RealtimeServer,
  startRealtimeServer,
} from "../src/testing/mod.ts";

const KEY = "sk-loopback-0123456789";

/** Two utterances: 1000 and 600 ms, among silence. */
const TWO_UTTERANCES: FakePcmStep[] = [
  { type: "silence", durationMs: 500 },
  { type: "tone", durationMs: 1000, frequencyHz: 300, amplitude: 0.5 },
  { type: "silence", durationMs: 1500 },
  { type: "tone", durationMs: 600, frequencyHz: 300, amplitude: 0.5 },
  { type: "silence", durationMs: 1500 },
];
const SCRIPT_MS = 5100;

/** Lets a fake microphone say the script to a server, in no time. */
async function speak(
  server: RealtimeServer,
  options: RealtimeConnectionOptions,
  vadEnabled: boolean,
) {
  const clock = new FakeClock();
  const fake = new FakePcm({ script: TWO_UTTERANCES, clock });
  const connection = new RealtimeConnectionManager({
    url: server.url,
    apiKey: KEY,
    ...options,
  });
  const errors: Error[] = [];
  await connection.start();
  const texts: string[] = [];
  connection.on(
    "conversation.item.input_audio_transcription.completed",
    (event) => texts.push(`you: ${event.transcript}`),
  );
  connection.on(
    "response.output_text.done",
    (event) => texts.push(`model: ${event.text}`),
  );
  const creating = createAudioCapture({
    openPcm: fake.open,
    clock,
    vadEnabled,
    vadThreshold: 0.02,
    connectionManager: connection,
    callbacks: { onError: (error) => errors.push(error) },
  });
  await clock.advance(100);
  const capture = await creating;
  await capture.startRecording();
  await clock.advance(SCRIPT_MS);
  const stopping = capture.dispose();
  await clock.advance(100);
  await stopping;
  await connection.stop({ drainMs: 5000 });
  return { fake, connection, capture, errors, texts };
}

Deno.test("a conversation with turns of our own arrives whole: audio bit for bit, one commit and one reply each", async () => {
  await using server = startRealtimeServer({
    apiKey: KEY,
    transcribe: (samples) => `${samples.length / 24} ms`,
    respond: (_, index) => `reply ${index}`,
  });
  const { fake, connection, errors, texts } = await speak(server, {
    turnDetection: "client",
    session: {
      output_modalities: ["text"],
      audio: { input: { transcription: { model: "gpt-transcribe" } } },
    },
  }, true);

  assertEquals(errors, []);
  const { utterances } = server.connections[0]!;
  // 300 ms of pre-roll before, 500 ms of hangover behind.
  assertEquals(utterances.map(({ samples }) => samples.length / 24), [
    1800,
    1400,
  ]);
  assertEquals(utterances[0]!.samples, fake.samplesAt(200 * 24, 1800 * 24));
  assertEquals(utterances[1]!.samples, fake.samplesAt(2700 * 24, 1400 * 24));
  assertEquals(texts.toSorted(), [
    "model: reply 0",
    "model: reply 1",
    "you: 1400 ms",
    "you: 1800 ms",
  ]);
  assertEquals(connection.getStats().sentAudioMs, 3200);
});

Deno.test("a transcription with turns of our own is committed and not answered", async () => {
  await using server = startRealtimeServer({ apiKey: KEY });
  const { texts, errors } = await speak(
    server,
    { mode: "transcription" },
    true,
  );
  assertEquals(errors, []);
  assertEquals(texts.length, 2);
  assert(!server.received.some(({ type }) => type === "response.create"));
});

Deno.test("a stream with its silence lets the server find the same two turns", async () => {
  await using server = startRealtimeServer({ apiKey: KEY });
  const { capture, errors, texts } = await speak(server, {
    session: {
      output_modalities: ["text"],
      audio: { input: { transcription: { model: "gpt-transcribe" } } },
    },
  }, false);
  assertEquals(errors, []);
  const [connection] = server.connections;
  assertEquals(connection!.utterances.length, 2);
  assertEquals(texts.length, 4);
  assert(
    !server.received.some(({ type }) => type === "input_audio_buffer.commit"),
  );
  const { deliveredSamples, totalSamples } = capture.getStats();
  assertEquals(deliveredSamples, totalSamples);
});

Deno.test("a gated stream still lets the server find the ends of turns, and stop() waits for their answers", async () => {
  await using server = startRealtimeServer({ apiKey: KEY });
  const { connection, texts } = await speak(server, {
    turnDetection: "server",
    session: { output_modalities: ["text"] },
  }, true);
  assertEquals(server.connections[0]!.utterances.length, 2);
  assertEquals(texts.length, 2);
  assert(connection.getStats().silencePaddingMs > 0);
});

Deno.test("a session.update of the beta reaches the server in the present shape", async () => {
  await using server = startRealtimeServer({ apiKey: KEY });
  const warn = console.warn;
  console.warn = () => {};
  try {
    await using connection = new RealtimeConnectionManager({
      url: server.url,
      apiKey: KEY,
    });
    await connection.start();
    const updated = Promise.withResolvers<unknown>();
    connection.on("session.updated", ({ session }) => updated.resolve(session));
    connection.on("error", (error) => updated.reject(error));
    connection.sendEvent({
      type: "session.update",
      session: {
        modalities: ["text", "audio"],
        instructions: "Be brief.",
        voice: "sage",
        input_audio_format: "pcm16",
        output_audio_format: "pcm16",
        turn_detection: { type: "server_vad", threshold: 0.6 },
      },
    });
    const session = await updated.promise as Record<string, unknown>;
    assertEquals(session.instructions, "Be brief.");
    assertEquals(session.output_modalities, ["audio"]);
  } finally {
    console.warn = warn;
  }
});

const FAULTS: [RealtimeFault, RealtimeErrorKind, string][] = [
  [{ rejectUpgrade: 401 }, "authentication", "HTTP status 401"],
  [{ rejectUpgrade: 403 }, "authentication", "HTTP status 403"],
  [{ rejectUpgrade: 429 }, "rate_limit", "HTTP status 429"],
  [{ rejectUpgrade: 503 }, "transient", "HTTP status 503"],
  ["invalid_api_key", "authentication", "invalid_api_key"],
  ["model_not_found", "configuration", "model_not_found"],
  ["credit_balance_exhausted", "billing", "credit_balance_exhausted"],
];

for (const [fault, kind, text] of FAULTS) {
  Deno.test(`RealtimeConnectionManager.start() fails with ${kind} at ${JSON.stringify(fault)}`, async () => {
    await using server = startRealtimeServer({ fault: () => fault });
    const connection = new RealtimeConnectionManager({
      url: server.url,
      apiKey: KEY,
    });
    const error = await assertRejects(() => connection.start(), RealtimeError);
    assertEquals((error as RealtimeError).kind, kind);
    assertStringIncludes(error.message, text);
  });
}

const SILENCES: RealtimeFault[] = [
  "no_upgrade",
  "no_session_created",
  "no_session_updated",
];

for (const fault of SILENCES) {
  Deno.test(`RealtimeConnectionManager.start() gives up in time and leaves nothing open at ${fault}`, async () => {
    await using server = startRealtimeServer({ fault: () => fault });
    const clock = new FakeClock();
    const connection = new RealtimeConnectionManager({
      url: server.url,
      apiKey: KEY,
      clock,
    });
    const starting = assertRejects(() => connection.start(), RealtimeError);
    await server.waitFor(() => server.attemptCount === 1);
    await clock.advance(10_000);
    const error = await starting;
    assertEquals((error as RealtimeError).kind, "transient");
    assertStringIncludes(error.message, "within 10000 ms");
    assertEquals(clock.sleeperCount, 0);
  });
}

Deno.test("RealtimeConnectionManager sends what waits in the socket before it closes", async () => {
  await using server = startRealtimeServer({ apiKey: KEY });
  const connection = new RealtimeConnectionManager({
    url: server.url,
    apiKey: KEY,
    turnDetection: "client",
    maxBufferedBytes: 1e8,
  });
  await connection.start();
  const second = "A".repeat(64_000);
  for (let i = 0; i < 60; i++) {
    connection.sendEvent({ type: "input_audio_buffer.append", audio: second });
  }
  assert(connection.getStats().bufferedBytes > 0);
  await connection.stop({ drainMs: 10_000 });
  const appends = server.received.filter(({ type }) =>
    type === "input_audio_buffer.append"
  );
  assertEquals(appends.length, 60);
});

Deno.test("RealtimeConnectionManager.start() fails with authentication at a wrong key, which it does not repeat", async () => {
  await using server = startRealtimeServer({ apiKey: "another" });
  const connection = new RealtimeConnectionManager({
    url: server.url,
    apiKey: KEY,
  });
  const error = await assertRejects(() => connection.start(), RealtimeError);
  assertEquals((error as RealtimeError).kind, "authentication");
  assert(!`${error.message}${error.stack}`.includes(KEY));
});

Deno.test("RealtimeConnectionManager.start() fails with transient where nobody listens", async () => {
  const server = startRealtimeServer();
  await server.close();
  const connection = new RealtimeConnectionManager({
    url: server.url,
    apiKey: KEY,
  });
  const error = await assertRejects(() => connection.start(), RealtimeError);
  assertEquals((error as RealtimeError).kind, "transient");
});

Deno.test("a lost connection is thrown by the iterator with its reason", async () => {
  await using server = startRealtimeServer({ apiKey: KEY });
  const connection = new RealtimeConnectionManager({
    url: server.url,
    apiKey: KEY,
  });
  await connection.start();
  const iterating = assertRejects(async () => {
    for await (const _ of connection);
  }, RealtimeError);
  server.closeConnections(1013, "insufficient_quota.credit_balance_exhausted");
  const error = await iterating as RealtimeError;
  assertEquals([error.kind, error.fatal, error.closeCode], [
    "billing",
    true,
    1013,
  ]);
});
