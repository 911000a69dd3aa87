import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  RealtimeConnectionManager,
  type RealtimeConnectionOptions,
} from "../src/realtime/connection.ts";
import { RealtimeError } from "../src/realtime/errors.ts";
import type {
  RealtimeServerEvent,
  RealtimeSession,
} from "../src/realtime/events.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import { FakeSocket } from "./fake_socket.ts";

const KEY = "sk-test-0123456789";

/** Base64 of a duration of 24 kHz mono PCM16. */
function audioOf(durationMs: number): string {
  return "A".repeat(durationMs * 48 / 3 * 4);
}

function lab(options: RealtimeConnectionOptions = {}) {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const requests: { url: string; headers: Record<string, string> }[] = [];
  const connection = new RealtimeConnectionManager({
    apiKey: KEY,
    clock,
    createWebSocket: (url, { headers }) => {
      requests.push({ url, headers });
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    ...options,
  });
  const errors: RealtimeError[] = [];
  connection.on("error", (error) => errors.push(error));
  /** Starts and lets the server accept everything. */
  const ready = async () => {
    const starting = connection.start();
    await clock.advance(0);
    const socket = sockets.at(-1)!;
    socket.receive({ type: "session.created", session: {} });
    socket.receive({ type: "session.updated", session: { id: "sess_1" } });
    await starting;
    socket.sent.length = 0;
    return socket;
  };
  return { clock, sockets, requests, connection, errors, ready };
}

function append(connection: RealtimeConnectionManager, durationMs: number) {
  return connection.sendEvent({
    type: "input_audio_buffer.append",
    audio: audioOf(durationMs),
  });
}

Deno.test("RealtimeConnectionManager configures the session before it is ready", async () => {
  const { clock, sockets, connection } = lab();
  let started = false;
  connection.start().then(() => started = true);
  await clock.advance(0);
  const socket = sockets[0]!;
  assertEquals(socket.sent, []);
  assertEquals(connection.state.status, "connecting");

  socket.receive({ type: "session.created", session: { id: "sess_1" } });
  assertEquals(socket.sent, [{
    event_id: "earshot_1",
    type: "session.update",
    session: {
      type: "realtime",
      audio: {
        input: {
          format: { type: "audio/pcm", rate: 24000 },
          turn_detection: { type: "server_vad", silence_duration_ms: 500 },
        },
      },
    },
  }]);
  assertEquals(connection.state.status, "configuring");

  socket.receive({
    type: "session.updated",
    session: { id: "sess_1", expires_at: 1_800_000_000 },
  });
  await clock.advance(0);
  assert(started);
  assertEquals(connection.state, {
    status: "ready",
    sessionId: "sess_1",
    expiresAtMs: 1_800_000_000_000,
  });
  await connection.stop();
  assertEquals(socket.closedWith, 1000);
  assertEquals(connection.state.status, "closed");
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("RealtimeConnectionManager keeps what is said while it connects, and sends it once the session is configured", async () => {
  const { clock, sockets, connection } = lab();
  assertFalse(append(connection, 10), "audio before the start");
  const starting = connection.start();
  assert(append(connection, 20), "audio while it connects");
  await clock.advance(0);
  const socket = sockets[0]!;
  socket.receive({ type: "session.created", session: { id: "sess_1" } });
  assert(append(connection, 30), "audio while the session is configured");
  assertEquals(socket.sent.map(({ type }) => type), ["session.update"]);
  assertEquals(connection.getStats().keptAudioMs, 50);

  socket.receive({ type: "session.updated", session: { id: "sess_1" } });
  await starting;
  assertEquals(socket.sent.slice(1).map(({ audio }) => audio), [
    audioOf(20),
    audioOf(30),
  ]);
  const { keptAudioMs, sentAudioMs, unsentAudioMs } = connection.getStats();
  assertEquals([keptAudioMs, sentAudioMs], [0, 50]);
  assertEquals(unsentAudioMs, { notConnected: 10, bufferFull: 0 });
  await connection.stop();
});

Deno.test("RealtimeConnectionManager counts what was said while it could not connect as not sent", async () => {
  const { clock, sockets, connection } = lab();
  const starting = assertRejects(() => connection.start(), RealtimeError);
  append(connection, 20);
  await clock.advance(0);
  sockets[0]!.onclose!({ code: 1006, reason: "" });
  await starting;
  assertEquals(connection.state.status, "failed");
  const { keptAudioMs, sentAudioMs, unsentAudioMs } = connection.getStats();
  assertEquals([keptAudioMs, sentAudioMs], [0, 0]);
  assertEquals(unsentAudioMs, { notConnected: 20, bufferFull: 0 });
});

Deno.test("RealtimeConnectionManager puts the key into a header and nowhere else", async () => {
  const { requests, connection, ready } = lab({
    headers: { "OpenAI-Project": "p" },
  });
  await ready();
  assertEquals(requests, [{
    url: "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1",
    headers: { authorization: `Bearer ${KEY}`, "openai-project": "p" },
  }]);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager speaks Azure's dialect of authorisation to Azure", async () => {
  const { requests, connection, ready } = lab({
    url: "wss://mine.openai.azure.com/openai/v1/realtime",
    model: "my-deployment",
  });
  await ready();
  assertEquals(requests, [{
    url: "wss://mine.openai.azure.com/openai/v1/realtime?model=my-deployment",
    headers: { "api-key": KEY },
  }]);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager asks a credential callback before every connection", async () => {
  let count = 0;
  const { requests, connection, ready } = lab({
    apiKey: () => Promise.resolve(`token-${++count}`),
  });
  await ready();
  await connection.stop();
  await ready();
  await connection.stop();
  assertEquals(requests.map(({ headers }) => headers.authorization), [
    "Bearer token-1",
    "Bearer token-2",
  ]);
});

Deno.test("RealtimeConnectionManager opens a transcription session with a model that streams and turns of its own", async () => {
  const { sockets, requests, clock, connection } = lab({
    mode: "transcription",
  });
  const starting = connection.start();
  await clock.advance(0);
  sockets[0]!.receive({ type: "session.created", session: {} });
  assertEquals(
    requests[0]!.url,
    "wss://api.openai.com/v1/realtime?intent=transcription",
  );
  assertEquals(sockets[0]!.sent[0]!.session, {
    type: "transcription",
    audio: {
      input: {
        format: { type: "audio/pcm", rate: 24000 },
        transcription: { model: "gpt-live-transcribe" },
        turn_detection: null,
      },
    },
  });
  sockets[0]!.receive({ type: "session.updated", session: {} });
  await starting;
  await connection.stop();
});

Deno.test("RealtimeConnectionManager fails to start without a key, and says what to do", async () => {
  const { connection, sockets } = lab({ apiKey: () => "" });
  const error = await assertRejects(() => connection.start(), RealtimeError);
  assertEquals((error as RealtimeError).kind, "authentication");
  assertStringIncludes(error.message, "OPENAI_API_KEY");
  assertEquals(sockets.length, 0);
});

Deno.test("RealtimeConnectionManager refuses a key that would break the header, without repeating it", async () => {
  const { connection } = lab({ apiKey: "sk-one\nX-Evil: two" });
  const error = await assertRejects(() => connection.start(), RealtimeError);
  assertFalse(error.message.includes("Evil"));
});

Deno.test("RealtimeConnectionManager.start() fails with the service's own error, and can be tried again", async () => {
  const { clock, sockets, connection, errors, ready } = lab();
  const failing = assertRejects(() => connection.start(), RealtimeError);
  await clock.advance(0);
  sockets[0]!.receive({
    type: "error",
    error: {
      type: "invalid_request_error",
      code: "invalid_api_key",
      message: `Incorrect API key provided: ${KEY}.`,
    },
  });
  const error = await failing as RealtimeError;
  assertEquals([error.kind, error.fatal], ["authentication", true]);
  assertFalse(error.message.includes(KEY));
  assertEquals(connection.state.status, "failed");
  assertEquals(errors, [], "an error that start() throws is not told twice");
  assertEquals(clock.sleeperCount, 0);

  await ready();
  await connection.stop();
});

Deno.test("RealtimeConnectionManager.start() fails when the session is not set up in time", async () => {
  const { clock, connection, sockets } = lab({ setupTimeoutMs: 5000 });
  const failing = assertRejects(
    () => connection.start(),
    RealtimeError,
    "5000 ms",
  );
  await clock.advance(5000);
  assertEquals((await failing as RealtimeError).kind, "transient");
  assertEquals(sockets[0]!.closedWith, 1000);
});

Deno.test("RealtimeConnectionManager.start() is refused while started", async () => {
  const { connection, ready } = lab();
  await ready();
  await assertRejects(
    () => connection.start(),
    DOMException,
    "call stop() first",
  );
  await connection.stop();
});

Deno.test("RealtimeConnectionManager.stop() gives up a start that is under way", async () => {
  const { clock, connection, sockets } = lab();
  const failing = assertRejects(
    () => connection.start(),
    DOMException,
    "stopped",
  );
  await clock.advance(0);
  await connection.stop();
  await failing;
  assertEquals(sockets[0]!.closedWith, 1000);
  assertEquals(connection.state.status, "closed");
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("RealtimeConnectionManager.start() gives up with the reason of its signal", async () => {
  const { clock, connection } = lab({ apiKey: () => new Promise(() => {}) });
  const controller = new AbortController();
  const failing = assertRejects(
    () => connection.start({ signal: controller.signal }),
    Error,
    "enough",
  );
  await clock.advance(0);
  controller.abort(new Error("enough"));
  await failing;
});

Deno.test("RealtimeConnectionManager.stop() does not wait for ever for a peer that does not answer", async () => {
  const { clock, connection, ready } = lab();
  const socket = await ready();
  socket.answersClose = false;
  let stopped = false;
  connection.stop().then(() => stopped = true);
  await clock.advance(2000);
  assert(stopped);
});

Deno.test("RealtimeConnectionManager.stop() can be called twice and in any state", async () => {
  const { connection, ready } = lab();
  await connection.stop();
  await ready();
  await Promise.all([connection.stop(), connection.stop()]);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager.sendEvent() refuses anything but audio without a session", () => {
  const { connection } = lab();
  assertThrows(
    () => connection.sendEvent({ type: "response.create" }),
    DOMException,
    'Cannot send "response.create" as the connection is idle',
  );
  assertFalse(append(connection, 20));
  assertEquals(connection.getStats().unsentAudioMs, {
    notConnected: 20,
    bufferFull: 0,
  });
});

Deno.test("RealtimeConnectionManager sends audio as it is given", async () => {
  const { connection, ready } = lab();
  const socket = await ready();
  for (const audio of ["AQID", "+/A=", ""]) {
    connection.sendEvent({ type: "input_audio_buffer.append", audio });
    const { event_id, ...event } = socket.sent.at(-1)!;
    assertEquals(event, { type: "input_audio_buffer.append", audio });
    assert(/^earshot_[0-9a-z]+$/.test(event_id as string));
  }
  await connection.stop();
});

Deno.test("RealtimeConnectionManager sends audio with the event_id that it was given", async () => {
  const { connection, ready } = lab();
  const socket = await ready();
  for (const event_id of ["mine", 'with "quotes"']) {
    connection.sendEvent({
      type: "input_audio_buffer.append",
      audio: "AQID",
      event_id,
    });
    assertEquals(socket.sent.at(-1)!.event_id, event_id);
  }
  await connection.stop();
});

Deno.test("RealtimeConnectionManager.sendEvent() refuses audio that is not base64", async () => {
  const { connection, ready } = lab();
  const socket = await ready();
  const sentCount = socket.sent.length;
  for (const audio of ['no "base64"', "\\nor\n this", "AQID="]) {
    assertThrows(
      () => connection.sendEvent({ type: "input_audio_buffer.append", audio }),
      TypeError,
      `must be base64: current value is ${audio.length} characters that are not`,
    );
  }
  assertEquals(socket.sent.length, sentCount);
  assertEquals(connection.getStats().sentAudioBytes, 0);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager sends no audio beyond the bytes that may wait, and counts it", async () => {
  const { connection, ready } = lab({ maxBufferedBytes: 10_000, keepMs: 0 });
  const socket = await ready();
  assert(append(connection, 100));
  socket.bufferedAmount = 9_000;
  assertFalse(append(connection, 100));
  socket.bufferedAmount = 0;
  assert(append(connection, 100));

  const stats = connection.getStats();
  assertEquals(stats.sentAudioMs, 200);
  assertEquals(stats.sentAudioBytes, 9600);
  assertEquals(stats.unsentAudioMs, { notConnected: 0, bufferFull: 100 });
  await connection.stop();
});

Deno.test("RealtimeConnectionManager.endTurn() commits and asks for an answer when the client finds the turns", async () => {
  const { connection, ready } = lab({ turnDetection: "client" });
  const socket = await ready();
  append(connection, 100);
  connection.endTurn();
  assertEquals(socket.sentTypes, [
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "response.create",
  ]);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager.endTurn() asks for no answer in a transcription", async () => {
  const { connection, ready } = lab({ mode: "transcription" });
  const socket = await ready();
  append(connection, 100);
  connection.endTurn();
  assertEquals(socket.sentTypes.slice(1), ["input_audio_buffer.commit"]);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager.endTurn() clears what is too short to commit", async () => {
  const { connection, ready } = lab({ turnDetection: "client" });
  const socket = await ready();
  append(connection, 99);
  connection.endTurn();
  connection.endTurn();
  assertEquals(socket.sentTypes.slice(1), ["input_audio_buffer.clear"]);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager.endTurn() gives the server the silence that it waits for", async () => {
  const { connection, ready } = lab({
    turnDetection: { type: "server_vad", silence_duration_ms: 300 },
  });
  const socket = await ready();
  append(connection, 100);
  connection.endTurn();
  assertEquals(socket.sentTypes, [
    "input_audio_buffer.append",
    "input_audio_buffer.append",
  ]);
  assertEquals(socket.sent[1]!.audio, audioOf(500));
  const { sentAudioMs, silencePaddingMs } = connection.getStats();
  assertEquals([sentAudioMs, silencePaddingMs], [100, 500]);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager follows who finds the turns when the session is changed", async () => {
  const { connection, ready } = lab({ turnDetection: "server" });
  const socket = await ready();
  connection.sendEvent({
    type: "session.update",
    session: { type: "realtime", audio: { input: { turn_detection: null } } },
  });
  append(connection, 200);
  connection.endTurn();
  assertEquals(socket.sentTypes.slice(2), [
    "input_audio_buffer.commit",
    "response.create",
  ]);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager asks for one response at a time", async () => {
  const { connection, ready } = lab({ turnDetection: "client" });
  const socket = await ready();
  const speak = () => {
    append(connection, 200);
    connection.endTurn();
  };
  speak();
  speak();
  speak();
  const creations = () =>
    socket.sentTypes.filter((type) => type === "response.create").length;
  assertEquals(creations(), 1);
  socket.receive({ type: "response.created", response: { id: "r1" } });
  socket.receive({ type: "response.done", response: { id: "r1" } });
  assertEquals(creations(), 2, "the turns in between are answered together");
  socket.receive({ type: "response.done", response: { id: "r2" } });
  assertEquals(creations(), 2);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager asks for the next response also when the last one was refused", async () => {
  const { connection, ready } = lab({ turnDetection: "client" });
  const socket = await ready();
  append(connection, 200);
  connection.endTurn();
  append(connection, 200);
  connection.endTurn();
  const request = socket.sent.find((event) =>
    event.type === "response.create"
  )!;
  socket.receive({
    type: "error",
    error: { type: "server_error", message: "No", event_id: request.event_id },
  });
  assertEquals(socket.sentTypes.at(-1), "response.create");
  await connection.stop();
});

Deno.test("RealtimeConnectionManager.stop() waits for the transcript of the last utterance", async () => {
  const { clock, connection, sockets } = lab({ mode: "transcription" });
  const starting = connection.start();
  await clock.advance(0);
  const socket = sockets[0]!;
  socket.receive({ type: "session.created", session: {} });
  socket.receive({
    type: "session.updated",
    session: { audio: { input: { transcription: { model: "m" } } } },
  });
  await starting;
  append(connection, 200);
  connection.endTurn();
  let stopped = false;
  connection.stop({ drainMs: 5000 }).then(() => stopped = true);
  await clock.advance(1000);
  socket.receive({ type: "input_audio_buffer.committed", item_id: "i1" });
  await clock.advance(1000);
  assertFalse(stopped);
  socket.receive({
    type: "conversation.item.input_audio_transcription.completed",
    item_id: "i1",
    transcript: "hello",
  });
  await clock.advance(50);
  assert(stopped);
});

Deno.test("RealtimeConnectionManager.stop() waits no longer than drainMs", async () => {
  const { clock, connection, ready } = lab({ turnDetection: "client" });
  await ready();
  append(connection, 200);
  connection.endTurn();
  let stopped = false;
  connection.stop({ drainMs: 5000 }).then(() => stopped = true);
  await clock.advance(4999);
  assertFalse(stopped);
  await clock.advance(1);
  assert(stopped);
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("RealtimeConnectionManager delivers events to listeners and iterators, those of the beta by their present names", async () => {
  const { connection, ready } = lab();
  const socket = await ready();
  const heard: string[] = [];
  const off = connection.on(
    "response.output_text.delta",
    (event) => heard.push(event.delta),
  );
  connection.on("event", (event) => heard.push(event.type));
  const iterator = connection[Symbol.asyncIterator]();
  socket.receive({ type: "response.text.delta", delta: "Hel" });
  off();
  socket.receive({ type: "response.text.delta", delta: "lo" });
  socket.receive({ type: "something.new" });

  assertEquals(heard, [
    "response.output_text.delta",
    "Hel",
    "response.output_text.delta",
    "something.new",
  ]);
  const types: string[] = [];
  await connection.stop();
  for await (const event of { [Symbol.asyncIterator]: () => iterator }) {
    types.push(event.type);
  }
  assertEquals(types.at(-1), "something.new");
  assertEquals(types.length, 3);
});

Deno.test("RealtimeConnectionManager keeps a bounded number of events for a slow iterator and counts the others", async () => {
  const { connection, ready } = lab();
  const socket = await ready();
  const iterator = connection[Symbol.asyncIterator]();
  for (let i = 0; i < 1500; i++) socket.receive({ type: "n", i });
  assertEquals(connection.getStats().droppedEventCount, 476);
  const first = (await iterator.next()).value as RealtimeServerEvent & {
    i: number;
  };
  assertEquals(first.i, 476);
  await iterator.return?.();
  await connection.stop();
});

Deno.test("RealtimeConnectionManager reports an error of the service and stays connected", async () => {
  const { connection, errors, ready } = lab();
  const socket = await ready();
  socket.receive({
    type: "error",
    error: { type: "invalid_request_error", message: "No" },
  });
  assertEquals(errors.map(({ fatal }) => fatal), [false]);
  assertEquals(connection.state.status, "ready");
  await connection.stop();
});

Deno.test("RealtimeConnectionManager reports frames that are no events without repeating them", async () => {
  const { connection, errors, ready } = lab();
  const socket = await ready();
  for (const frame of ["{secret", "null", "[]", '"secret"', '{"type":7}']) {
    socket.receive(frame);
  }
  socket.onmessage?.({ data: new ArrayBuffer(8) });
  assertEquals(errors.length, 6);
  assert(
    errors.every((error) => !error.fatal && !error.message.includes("secret")),
  );
  assertEquals(connection.state.status, "ready");
  await connection.stop();
});

Deno.test("RealtimeConnectionManager ends with the service's own words when it is thrown out", async () => {
  const { connection, errors, ready } = lab({ reconnect: false });
  const socket = await ready();
  const iterating = assertRejects(
    async () => {
      for await (const _ of connection);
    },
    RealtimeError,
    "60 minutes",
  );
  const closes: unknown[] = [];
  connection.on("close", (close) => closes.push(close));
  socket.receive({
    type: "error",
    error: {
      type: "invalid_request_error",
      code: "session_expired",
      message: "Your session hit the maximum duration of 60 minutes.",
    },
  });
  socket.onclose!({ code: 1001, reason: "maximum duration" });
  const error = await iterating as RealtimeError;
  assertEquals([error.kind, error.fatal, error.closeCode], [
    "transient",
    true,
    1001,
  ]);
  assertEquals(errors.map(({ fatal }) => fatal), [false, true]);
  assertEquals(closes, [{ code: 1001, reason: "maximum duration" }]);
  assertEquals(connection.state.status, "failed");
});

Deno.test("RealtimeConnectionManager lets no error go unheard", async () => {
  const clock = new FakeClock();
  const socket = new FakeSocket();
  const connection = new RealtimeConnectionManager({
    apiKey: KEY,
    clock,
    reconnect: false,
    createWebSocket: () => socket as unknown as WebSocket,
  });
  const starting = connection.start();
  await clock.advance(0);
  socket.receive({ type: "session.created", session: {} });
  socket.receive({ type: "session.updated", session: {} });
  await starting;
  const unheard = Promise.withResolvers<unknown>();
  const catchRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unheard.resolve(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", catchRejection);
  socket.onclose!({ code: 1006, reason: "" });
  const error = await unheard.promise;
  globalThis.removeEventListener("unhandledrejection", catchRejection);
  assert(error instanceof RealtimeError);
  assertEquals(error.kind, "transient");
});

Deno.test("RealtimeConnectionManager goes on when a listener fails", async () => {
  const { connection, ready } = lab();
  const socket = await ready();
  const heard: string[] = [];
  const original = console.error;
  const printed: unknown[] = [];
  console.error = (...values) => printed.push(values);
  try {
    connection.on("event", () => {
      throw new Error("mine");
    });
    connection.on("event", (event) => heard.push(event.type));
    socket.receive({ type: "input_audio_buffer.cleared" });
  } finally {
    console.error = original;
  }
  assertEquals(heard, ["input_audio_buffer.cleared"]);
  assertEquals(printed.length, 1);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager translates settings of the beta and warns once", async () => {
  const original = console.warn;
  const warnings: unknown[] = [];
  console.warn = (text) => warnings.push(text);
  try {
    const { connection, ready } = lab();
    const socket = await ready();
    for (let i = 0; i < 2; i++) {
      connection.sendEvent({
        type: "session.update",
        session: {
          modalities: ["text", "audio"],
          input_audio_format: "pcm16",
          voice: "sage",
        },
      });
    }
    assertEquals(socket.sent[0]!.session, {
      type: "realtime",
      output_modalities: ["audio"],
      audio: {
        input: { format: { type: "audio/pcm", rate: 24000 } },
        output: { voice: "sage" },
      },
    });
    await connection.stop();
  } finally {
    console.warn = original;
  }
  assertEquals(warnings.length, 1);
});

Deno.test("RealtimeConnectionManager takes no server event for one of its own", async () => {
  const { connection, ready } = lab();
  const socket = await ready();
  const closes: unknown[] = [];
  const events: string[] = [];
  connection.on("close", (close) => closes.push(close));
  connection.on("event", (event) => events.push(event.type));
  socket.receive({ type: "close" });
  socket.receive({ type: "event" });
  assertEquals(closes, []);
  assertEquals(events, ["close", "event"]);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager survives sessions described in any way", async () => {
  const { connection, ready } = lab();
  const socket = await ready();
  for (
    const session of [
      undefined,
      null,
      "text",
      { audio: null },
      { audio: { input: null } },
      { audio: { input: { turn_detection: "server_vad" } } },
      {
        audio: {
          input: { turn_detection: { type: "semantic_vad", eagerness: "?" } },
        },
      },
      {
        audio: {
          input: {
            turn_detection: { type: "server_vad", silence_duration_ms: 1e12 },
          },
        },
      },
    ]
  ) {
    socket.receive({ type: "session.updated", session });
    append(connection, 20);
    connection.endTurn();
  }
  const { silencePaddingMs } = connection.getStats();
  assert(silencePaddingMs > 0 && silencePaddingMs < 60_000);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager names every event that it sends, once translated too", async () => {
  const warn = console.warn;
  console.warn = () => {};
  try {
    const { connection, ready } = lab();
    const socket = await ready();
    connection.sendEvent({ type: "session.update", session: { voice: "ash" } });
    connection.sendEvent({ type: "response.create", event_id: "mine" });
    connection.sendEvent({ type: "response.cancel" });
    assertEquals(socket.sent.map(({ event_id }) => event_id), [
      "earshot_2",
      "mine",
      "earshot_3",
    ]);
    await connection.stop();
  } finally {
    console.warn = warn;
  }
});

Deno.test("RealtimeConnectionManager asks for an answer after a commit that was not to be answered", async () => {
  const { connection, ready } = lab({ turnDetection: "client" });
  const socket = await ready();
  append(connection, 200);
  connection.sendEvent({ type: "input_audio_buffer.commit" });
  socket.receive({ type: "input_audio_buffer.committed", item_id: "i1" });
  append(connection, 200);
  connection.endTurn();
  assertEquals(socket.sentTypes.at(-1), "response.create");
  await connection.stop();
});

Deno.test("RealtimeConnectionManager asks again once a response that it did not know of is done", async () => {
  const { connection, ready } = lab({ turnDetection: "client" });
  const socket = await ready();
  append(connection, 200);
  connection.endTurn();
  const creations = () =>
    socket.sent.filter(({ type }) => type === "response.create");
  socket.receive({
    type: "error",
    error: {
      type: "invalid_request_error",
      code: "conversation_already_has_active_response",
      message: "Wait",
      event_id: creations()[0]!.event_id,
    },
  });
  assertEquals(creations().length, 1);
  socket.receive({ type: "response.done", response: { id: "r0" } });
  assertEquals(creations().length, 2);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager.endTurn() sends no silence for a turn without audio", async () => {
  const { connection, ready } = lab();
  const socket = await ready();
  connection.endTurn();
  append(connection, 20);
  connection.endTurn();
  connection.endTurn();
  assertEquals(socket.sent.length, 2);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager.endTurn() sends no silence while too much is waiting", async () => {
  const { connection, ready } = lab({ maxBufferedBytes: 10_000 });
  const socket = await ready();
  append(connection, 20);
  socket.bufferedAmount = 10_001;
  connection.endTurn();
  assertEquals(socket.sent.length, 1);
  assertEquals(connection.getStats().silencePaddingMs, 0);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager.stop() waits until the server has heard the end of a turn that it finds", async () => {
  const { clock, connection, ready } = lab();
  const socket = await ready();
  append(connection, 200);
  connection.endTurn();
  let stopped = false;
  connection.stop({ drainMs: 5000 }).then(() => stopped = true);
  await clock.advance(500);
  assertFalse(stopped, "it may not have heard anything yet");
  socket.receive({ type: "input_audio_buffer.speech_started", item_id: "i1" });
  await clock.advance(1000);
  assertFalse(stopped);
  socket.receive({ type: "input_audio_buffer.committed", item_id: "i1" });
  await clock.advance(1000);
  assertFalse(stopped, "the answer is still to come");
  socket.receive({ type: "response.created", response: { id: "r1" } });
  socket.receive({ type: "response.done", response: { id: "r1" } });
  await clock.advance(50);
  assert(stopped);
});

Deno.test("RealtimeConnectionManager.stop() does not wait long for a server that heard nothing in a turn", async () => {
  const { clock, connection, ready } = lab();
  await ready();
  append(connection, 200);
  connection.endTurn();
  let stopped = false;
  connection.stop({ drainMs: 5000 }).then(() => stopped = true);
  await clock.advance(1050);
  assert(stopped);
});

Deno.test("RealtimeConnectionManager.stop() waits for bytes that wait in the socket", async () => {
  const { clock, connection, ready } = lab({ mode: "transcription" });
  const socket = await ready();
  socket.bufferedAmount = 5000;
  let stopped = false;
  connection.stop({ drainMs: 5000 }).then(() => stopped = true);
  await clock.advance(1000);
  assertFalse(stopped);
  socket.bufferedAmount = 0;
  await clock.advance(50);
  assert(stopped);
});

Deno.test("RealtimeConnectionManager.stop() is hastened by a second call", async () => {
  const { clock, connection, ready } = lab({ turnDetection: "client" });
  await ready();
  append(connection, 200);
  connection.endTurn();
  let stopped = false;
  connection.stop({ drainMs: 5000 });
  connection.stop().then(() => stopped = true);
  await clock.advance(50);
  assert(stopped);
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("RealtimeConnectionManager.stop() tells of the end also when the peer does not answer", async () => {
  const { clock, connection, ready } = lab();
  const socket = await ready();
  socket.answersClose = false;
  const closes: unknown[] = [];
  connection.on("close", (close) => closes.push(close));
  const stopping = connection.stop();
  await clock.advance(2000);
  await stopping;
  assertEquals(closes, [{ code: 1006, reason: "" }]);
});

Deno.test("RealtimeConnectionManager ends an iterator normally when a start is given up", async () => {
  const { clock, connection } = lab();
  const iterating = (async () => {
    for await (const _ of connection);
  })();
  const failing = assertRejects(() => connection.start(), DOMException);
  await clock.advance(0);
  await connection.stop();
  await failing;
  await iterating;
});

Deno.test("RealtimeConnectionManager is stopped by the signal of its options", async () => {
  const controller = new AbortController();
  const { clock, connection, ready } = lab({ signal: controller.signal });
  const socket = await ready();
  controller.abort(new Error("enough"));
  await clock.advance(0);
  assertEquals(socket.closedWith, 1000);
  assertEquals(connection.state.status, "closed");
  await assertRejects(() => connection.start(), Error, "enough");
});

Deno.test("RealtimeConnectionManager tells an iterator of a frame that is no event", async () => {
  const { connection, ready } = lab();
  const socket = await ready();
  const iterator = connection[Symbol.asyncIterator]();
  socket.receive("{secret");
  const { value } = await iterator.next();
  assertEquals(value.type, "error");
  assertFalse(JSON.stringify(value).includes("secret"));
  await connection.stop();
});

Deno.test("RealtimeConnectionManager knows no end of a session that names none", async () => {
  const { clock, sockets, connection } = lab();
  const starting = connection.start();
  await clock.advance(0);
  sockets[0]!.receive({ type: "session.created", session: null });
  sockets[0]!.receive({
    type: "session.updated",
    session: { id: null, expires_at: null },
  });
  await starting;
  assertEquals(connection.state, {
    status: "ready",
    sessionId: undefined,
    expiresAtMs: undefined,
  });
  await connection.stop();
});

Deno.test("RealtimeConnectionManager keeps its default model beside other settings of the transcription", async () => {
  const { clock, sockets, connection } = lab({
    mode: "transcription",
    session: { audio: { input: { transcription: { languages: ["de"] } } } },
  });
  const starting = connection.start();
  await clock.advance(0);
  sockets[0]!.receive({ type: "session.created", session: {} });
  assertEquals(sockets[0]!.sent[0]!.session, {
    type: "transcription",
    audio: {
      input: {
        format: { type: "audio/pcm", rate: 24000 },
        transcription: { model: "gpt-live-transcribe", languages: ["de"] },
        turn_detection: null,
      },
    },
  });
  sockets[0]!.receive({ type: "session.updated", session: {} });
  await starting;
  await connection.stop();
});

Deno.test("RealtimeConnectionManager transcribes a conversation when it is given a model for it", async () => {
  const { clock, sockets, connection } = lab({
    transcriptionModel: "gpt-transcribe",
  });
  const starting = connection.start();
  await clock.advance(0);
  sockets[0]!.receive({ type: "session.created", session: {} });
  const session = sockets[0]!.sent[0]!.session as RealtimeSession;
  assertEquals(session.audio?.input?.transcription, {
    model: "gpt-transcribe",
  });
  sockets[0]!.receive({ type: "session.updated", session: {} });
  await starting;
  await connection.stop();
});

Deno.test("RealtimeConnectionManager accounts for audio over its whole life", async () => {
  const { connection, ready } = lab();
  append(connection, 20);
  await ready();
  append(connection, 100);
  await connection.stop();
  append(connection, 40);
  await ready();
  append(connection, 100);
  const stats = connection.getStats();
  assertEquals(stats.sentAudioMs, 200);
  assertEquals(stats.unsentAudioMs, { notConnected: 60, bufferFull: 0 });
  assertEquals(stats.unsentAudioBytes, { notConnected: 2880, bufferFull: 0 });
  await connection.stop();
});

const REFUSED: [RealtimeConnectionOptions, string][] = [
  [
    { mode: "chat" as "conversation" },
    'Cannot use mode as it must be one of conversation, transcription: current value is "chat"',
  ],
  [
    { maxBufferedBytes: 1 },
    "maxBufferedBytes as it must be a whole number from 10000",
  ],
  [
    { setupTimeoutMs: 0 },
    "setupTimeoutMs as it must be a number from 1 to 600000",
  ],
  [
    { turnDetection: "me" as "client" },
    "turnDetection as it must be one of client, server",
  ],
  [
    { turnDetection: { type: "vad" as "server_vad" } },
    "turnDetection.type as it must be one of server_vad, semantic_vad",
  ],
  [
    { turnDetection: { type: "server_vad", threshold: 2 } },
    "turnDetection.threshold as it must be a number from 0 to 1",
  ],
  [
    { turnDetection: { type: "server_vad", idle_timeout_ms: 10 } },
    "turnDetection.idle_timeout_ms as it must be a whole number from 5000",
  ],
  [
    { turnDetection: { type: "semantic_vad", eagerness: "?" as "low" } },
    "turnDetection.eagerness as it must be one of low, medium, high, auto",
  ],
  [
    { session: { input_audio_format: "g711_ulaw" } },
    "session.audio.input.format.type as it must be one of audio/pcm",
  ],
  [{ headers: { "a b": "c" } }, "a b"],
  [{ url: "ws://example.com/v1" }, 'must begin with "wss:"'],
  [
    { mode: "transcription", turnDetection: "server" },
    'the transcription model "gpt-live-transcribe"',
  ],
];

Deno.test("RealtimeConnectionManager reports a response and a transcription that failed", async () => {
  const { connection, errors, ready } = lab();
  const socket = await ready();
  socket.receive({
    type: "response.done",
    response: {
      status: "failed",
      status_details: {
        type: "failed",
        error: { type: "tokens", code: "rate_limit_exceeded", message: "Slow" },
      },
    },
  });
  socket.receive({ type: "response.done", response: { status: "failed" } });
  socket.receive({
    type: "conversation.item.input_audio_transcription.failed",
    item_id: "i1",
    error: { type: "server_error", message: "Unintelligible" },
  });
  for (const status of ["completed", "cancelled", "incomplete"]) {
    socket.receive({ type: "response.done", response: { status } });
  }
  assertEquals(errors.map(({ kind, fatal }) => [kind, fatal]), [
    ["rate_limit", false],
    ["transient", false],
    ["transient", false],
  ]);
  await connection.stop();
});

Deno.test("RealtimeConnectionManager reads the key from the environment when it starts", async () => {
  const before = Deno.env.get("OPENAI_API_KEY");
  try {
    const { requests, connection, ready } = lab({ apiKey: undefined });
    Deno.env.set("OPENAI_API_KEY", " sk-environment\n");
    await ready();
    assertEquals(requests[0]!.headers.authorization, "Bearer sk-environment");
    await connection.stop();
  } finally {
    if (before === undefined) Deno.env.delete("OPENAI_API_KEY");
    else Deno.env.set("OPENAI_API_KEY", before);
  }
});

Deno.test({
  name:
    "RealtimeConnectionManager says which permission the key needs, and does without for this machine",
  permissions: { env: false },
  async fn() {
    const { connection } = lab({ apiKey: undefined });
    await assertRejects(
      () => connection.start(),
      RealtimeError,
      "--allow-env=OPENAI_API_KEY",
    );
    const local = lab({ apiKey: undefined, url: "ws://127.0.0.1:8000/v1" });
    await local.ready();
    assertEquals(local.requests[0]!.headers, {});
    await local.connection.stop();
  },
});

for (const [options, message] of REFUSED) {
  Deno.test(`RealtimeConnectionManager refuses ${JSON.stringify(options)}`, () => {
    const error = assertThrows(
      () => new RealtimeConnectionManager(options),
      Error,
    );
    assertStringIncludes(error.message, message);
  });
}
