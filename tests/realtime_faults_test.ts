/** Our client over a real WebSocket to a local server on which nothing can be relied. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  pcm16ToBase64,
  RealtimeConnectionManager,
  type RealtimeConnectionOptions,
  RealtimeError,
} from "../mod.ts";
import {
  type RealtimeServer,
  type RealtimeServerOptions,
  startRealtimeServer,
  startTcpProxy,
} from "../src/testing/mod.ts";

const CHUNK_SAMPLES = 2400;

/** 100 ms whose samples say which they are. */
function chunkOf(number: number): Int16Array {
  return new Int16Array(CHUNK_SAMPLES).fill(number + 1);
}

async function lab(
  serverOptions: RealtimeServerOptions = {},
  options: RealtimeConnectionOptions = {},
) {
  const server = startRealtimeServer(serverOptions);
  const proxy = startTcpProxy({ port: Number(new URL(server.url).port) });
  const connection = new RealtimeConnectionManager({
    url: proxy.urlFor(server.url),
    mode: "transcription",
    reconnect: { initialDelayMs: 5, maxDelayMs: 20 },
    setupTimeoutMs: 300,
    deadPeerMs: 1000,
    catchUpRate: 100,
    ...options,
  });
  const errors: RealtimeError[] = [];
  connection.on("error", (error) => errors.push(error));
  await connection.start();
  let chunk = 0;
  return {
    server,
    proxy,
    connection,
    errors,
    append(count: number): void {
      for (let i = 0; i < count; i++) {
        connection.sendEvent({
          type: "input_audio_buffer.append",
          audio: pcm16ToBase64(chunkOf(chunk++)),
        });
      }
    },
    speak(count: number): void {
      this.append(count);
      connection.endTurn();
    },
    /** Until the server has told of so many utterances. */
    async committed(count: number): Promise<void> {
      await server.waitFor(() => utterancesOf(server).length >= count);
      await connection.stop({ drainMs: 2000 });
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await connection.stop();
      await proxy.close();
      await server.close();
    },
  };
}

/** The chunks of every utterance that any session committed, in order. */
function utterancesOf(server: RealtimeServer): number[][] {
  return server.connections.flatMap(({ utterances }) =>
    utterances.map(({ samples }) =>
      Array.from(
        { length: samples.length / CHUNK_SAMPLES },
        (_, index) => samples[index * CHUNK_SAMPLES]! - 1,
      )
    )
  );
}

Deno.test("an utterance arrives whole although the network is lost in its middle", async () => {
  await using it = await lab();
  it.append(5);
  await it.server.waitFor(() => it.server.connections[0]!.audio.length > 0);
  it.proxy.reset();
  it.speak(3);
  await it.committed(1);
  assertEquals(utterancesOf(it.server), [[0, 1, 2, 3, 4, 5, 6, 7]]);
  assertEquals(it.errors, []);
});

for (const code of [1001, 1005, 1011, 1012]) {
  Deno.test(`an utterance arrives whole although the server closes with ${code} in its middle`, async () => {
    await using it = await lab();
    it.append(5);
    await it.server.waitFor(() => it.server.connections[0]!.audio.length > 0);
    // 1005 stands for a close frame without a code.
    if (code === 1005) it.server.connections[0]!.close();
    else it.server.closeConnections(code, "");
    await it.server.waitFor(() => it.server.connections.length === 2);
    it.speak(3);
    await it.committed(1);
    assertEquals(utterancesOf(it.server), [[0, 1, 2, 3, 4, 5, 6, 7]]);
  });
}

Deno.test("what is said during an outage arrives afterwards, utterance by utterance", async () => {
  await using it = await lab();
  const taken = new Promise((resolve) =>
    it.connection.on("utterance", resolve)
  );
  it.speak(2);
  await taken;
  it.proxy.refuse(true);
  it.proxy.reset();
  await it.server.waitFor(() => !it.server.connections[0]!.isOpen);
  it.speak(3);
  it.speak(2);
  it.proxy.refuse(false);
  await it.committed(3);
  assertEquals(utterancesOf(it.server), [[0, 1], [2, 3, 4], [5, 6]]);
});

for (
  const fault of [
    { rejectUpgrade: 429 },
    { rejectUpgrade: 500 },
    { rejectUpgrade: 503 },
    "no_upgrade",
    "no_session_created",
    "no_session_updated",
  ] as const
) {
  Deno.test(`a server that answers the next attempts with ${JSON.stringify(fault)} is tried until it does not`, async () => {
    await using it = await lab({
      fault: (attempt) => attempt === 2 || attempt === 3 ? fault : undefined,
    });
    it.append(2);
    it.server.connections[0]!.drop();
    await it.server.waitFor(() => it.server.attemptCount === 4);
    it.speak(1);
    await it.committed(1);
    assertEquals(utterancesOf(it.server), [[0, 1, 2]]);
  });
}

for (
  const [fault, kind] of [
    [{ rejectUpgrade: 401 }, "authentication"],
    [{ rejectUpgrade: 403 }, "authentication"],
    ["invalid_api_key", "authentication"],
    ["credit_balance_exhausted", "billing"],
    ["model_not_found", "configuration"],
  ] as const
) {
  Deno.test(`a server that answers the next attempt with ${JSON.stringify(fault)} is not tried again`, async () => {
    await using it = await lab({
      fault: (attempt) => attempt > 1 ? fault : undefined,
    });
    const failing = assertRejects(async () => {
      for await (const _ of it.connection);
    }, RealtimeError);
    it.append(2);
    it.server.connections[0]!.drop();
    assertEquals((await failing as RealtimeError).kind, kind);
    assertEquals(it.server.attemptCount, 2);
    assertEquals(it.connection.getStats().unsentAudioMs.notConnected, 200);
  });
}

Deno.test("a connection that is frozen on its way is given up, and its audio sent on another", async () => {
  await using it = await lab();
  it.proxy.freeze();
  it.speak(4);
  // The commit is never answered, until it is given up.
  await new Promise((resolve) => it.connection.on("reconnecting", resolve));
  it.proxy.thaw();
  await it.committed(1);
  const committed = utterancesOf(it.server);
  // What was frozen may arrive in the end: nobody listens to the answer.
  assertEquals(committed.at(-1), [0, 1, 2, 3]);
  assertEquals(it.connection.getStats().committedUtteranceCount, 1);
});

Deno.test("frames that are garbage, huge, unknown, late or said twice do no harm", async () => {
  await using it = await lab({}, { deadPeerMs: 60_000 });
  const [server] = it.server.connections;
  for (
    const text of [
      "",
      "{",
      "[1]",
      "null",
      '{"type":null}',
      '{"type":"__proto__"}',
      '{"type":"conversation.item.added"}',
      '{"type":"response.done"}',
      `{"type":"unknown","padding":"${"x".repeat(20_000_000)}"}`,
    ]
  ) server!.sendRaw(text);
  it.speak(2);
  await it.server.waitFor(() => utterancesOf(it.server).length === 1);
  const { itemId } = server!.utterances[0]!;
  server!.send({ type: "input_audio_buffer.committed", item_id: itemId });
  server!.send({ type: "session.updated", session: {} });
  it.speak(3);
  await it.committed(2);
  assertEquals(utterancesOf(it.server), [[0, 1], [2, 3, 4]]);
  assertEquals(it.connection.getStats().committedUtteranceCount, 2);
  assert(it.errors.every(({ fatal }) => !fatal));
});

Deno.test("a peer that reads slowly is sent no more than may wait, and gets everything in the end", async () => {
  await using it = await lab({}, {
    maxBufferedBytes: 50_000,
    deadPeerMs: 60_000,
  });
  it.proxy.freeze();
  it.speak(200);
  assert(it.connection.getStats().bufferedBytes <= 50_000);
  assert(it.connection.getStats().keptAudioMs > 10_000);
  it.proxy.thaw();
  await it.server.waitFor(() => utterancesOf(it.server).length === 1);
  assertEquals(utterancesOf(it.server)[0]!.length, 200);
  await it.connection.stop({ drainMs: 2000 });
  assertEquals(it.connection.getStats().sentAudioMs, 20_000);
});

Deno.test("a session is renewed while it is spoken to, without a sample lost or sent twice", async () => {
  await using it = await lab({}, { renewAfterMs: 1000 });
  const renewed = new Promise((resolve) =>
    it.connection.on("reconnected", resolve)
  );
  let utteranceCount = 0;
  const speaking = setInterval(() => {
    it.speak(2);
    utteranceCount++;
  }, 250);
  await renewed;
  clearInterval(speaking);
  it.speak(2);
  await it.committed(utteranceCount + 1);
  assertEquals(
    utterancesOf(it.server).flat(),
    Array.from({ length: 2 * utteranceCount + 2 }, (_, index) => index),
  );
  assertEquals(it.connection.getStats().renewalCount, 1);
  assertEquals(it.connection.getStats().resentAudioBytes, 0);
});
