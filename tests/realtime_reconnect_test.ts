import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  RealtimeConnectionManager,
  type RealtimeConnectionOptions,
  type RealtimeReconnected,
  type RealtimeReconnecting,
  type RealtimeUtterance,
} from "../src/realtime/connection.ts";
import { RealtimeError } from "../src/realtime/errors.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import { FakeSocket } from "./fake_socket.ts";

/** Base64 of 10 ms that says its number, so that audio can be told apart. */
function audioOf(chunk: number): string {
  return String(chunk).padEnd(640, "/");
}

/** What a server was sent: numbers are chunks of audio, words other events. */
function heard(socket: FakeSocket): unknown[] {
  return socket.sent.map(({ type, audio }) =>
    type === "input_audio_buffer.append"
      ? Number(String(audio).split("/")[0])
      : type
  );
}

function lab(options: RealtimeConnectionOptions = {}) {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const connection = new RealtimeConnectionManager({
    apiKey: "sk-test",
    mode: "transcription",
    clock,
    createWebSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    ...options,
  });
  const errors: RealtimeError[] = [];
  const reconnecting: RealtimeReconnecting[] = [];
  const reconnected: RealtimeReconnected[] = [];
  const utterances: RealtimeUtterance[] = [];
  connection.on("error", (error) => errors.push(error));
  connection.on("reconnecting", (event) => reconnecting.push(event));
  connection.on("reconnected", (event) => reconnected.push(event));
  connection.on("utterance", (event) => utterances.push(event));
  let chunk = 0;
  const latest = (): FakeSocket => sockets.at(-1)!;
  const lab = {
    clock,
    sockets,
    connection,
    errors,
    reconnecting,
    reconnected,
    utterances,
    get socket(): FakeSocket {
      return latest();
    },
    /** The server accepts the newest connection. */
    async accept(session: Record<string, unknown> = {}): Promise<FakeSocket> {
      const socket = latest();
      socket.receive({ type: "session.created", session: {} });
      socket.receive({ type: "session.updated", session });
      await clock.advance(0);
      return socket;
    },
    async start(session: Record<string, unknown> = {}): Promise<FakeSocket> {
      const starting = connection.start();
      await clock.advance(0);
      const socket = await lab.accept(session);
      await starting;
      socket.sent.length = 0;
      return socket;
    },
    /** The connection breaks. */
    lose(code = 1006, reason = ""): void {
      latest().onclose?.({ code, reason });
    },
    /** It is made again, with what was sent after the settings. */
    async recover(delayMs = 500): Promise<FakeSocket> {
      await clock.advance(delayMs);
      const socket = await lab.accept();
      socket.sent.splice(0, 1);
      return socket;
    },
    append(count = 1): void {
      for (let i = 0; i < count; i++, chunk++) {
        connection.sendEvent(
          { type: "input_audio_buffer.append", audio: audioOf(chunk) },
          { timestampMs: 10_000 + chunk * 10 },
        );
      }
    },
    speak(count: number): void {
      lab.append(count);
      connection.endTurn();
    },
    /** The server takes the oldest commit that it was sent. */
    commit(itemId = "item_1", socket = latest()): void {
      socket.receive({ type: "input_audio_buffer.committed", item_id: itemId });
    },
  };
  return lab;
}

Deno.test("a lost connection is made again and configured before audio flows", async () => {
  const { clock, connection, errors, lose, reconnected, start, ...it } = lab();
  await start();
  lose();
  assertEquals(connection.state.status, "reconnecting");
  it.append(20);
  await clock.advance(500);
  assertEquals(it.sockets.length, 2);
  assertEquals(it.sockets[1]!.sent, []);

  const socket = await it.accept();
  assertEquals(heard(socket)[0], "session.update");
  assertEquals(heard(socket)[1], 0);
  assertEquals(connection.state.status, "ready");
  assertEquals(errors, [], "a loss that is made good is no error");
  assertEquals(reconnected.length, 1);
  assertEquals(connection.getStats().reconnectCount, 1);
  await connection.stop();
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("the utterance that a loss cut off is sent again from its first sample, and committed once", async () => {
  const it = lab();
  const first = await it.start();
  it.speak(20);
  it.commit("item_1");
  it.append(10);
  it.lose();
  it.append(5);
  const second = await it.recover();
  await it.clock.advance(1000);
  it.speak(1);
  it.commit("item_2");

  assertEquals(heard(first).length, 20 + 1 + 10);
  assertEquals(heard(second), [
    ...Array.from({ length: 16 }, (_, i) => 20 + i),
    "input_audio_buffer.commit",
  ]);
  assertEquals(it.utterances, [
    {
      itemId: "item_1",
      capturedMs: 10_000,
      durationMs: 200,
      isCut: false,
      isResent: false,
    },
    {
      itemId: "item_2",
      capturedMs: 10_200,
      durationMs: 160,
      isCut: false,
      isResent: true,
    },
  ]);
  const stats = it.connection.getStats();
  assertEquals(stats.sentAudioMs, 360);
  assertEquals(stats.resentAudioBytes, 10 * 480);
  assertEquals(stats.committedUtteranceCount, 2);
  await it.connection.stop();
});

Deno.test("an utterance whose commit was not answered is sent and committed again", async () => {
  const it = lab();
  await it.start();
  it.speak(20);
  it.lose();
  const second = await it.recover();
  await it.clock.advance(1000);
  assertEquals(heard(second), [
    ...Array.from({ length: 20 }, (_, i) => i),
    "input_audio_buffer.commit",
  ]);
  await it.connection.stop();
});

Deno.test("whole utterances that were spoken during an outage follow in their order, each with its commit", async () => {
  const it = lab();
  await it.start();
  it.lose();
  it.speak(10);
  it.speak(12);
  it.append(3);
  const second = await it.recover();
  await it.clock.advance(1000);
  assertEquals(heard(second), [
    ...Array.from({ length: 10 }, (_, i) => i),
    "input_audio_buffer.commit",
    ...Array.from({ length: 12 }, (_, i) => 10 + i),
    "input_audio_buffer.commit",
    22,
    23,
    24,
  ]);
  await it.connection.stop();
});

Deno.test("kept audio is sent at three times real time at most", async () => {
  const it = lab();
  await it.start();
  it.lose();
  it.append(3000);
  const second = await it.recover();
  for (let second_ = 1; second_ <= 5; second_++) {
    await it.clock.advance(1000);
    const sentMs = heard(second).length * 10;
    assert(sentMs <= second_ * 3000 + 220, `${sentMs} ms in ${second_} s`);
    assert(sentMs >= second_ * 3000, `${sentMs} ms in ${second_} s`);
  }
  await it.connection.stop();
});

Deno.test("kept audio waits while the socket is full, and nothing is polled when it is not", async () => {
  const it = lab({ maxBufferedBytes: 10_000 });
  const socket = await it.start();
  socket.bufferedAmount = 9_900;
  it.append(5);
  await it.clock.advance(1000);
  assertEquals(heard(socket), []);
  assertEquals(it.connection.getStats().keptAudioMs, 50);
  socket.bufferedAmount = 0;
  await it.clock.advance(1000);
  assertEquals(heard(socket), [0, 1, 2, 3, 4]);
  const idle = it.clock.sleeperCount;
  it.append(1);
  assertEquals(it.clock.sleeperCount, idle);
  await it.connection.stop();
});

Deno.test("what does not fit is dropped oldest utterance first, and counted", async () => {
  const it = lab({ keepMs: 300 });
  await it.start();
  it.lose();
  it.speak(15);
  it.speak(15);
  it.speak(15);
  const second = await it.recover();
  await it.clock.advance(1000);
  assertEquals(heard(second)[0], 15);
  const stats = it.connection.getStats();
  assertEquals(stats.unsentAudioMs, { notConnected: 150, bufferFull: 0 });
  assertEquals(stats.droppedUtteranceCount, 1);
  assertEquals(
    stats.appendedAudioBytes,
    stats.sentAudioBytes + stats.keptAudioBytes +
      stats.unsentAudioBytes.notConnected + stats.unsentAudioBytes.bufferFull,
  );
  await it.connection.stop();
});

Deno.test("attempts come after 0, then 0.5 s doubling to 8 s, less a quarter at random, without end", async () => {
  const it = lab();
  await it.start();
  it.lose();
  for (let attempt = 0; attempt < 12; attempt++) {
    await it.clock.advance(9000);
    it.socket.onclose?.({ code: 1006, reason: "" });
    await it.clock.advance(0);
  }
  const bounds = [0, 500, 1000, 2000, 4000, 8000, 8000, 8000];
  for (const [index, maxMs] of bounds.entries()) {
    const { delayMs, attempt } = it.reconnecting[index]!;
    assertEquals(attempt, index + 1);
    assert(delayMs <= maxMs && delayMs >= maxMs * 0.75, `${delayMs}`);
  }
  assertEquals(it.connection.state.status, "reconnecting");
  await it.connection.stop();
  assertEquals(it.connection.state.status, "closed");
  assertEquals(it.clock.sleeperCount, 0);
});

for (const code of [0, 1001, 1005, 1006, 1011, 1012, 1013]) {
  Deno.test(`close code ${code} is reconnected`, async () => {
    const it = lab();
    await it.start();
    it.lose(code);
    assertEquals(it.connection.state.status, "reconnecting");
    await it.connection.stop();
  });
}

for (
  const [code, reason, kind] of [
    [3000, "invalid_request_error.invalid_api_key", "authentication"],
    [4004, "invalid_request_error.model_not_found", "configuration"],
    [1013, "insufficient_quota.credit_balance_exhausted", "billing"],
    [1008, "", "authentication"],
    [1009, "", "configuration"],
    [4000, "", "configuration"],
  ] as const
) {
  Deno.test(`close code ${code} ${reason} ends at once with its own message`, async () => {
    const it = lab();
    await it.start();
    it.append(3);
    it.lose(code, reason);
    assertEquals(it.connection.state.status, "failed");
    assertEquals(it.errors.map((error) => error.kind), [kind]);
    assertEquals(it.connection.getStats().keptAudioBytes, 0);
    assertEquals(it.connection.getStats().unsentAudioMs.notConnected, 30);
    assertFalse(
      it.connection.sendEvent({
        type: "input_audio_buffer.append",
        audio: audioOf(9),
      }),
    );
    assertEquals(it.clock.sleeperCount, 0);
  });
}

Deno.test("an attempt that is refused for good ends the attempts", async () => {
  const it = lab();
  await it.start();
  const iterating = assertRejects(async () => {
    for await (const _ of it.connection);
  }, RealtimeError);
  it.lose();
  await it.clock.advance(500);
  it.socket.onerror?.({
    message: "NetworkError: Invalid status code: 401",
  });
  it.lose(0);
  await it.clock.advance(0);
  assertEquals((await iterating as RealtimeError).kind, "authentication");
  assertEquals(it.connection.state.status, "failed");
});

Deno.test("attempts that the server does not answer time out, and go on", async () => {
  const it = lab({ setupTimeoutMs: 1000 });
  await it.start();
  it.lose();
  while (it.sockets.length < 5) await it.clock.advance(100);
  assertEquals(it.connection.state.status, "reconnecting");
  await it.accept();
  assertEquals(it.connection.state.status, "ready");
  await it.connection.stop();
});

Deno.test("maxAttempts ends the attempts with the last error", async () => {
  const it = lab({ reconnect: { maxAttempts: 2, initialDelayMs: 100 } });
  await it.start();
  it.lose();
  for (let attempt = 0; attempt < 2; attempt++) {
    await it.clock.advance(200);
    it.lose(1011, "");
    await it.clock.advance(0);
  }
  assertEquals(it.sockets.length, 3);
  assertEquals(it.connection.state.status, "failed");
  assertEquals(it.errors.map(({ closeCode }) => closeCode), [1011]);
});

Deno.test("an iterator goes on over a loss", async () => {
  const it = lab();
  await it.start();
  const types: string[] = [];
  const iterating = (async () => {
    for await (const { type } of it.connection) types.push(type);
  })();
  it.socket.receive({ type: "first" });
  it.lose();
  await it.recover();
  it.socket.receive({ type: "second" });
  await it.connection.stop();
  await iterating;
  assertEquals(types, [
    "first",
    "session.created",
    "session.updated",
    "second",
  ]);
});

Deno.test("later changes of the session are a part of the next one, unless the server refused them", async () => {
  const it = lab({ mode: "conversation" });
  const first = await it.start();
  const change = (fields: Record<string, unknown>) =>
    it.connection.sendEvent({
      type: "session.update",
      session: { type: "realtime", ...fields },
    });
  change({ instructions: "Be brief" });
  first.receive({ type: "session.updated", session: {} });
  change({ max_output_tokens: -1 });
  first.receive({
    type: "error",
    error: {
      type: "invalid_request_error",
      message: "Invalid",
      event_id: first.sent.at(-1)!.event_id,
    },
  });
  it.lose();
  change({ output_modalities: ["text"] });
  await it.clock.advance(500);
  it.socket.receive({ type: "session.created", session: {} });
  const { session } = it.socket.sent[0] as {
    session: Record<string, unknown>;
  };
  assertEquals(session.instructions, "Be brief");
  assertEquals(session.output_modalities, ["text"]);
  assertEquals(session.max_output_tokens, undefined);
  assert(session.audio !== undefined);
  await it.connection.stop();
});

Deno.test("a new session is told of the conversation as text, and nobody hears of it twice", async () => {
  const it = lab({ mode: "conversation", carriedItemCount: 2 });
  await it.start();
  const say = (id: string, role: string, content: unknown[]) => {
    const item = { id, type: "message", role, content };
    it.socket.receive({ type: "conversation.item.added", item });
    it.socket.receive({ type: "conversation.item.done", item });
  };
  say("item_0", "user", [{ type: "input_text", text: "long ago" }]);
  say("item_1", "user", [{ type: "input_audio", transcript: null }]);
  it.socket.receive({
    type: "conversation.item.input_audio_transcription.completed",
    item_id: "item_1",
    transcript: "What time is it?",
  });
  say("item_2", "assistant", [{ type: "output_audio", transcript: "Ten." }]);
  it.lose();
  const added: string[] = [];
  it.connection.on("conversation.item.added", ({ item }) => {
    added.push(item.id!);
  });
  const socket = await it.recover();
  assertEquals(socket.sent.map(({ item }) => item), [
    {
      id: "item_1",
      type: "message",
      role: "user",
      content: [{ type: "input_text", text: "What time is it?" }],
    },
    {
      id: "item_2",
      type: "message",
      role: "assistant",
      content: [{ type: "output_text", text: "Ten." }],
    },
  ]);
  say("item_1", "user", []);
  say("item_3", "user", []);
  assertEquals(added, ["item_3"]);
  await it.connection.stop();
});

Deno.test("what was cut off of a reply is not carried over", async () => {
  const it = lab({ mode: "conversation" });
  await it.start();
  it.socket.receive({
    type: "conversation.item.added",
    item: { id: "a", type: "message", role: "assistant", content: [] },
  });
  it.socket.receive({
    type: "response.output_audio.delta",
    item_id: "a",
    response_id: "r",
    delta: "A".repeat(64 * 1000),
  });
  it.socket.receive({
    type: "response.output_audio_transcript.done",
    item_id: "a",
    response_id: "r",
    transcript: "0123456789",
  });
  it.socket.receive({
    type: "conversation.item.truncated",
    item_id: "a",
    audio_end_ms: 300,
  });
  it.lose();
  const socket = await it.recover();
  assertEquals(
    (socket.sent[0]!.item as { content: unknown[] }).content,
    [{ type: "output_text", text: "012" }],
  );
  await it.connection.stop();
});

Deno.test("a peer that takes nothing is taken for lost, and the audio is kept", async () => {
  const it = lab({ deadPeerMs: 3000 });
  const first = await it.start();
  it.append(3);
  first.bufferedAmount = 5000;
  await it.clock.advance(5000);
  assertEquals(it.connection.state.status, "reconnecting");
  assertEquals(it.reconnecting[0]!.keptAudioMs, 30);
  assert(it.reconnecting[0]!.error.message.includes("no sign of life"));
  await it.connection.stop();
});

Deno.test("a peer that does not answer a commit is taken for lost", async () => {
  const it = lab({ deadPeerMs: 3000 });
  await it.start();
  it.speak(20);
  await it.clock.advance(2000);
  assertEquals(it.connection.state.status, "ready");
  await it.clock.advance(3000);
  assertEquals(it.connection.state.status, "reconnecting");
  await it.connection.stop();
});

Deno.test("a peer that is slow, or has nothing to say, is not taken for lost", async () => {
  const it = lab({ deadPeerMs: 3000 });
  const socket = await it.start();
  await it.clock.advance(60_000);
  for (let i = 0; i < 60; i++) {
    it.append(10);
    // It takes what it is sent, only late.
    socket.bufferedAmount = 6400;
    await it.clock.advance(1000);
  }
  assertEquals(it.connection.state.status, "ready");
  await it.connection.stop();
});

Deno.test("a session is renewed at a quiet moment, without an utterance cut", async () => {
  const it = lab({ renewAfterMs: 60_000 });
  const first = await it.start();
  it.append(5);
  await it.clock.advance(60_000);
  assertEquals(it.sockets.length, 2, "the next one is made before");
  const second = await it.accept({ id: "sess_2" });
  await it.clock.advance(2000);
  it.speak(15);
  assertEquals(heard(first).at(-1), "input_audio_buffer.commit");
  await it.clock.advance(500);
  it.commit("item_1", first);
  await it.clock.advance(500);
  assertEquals(first.closedWith, undefined, "a transcript is still to come");
  first.receive({
    type: "conversation.item.input_audio_transcription.completed",
    item_id: "item_1",
    transcript: "whole",
  });
  await it.clock.advance(500);
  assertEquals(first.closedWith, 1000);
  it.speak(12);
  assertEquals(heard(second).slice(1), [
    ...Array.from({ length: 12 }, (_, i) => 20 + i),
    "input_audio_buffer.commit",
  ]);
  assertEquals(it.reconnected, [{
    attemptCount: 0,
    outageMs: 0,
    keptAudioMs: 0,
    isRenewal: true,
  }]);
  const stats = it.connection.getStats();
  assertEquals([stats.renewalCount, stats.resentAudioBytes], [1, 0]);
  assertEquals(stats.sentAudioMs, 320);
  await it.connection.stop();
  assertEquals(it.clock.sleeperCount, 0);
});

Deno.test("stop() leaves nothing open, also when the next session is there already", async () => {
  const it = lab({ renewAfterMs: 60_000 });
  const first = await it.start();
  it.append(5);
  await it.clock.advance(60_000);
  const second = await it.accept();
  await it.connection.stop();
  assertEquals([first.closedWith, second.closedWith], [1000, 1000]);
  assertEquals(it.clock.sleeperCount, 0);
});

Deno.test("a next session that is lost before it is needed is made again", async () => {
  const it = lab({ renewAfterMs: 60_000 });
  const first = await it.start();
  it.append(20);
  await it.clock.advance(60_000);
  await it.accept();
  it.lose();
  it.connection.endTurn();
  it.commit("item_1", first);
  first.receive({
    type: "conversation.item.input_audio_transcription.completed",
    item_id: "item_1",
    transcript: "whole",
  });
  await it.clock.advance(500);
  assertEquals(it.sockets.length, 3);
  assertEquals(it.connection.state.status, "ready");
  const third = await it.accept();
  await it.clock.advance(500);
  it.speak(15);
  assertEquals(heard(third).at(-1), "input_audio_buffer.commit");
  await it.connection.stop();
  assertEquals(it.clock.sleeperCount, 0);
});

Deno.test("a session that never falls quiet is renewed before its end, and the utterance is sent again", async () => {
  const it = lab();
  const first = await it.start({ expires_at: Date.now() / 1000 + 600 });
  await it.clock.advance(551_000);
  const second = await it.accept();
  for (let ms = 551_000; ms < 595_000; ms += 1000) {
    it.append(10);
    await it.clock.advance(1000);
  }
  assertEquals(it.connection.getStats().renewalCount, 1);
  it.speak(1);
  await it.clock.advance(10_000);
  const toFirst = heard(first).filter((item) => typeof item === "number");
  const toSecond = heard(second).filter((item) => typeof item === "number");
  assertEquals(toSecond, Array.from({ length: 441 }, (_, i) => i));
  assert(toFirst.length < 441);
  assertFalse(heard(first).includes("input_audio_buffer.commit"));
  assertEquals(first.closedWith, 1000);
  await it.connection.stop();
});

Deno.test("a server that finds the turns is asked for a second whether it hears speech before its session is replaced", async () => {
  const it = lab({ mode: "conversation", renewAfterMs: 60_000 });
  const first = await it.start();
  await it.clock.advance(60_000);
  const second = await it.accept();
  // Somebody begins to speak in what was sent last.
  it.append(1);
  await it.clock.advance(300);
  it.append(1);
  first.receive({
    type: "input_audio_buffer.speech_started",
    audio_start_ms: 0,
    item_id: "item_1",
  });
  await it.clock.advance(3000);
  it.append(1);
  assertEquals(heard(first), [0, 1, 2], "nothing is lost and nothing split");
  first.receive({
    type: "input_audio_buffer.speech_stopped",
    audio_end_ms: 30,
    item_id: "item_1",
  });
  it.commit("item_1", first);
  first.receive({ type: "response.done", response: { status: "completed" } });
  await it.clock.advance(500);
  it.append(1);
  await it.clock.advance(2000);
  it.append(1);
  assertEquals(heard(first), [0, 1, 2]);
  assertEquals(heard(second).slice(1), [3, 4]);
  await it.connection.stop();
});

Deno.test("a server that finds the turns is sent again what it was hearing when it was lost", async () => {
  const it = lab({ mode: "conversation" });
  const first = await it.start();
  it.append(300);
  first.receive({
    type: "input_audio_buffer.speech_started",
    audio_start_ms: 2500,
    item_id: "item_1",
  });
  it.append(50);
  it.lose();
  it.append(10);
  const second = await it.recover();
  await it.clock.advance(2000);
  const audio = heard(second).filter((item) => typeof item === "number");
  assertEquals(audio[0], 250);
  assertEquals(audio.at(-1), 359);
  await it.connection.stop();
});

Deno.test("a server that finds the turns is not sent again what it committed", async () => {
  const it = lab({ mode: "conversation" });
  const first = await it.start();
  it.append(100);
  first.receive({
    type: "input_audio_buffer.speech_started",
    audio_start_ms: 100,
    item_id: "item_1",
  });
  it.append(50);
  first.receive({
    type: "input_audio_buffer.speech_stopped",
    audio_end_ms: 1200,
    item_id: "item_1",
  });
  it.commit("item_1");
  assertEquals(it.utterances[0]!.capturedMs, 10_100);
  it.lose();
  const second = await it.recover();
  await it.clock.advance(2000);
  assertEquals(heard(second)[0], 120);
  await it.connection.stop();
});

Deno.test("events of one's own keep their place behind audio that has to wait, or say that there is no session", async () => {
  const it = lab({ mode: "conversation", turnDetection: "client" });
  await it.start();
  it.lose();
  it.append(12);
  assert(it.connection.sendEvent({ type: "input_audio_buffer.commit" }));
  assert(it.connection.sendEvent({ type: "response.create" }));
  assertThrows(
    () => it.connection.sendEvent({ type: "response.cancel" }),
    DOMException,
    "reconnecting",
  );
  const second = await it.recover();
  await it.clock.advance(1000);
  assertEquals(heard(second), [
    ...Array.from({ length: 12 }, (_, i) => i),
    "input_audio_buffer.commit",
    "response.create",
  ]);
  await it.connection.stop();
});

Deno.test("stop() during an outage waits for the connection as long as it is told to, and counts what is left", async () => {
  const it = lab();
  await it.start();
  it.lose();
  it.speak(20);
  const stopping = it.connection.stop({ drainMs: 3000 });
  await it.clock.advance(1000);
  const second = await it.accept();
  await it.clock.advance(300);
  it.commit("item_1");
  second.receive({
    type: "conversation.item.input_audio_transcription.completed",
    item_id: "item_1",
    transcript: "saved",
  });
  await it.clock.advance(100);
  await stopping;
  assertEquals(it.connection.getStats().sentAudioMs, 200);
  assertEquals(it.connection.getStats().unsentAudioMs.notConnected, 0);

  const other = lab();
  await other.start();
  other.lose();
  other.speak(20);
  const ending = other.connection.stop({ drainMs: 1000 });
  await other.clock.advance(1100);
  await ending;
  assertEquals(other.connection.getStats().unsentAudioMs.notConnected, 200);
  assertEquals(other.connection.getStats().droppedUtteranceCount, 1);
  assertEquals(other.clock.sleeperCount, 0);
});

Deno.test("a credential that cannot be had during an outage is asked for again", async () => {
  let asked = 0;
  const it = lab({
    apiKey: () => {
      if (++asked === 2) throw new TypeError("no network");
      return "sk-test";
    },
  });
  await it.start();
  it.lose();
  await it.clock.advance(2000);
  assertEquals(asked, 3);
  await it.accept();
  assertEquals(it.connection.state.status, "ready");
  await it.connection.stop();
});

Deno.test("settings of reconnecting outside their range are refused by name", () => {
  for (
    const [options, name] of [
      [{ keepMs: -1 }, "keepMs"],
      [{ catchUpRate: 0.5 }, "catchUpRate"],
      [{ deadPeerMs: 1 }, "deadPeerMs"],
      [{ renewAfterMs: 0 }, "renewAfterMs"],
      [{ carriedItemCount: 1.5 }, "carriedItemCount"],
      [{ reconnect: { maxAttempts: 0 } }, "reconnect.maxAttempts"],
      [{ reconnect: { initialDelayMs: 0 } }, "reconnect.initialDelayMs"],
      [{ reconnect: { maxDelayMs: NaN } }, "reconnect.maxDelayMs"],
    ] as const
  ) {
    assertThrows(() => lab(options), RangeError, name);
  }
});
