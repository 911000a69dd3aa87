import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { base64ToPcm16, pcm16ToBase64 } from "../src/base64.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";
import {
  type RealtimeServer,
  startRealtimeServer,
} from "../src/testing/realtime_server.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

/** A client that knows nothing of the protocol. */
class RawClient implements AsyncDisposable {
  readonly events: Json[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  #readCount = 0;
  #wake = () => {};

  constructor(url: string, options?: WebSocketOptions) {
    this.socket = new WebSocket(url, options);
    this.socket.onmessage = ({ data }) => {
      this.events.push(JSON.parse(data));
      this.#wake();
    };
    this.closed = new Promise((resolve) =>
      this.socket.onclose = ({ code, reason }) => {
        resolve({ code, reason });
        this.#wake();
      }
    );
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }

  send(...events: Json[]): void {
    for (const event of events) this.socket.send(JSON.stringify(event));
  }

  append(samples: Int16Array): void {
    this.send({
      type: "input_audio_buffer.append",
      audio: pcm16ToBase64(samples),
    });
  }

  /** The next event of a type; those before it are passed over. */
  async next(type: string): Promise<Json> {
    for (;;) {
      while (this.#readCount < this.events.length) {
        const event = this.events[this.#readCount++];
        if (event.type === type) return event;
      }
      if (this.socket.readyState === WebSocket.CLOSED) {
        throw new Error(`The connection was closed before "${type}" came`);
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Sends something and returns the types of all that it led to. */
  async typesAfter(...events: Json[]): Promise<string[]> {
    await this.sync();
    this.send(...events);
    return (await this.sync()).map(({ type }) => type);
  }

  /** All that came since the last call; the server has handled everything. */
  async sync(): Promise<Json[]> {
    const begin = this.#readCount;
    this.send({ type: "conversation.item.delete", item_id: "none" });
    for (;;) {
      const { error } = await this.next("error");
      if (error.code === "item_delete_invalid_item_id") break;
    }
    return this.events.slice(begin, this.#readCount - 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

/** A conversation with its settings changed, past `session.updated`. */
async function converse(
  server: RealtimeServer,
  session: Json = {},
): Promise<RawClient> {
  const client = new RawClient(`${server.url}?model=gpt-realtime-2.1`);
  await client.next("session.created");
  client.send({
    type: "session.update",
    session: { type: "realtime", ...session },
  });
  await client.next("session.updated");
  return client;
}

/** A transcription session with its input settings changed. */
async function transcribe(
  server: RealtimeServer,
  input: Json,
): Promise<RawClient> {
  const client = new RawClient(`${server.url}?intent=transcription`);
  await client.next("session.created");
  client.send({
    type: "session.update",
    session: { type: "transcription", audio: { input } },
  });
  await client.next("session.updated");
  return client;
}

const byHand = { audio: { input: { turn_detection: null } } };

/** A loud tone, -12 dBFS. */
function tone(ms: number): Int16Array {
  return Int16Array.from(
    { length: ms * 24 },
    (_, i) => 8_192 * Math.sin(i / 20),
  );
}

function silence(ms: number): Int16Array {
  return new Int16Array(ms * 24);
}

function join(...blocks: Int16Array[]): Int16Array {
  return Int16Array.from(blocks.flatMap((block) => [...block]));
}

const replyTypes = {
  begin: [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
  ],
  audioEnd: [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
    "rate_limits.updated",
  ],
};

Deno.test("RealtimeServer describes the whole session when a conversation is opened", async () => {
  await using server = startRealtimeServer();
  await using client = new RawClient(`${server.url}?model=some-model`);

  const { event_id, session } = await client.next("session.created");

  assertEquals(event_id, "event_1");
  assertEquals(session.type, "realtime");
  assertEquals(session.object, "realtime.session");
  assertEquals(session.id, "sess_1");
  assertEquals(session.model, "some-model");
  assertEquals(session.output_modalities, ["audio"]);
  assertEquals(session.audio.output.voice, "alloy");
  assertEquals(session.audio.input, {
    format: { type: "audio/pcm", rate: 24_000 },
    transcription: null,
    noise_reduction: null,
    turn_detection: {
      type: "server_vad",
      threshold: 0.5,
      prefix_padding_ms: 300,
      silence_duration_ms: 200,
      idle_timeout_ms: null,
      create_response: true,
      interrupt_response: true,
    },
  });
});

Deno.test("RealtimeServer tells that a session ends after 60 minutes", async () => {
  const begin = Math.floor(Date.now() / 1000);
  await using server = startRealtimeServer();
  await using client = new RawClient(`${server.url}?model=m`);

  const { session } = await client.next("session.created");

  const end = Math.floor(Date.now() / 1000);
  assert(session.expires_at >= begin + 3_600);
  assert(session.expires_at <= end + 3_600);
});

Deno.test("RealtimeServer opens a transcription session when the URL asks for it", async () => {
  await using server = startRealtimeServer();
  await using client = new RawClient(`${server.url}?intent=transcription`);

  const { session } = await client.next("session.created");

  assertEquals(session.type, "transcription");
  assertEquals(session.object, "realtime.transcription_session");
  assertEquals(Object.keys(session.audio), ["input"]);
  assertEquals("model" in session, false);
});

for (
  const { name, query, options, code, closeCode } of [
    {
      name: "both a model and an intent",
      query: "?model=m&intent=transcription",
      code: "invalid_model",
      closeCode: 4000,
    },
    {
      name: "neither a model nor an intent",
      query: "",
      code: "missing_model",
      closeCode: 4000,
    },
    {
      name: "a model that was switched off",
      query: "?model=gpt-4o-realtime-preview-2024-12-17",
      code: "model_not_found",
      closeCode: 4004,
    },
    {
      name: "the header of the beta interface",
      query: "?model=m",
      options: { headers: { "OpenAI-Beta": "realtime=v1" } },
      code: "beta_api_shape_disabled",
      closeCode: 4000,
    },
  ]
) {
  Deno.test(`RealtimeServer sends an error and closes when it is given ${name}`, async () => {
    await using server = startRealtimeServer();
    await using client = new RawClient(server.url + query, options);

    const closed = await client.closed;

    assertEquals(client.types, ["error"]);
    assertEquals(client.events[0].error.code, code);
    assertEquals(closed, {
      code: closeCode,
      reason: `invalid_request_error.${code}`,
    });
  });
}

for (
  const { name, options } of [
    {
      name: "an Authorization header",
      options: { headers: { Authorization: "Bearer sk-right" } },
    },
    { name: "Azure's header", options: { headers: { "api-key": "sk-right" } } },
    {
      name: "a subprotocol",
      options: {
        protocols: ["realtime", "openai-insecure-api-key.sk-right"],
      },
    },
  ]
) {
  Deno.test(`RealtimeServer lets a client in when ${name} holds the key`, async () => {
    await using server = startRealtimeServer({ apiKey: "sk-right" });
    await using client = new RawClient(`${server.url}?model=m`, options);

    await client.next("session.created");

    assertEquals(
      client.socket.protocol,
      "protocols" in options ? "realtime" : "",
    );
  });
}

for (
  const { name, options } of [
    { name: "is missing", options: {} },
    {
      name: "is another one",
      options: { headers: { Authorization: "Bearer sk-wrong" } },
    },
  ]
) {
  Deno.test(`RealtimeServer closes with 3000 when the key ${name}`, async () => {
    await using server = startRealtimeServer({ apiKey: "sk-right" });
    await using client = new RawClient(`${server.url}?model=m`, options);

    assertEquals(await client.closed, {
      code: 3000,
      reason: "invalid_request_error.invalid_api_key",
    });
    assertEquals(client.events[0].error.code, "invalid_api_key");
  });
}

Deno.test("RealtimeServer remembers headers but no key", async () => {
  await using server = startRealtimeServer({ apiKey: "sk-right" });
  await using client = new RawClient(`${server.url}?model=m`, {
    headers: { Authorization: "Bearer sk-right", "OpenAI-Project": "proj" },
    protocols: ["realtime", "openai-insecure-api-key.sk-right"],
  });
  await client.next("session.created");

  const connection = server.connections[0]!;

  assertEquals(connection.headers.get("OpenAI-Project"), "proj");
  const everything = Deno.inspect([server, connection, ...connection.headers], {
    depth: 100,
  }) + JSON.stringify(server.log);
  assertEquals(everything.includes("sk-right"), false);
});

Deno.test("RealtimeServer changes only what a session.update names", async () => {
  await using server = startRealtimeServer();
  await using client = new RawClient(`${server.url}?model=m`);
  const { session: before } = await client.next("session.created");

  client.send({
    type: "session.update",
    session: {
      type: "realtime",
      instructions: "Be brief",
      audio: {
        input: {
          noise_reduction: { type: "far_field" },
          turn_detection: { type: "server_vad", silence_duration_ms: 700 },
        },
      },
    },
  });
  const { session } = await client.next("session.updated");

  const { input, output } = before.audio;
  assertEquals(session, {
    ...before,
    instructions: "Be brief",
    audio: {
      input: {
        ...input,
        noise_reduction: { type: "far_field" },
        turn_detection: { ...input.turn_detection, silence_duration_ms: 700 },
      },
      output,
    },
  });
});

Deno.test("RealtimeServer clears what a session.update sets to null", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, {
    audio: { input: { transcription: { model: "gpt-transcribe" } } },
  });

  client.send({
    type: "session.update",
    session: {
      type: "realtime",
      audio: { input: { transcription: null, turn_detection: null } },
    },
  });
  const { session } = await client.next("session.updated");

  assertEquals(session.audio.input.transcription, null);
  assertEquals(session.audio.input.turn_detection, null);
});

for (
  const { name, session, code, param } of [
    {
      name: "has no type",
      session: { instructions: "x" },
      code: "missing_required_parameter",
      param: "session.type",
    },
    {
      name: "is of the other kind",
      session: { type: "transcription" },
      code: "invalid_parameter",
      param: "session.type",
    },
    {
      name: "has the beta field modalities",
      session: { type: "realtime", modalities: ["text"] },
      code: "unknown_parameter",
      param: "session.modalities",
    },
    {
      name: "has the beta field input_audio_format",
      session: { type: "realtime", input_audio_format: "pcm16" },
      code: "unknown_parameter",
      param: "session.input_audio_format",
    },
    {
      name: "asks for 16 kHz",
      session: {
        type: "realtime",
        audio: { input: { format: { type: "audio/pcm", rate: 16_000 } } },
      },
      code: "invalid_value",
      param: "session.audio.input.format.rate",
    },
    {
      name: "asks for an unknown turn detection",
      session: {
        type: "realtime",
        audio: { input: { turn_detection: { type: "none" } } },
      },
      code: "invalid_value",
      param: "session.audio.input.turn_detection.type",
    },
    {
      name: "has a threshold above 1",
      session: {
        type: "realtime",
        audio: {
          input: { turn_detection: { type: "server_vad", threshold: 2 } },
        },
      },
      code: "invalid_value",
      param: "session.audio.input.turn_detection.threshold",
    },
    {
      name: "has text for a number",
      session: { type: "realtime", audio: { output: { speed: "1" } } },
      code: "invalid_type",
      param: "session.audio.output.speed",
    },
    {
      name: "wants text and audio at once",
      session: { type: "realtime", output_modalities: ["text", "audio"] },
      code: "invalid_value",
      param: "session.output_modalities",
    },
    {
      name: "changes the model",
      session: { type: "realtime", model: "another" },
      code: "invalid_value",
      param: "session.model",
    },
  ]
) {
  Deno.test(`RealtimeServer refuses a session.update and keeps its settings when it ${name}`, async () => {
    await using server = startRealtimeServer();
    await using client = await converse(server, byHand);
    const before = server.connections[0]!.session;

    client.send({ type: "session.update", event_id: "mine", session });
    const { error } = await client.next("error");

    assertEquals(error.type, "invalid_request_error");
    assertEquals(error.code, code);
    assertEquals(error.param, param);
    assertEquals(error.event_id, "mine");
    assertEquals(server.connections[0]!.session, before);
  });
}

for (const model of ["gpt-live-transcribe", "gpt-realtime-whisper"]) {
  Deno.test(`RealtimeServer finds no turns when ${model} transcribes`, async () => {
    await using server = startRealtimeServer();
    await using client = await transcribe(server, { transcription: { model } });

    assertEquals(
      (server.connections[0]!.session as Json).audio.input.turn_detection,
      null,
    );
    client.send({
      type: "session.update",
      session: {
        type: "transcription",
        audio: { input: { turn_detection: { type: "server_vad" } } },
      },
    });
    const { error } = await client.next("error");
    assertEquals(error.code, "invalid_value");
    assertEquals(error.param, "session.audio.input.turn_detection");
  });
}

Deno.test("RealtimeServer does not change the voice once it was heard", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, byHand);
  const withVoice = (voice: string) => ({
    type: "session.update",
    session: { type: "realtime", audio: { output: { voice } } },
  });

  assertEquals(await client.typesAfter(withVoice("cedar")), [
    "session.updated",
  ]);
  client.send({ type: "response.create" });

  assertEquals(await client.typesAfter(withVoice("marin")), ["error"]);
  assertEquals(await client.typesAfter(withVoice("cedar")), [
    "session.updated",
  ]);
});

for (
  const { name, audio, code } of [
    { name: "is no base64", audio: "AA!A", code: "invalid_value" },
    { name: "lacks its padding", audio: "AAAAA", code: "invalid_value" },
    { name: "holds half a sample", audio: "AAAA", code: "invalid_value" },
    {
      name: "is longer than 15 MiB",
      audio: "AAAA".repeat(15 * 1024 * 1024 / 3 + 2),
      code: "invalid_value",
    },
    { name: "is no text", audio: 1, code: "invalid_type" },
    {
      name: "is missing",
      audio: undefined,
      code: "missing_required_parameter",
    },
  ]
) {
  Deno.test(`RealtimeServer refuses appended audio when it ${name}`, async () => {
    await using server = startRealtimeServer();
    await using client = await converse(server, byHand);

    client.send({ type: "input_audio_buffer.append", audio, event_id: "a" });
    const { error } = await client.next("error");

    assertEquals(error.code, code);
    assertEquals(error.param, "audio");
    assertEquals(error.event_id, "a");
    assertEquals(server.connections[0]!.audio.length, 0);
  });
}

Deno.test("RealtimeServer keeps appended and committed samples bit for bit", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, byHand);
  const samples = Int16Array.from(
    { length: 7_000 },
    (_, i) => (i * 7_919) % 65_536 - 32_768,
  );

  client.append(samples.subarray(0, 3_001));
  client.append(samples.subarray(3_001, 6_000));
  client.send({ type: "input_audio_buffer.commit" });
  client.append(samples.subarray(6_000));
  await client.sync();

  const connection = server.connections[0]!;
  assertEquals(connection.audio, samples);
  assertEquals(connection.utterances, [
    { itemId: "item_1", samples: samples.slice(0, 6_000) },
  ]);
});

Deno.test("RealtimeServer makes an item of committed audio", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, byHand);
  const commit = async () => {
    client.append(tone(100));
    client.send({ type: "input_audio_buffer.commit" });
    return (await client.sync()).map(({ event_id: _, ...event }) => event);
  };
  const item = {
    object: "realtime.item",
    type: "message",
    status: "completed",
    role: "user",
    content: [{ type: "input_audio", transcript: null }],
  };

  for (
    const [id, before] of [["item_1", null], ["item_2", "item_1"]] as const
  ) {
    const place = { previous_item_id: before, item: { id, ...item } };
    assertEquals(await commit(), [
      {
        type: "input_audio_buffer.committed",
        previous_item_id: before,
        item_id: id,
      },
      { type: "conversation.item.added", ...place },
      { type: "conversation.item.done", ...place },
    ]);
  }
});

Deno.test("RealtimeServer refuses to commit less than 100 ms, and keeps it", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, byHand);
  const commit = { type: "input_audio_buffer.commit", event_id: "c" };

  client.send(commit);
  const { error: empty } = await client.next("error");
  client.append(tone(99));
  client.send(commit);
  const { error: short } = await client.next("error");
  client.append(tone(1));
  client.send(commit);
  await client.next("input_audio_buffer.committed");

  for (const error of [empty, short]) {
    assertEquals(error.code, "input_audio_buffer_commit_empty");
    assertEquals(error.event_id, "c");
    assertMatch(error.message, /100ms/);
  }
  assertMatch(short.message, /99\.00ms/);
});

Deno.test("RealtimeServer forgets what was appended when the buffer is cleared", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, byHand);

  client.append(tone(500));
  client.send({ type: "input_audio_buffer.clear" });
  await client.next("input_audio_buffer.cleared");
  client.send({ type: "input_audio_buffer.commit" });

  const { error } = await client.next("error");
  assertEquals(error.code, "input_audio_buffer_commit_empty");
});

for (const chunkMs of [1, 7, 20, 100, 3_000]) {
  Deno.test(`RealtimeServer finds the same turns when audio comes in chunks of ${chunkMs} ms`, async () => {
    await using server = startRealtimeServer();
    await using client = await converse(server, {
      audio: {
        input: {
          turn_detection: {
            type: "server_vad",
            prefix_padding_ms: 100,
            silence_duration_ms: 300,
            create_response: false,
          },
        },
      },
    });
    const audio = join(
      silence(1_000),
      tone(400),
      silence(200),
      tone(200),
      silence(700),
      tone(200),
      silence(300),
    );

    for (let begin = 0; begin < audio.length; begin += chunkMs * 24) {
      client.append(audio.subarray(begin, begin + chunkMs * 24));
    }
    const events = await client.sync();

    const turns = events.filter(({ type }) =>
      type.startsWith("input_audio_buffer.")
    );
    assertEquals(turns.map(({ event_id: _, ...event }) => event), [
      {
        type: "input_audio_buffer.speech_started",
        audio_start_ms: 900,
        item_id: "item_1",
      },
      {
        type: "input_audio_buffer.speech_stopped",
        audio_end_ms: 2_100,
        item_id: "item_1",
      },
      {
        type: "input_audio_buffer.committed",
        previous_item_id: null,
        item_id: "item_1",
      },
      {
        type: "input_audio_buffer.speech_started",
        audio_start_ms: 2_400,
        item_id: "item_2",
      },
      {
        type: "input_audio_buffer.speech_stopped",
        audio_end_ms: 3_000,
        item_id: "item_2",
      },
      {
        type: "input_audio_buffer.committed",
        previous_item_id: "item_1",
        item_id: "item_2",
      },
    ]);
    assertEquals(server.connections[0]!.utterances, [
      { itemId: "item_1", samples: audio.slice(900 * 24, 2_100 * 24) },
      { itemId: "item_2", samples: audio.slice(2_400 * 24, 3_000 * 24) },
    ]);
  });
}

Deno.test("RealtimeServer needs louder audio for a turn when the threshold is higher", async () => {
  await using server = startRealtimeServer();
  const quiet = tone(200).map((sample) => sample / 16);
  const typesAt = async (threshold: number) => {
    await using client = await transcribe(server, {
      turn_detection: { type: "server_vad", threshold },
    });
    client.append(quiet);
    return (await client.sync()).map(({ type }) => type);
  };

  assertEquals(await typesAt(0.5), ["input_audio_buffer.speech_started"]);
  assertEquals(await typesAt(1), []);
});

for (
  const { eagerness, silenceMs } of [
    { eagerness: "high", silenceMs: 200 },
    { eagerness: "auto", silenceMs: 400 },
    { eagerness: "low", silenceMs: 800 },
  ]
) {
  Deno.test(`RealtimeServer ends a turn after ${silenceMs} ms of silence when semantic VAD is ${eagerness}`, async () => {
    await using server = startRealtimeServer();
    await using client = await transcribe(server, {
      turn_detection: { type: "semantic_vad", eagerness },
    });

    client.append(join(tone(500), silence(1_000)));
    const event = await client.next("input_audio_buffer.speech_stopped");

    assertEquals(event.audio_end_ms, 500 + silenceMs);
  });
}

Deno.test("RealtimeServer has nothing to commit when server VAD has committed it", async () => {
  await using server = startRealtimeServer();
  await using client = await transcribe(server, {});

  client.append(join(tone(500), silence(2_000)));
  client.send({ type: "input_audio_buffer.commit" });

  const { error } = await client.next("error");
  assertEquals(error.code, "input_audio_buffer_commit_empty");
});

Deno.test("RealtimeServer ends the turn under way when the client commits", async () => {
  await using server = startRealtimeServer();
  await using client = await transcribe(server, {});

  client.append(tone(500));
  const types = await client.typesAfter({ type: "input_audio_buffer.commit" });
  client.append(silence(2_000));

  assertEquals(types, [
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
  ]);
  assertEquals(await client.sync(), []);
  assertEquals(server.connections[0]!.utterances, [
    { itemId: "item_1", samples: tone(500) },
  ]);
});

Deno.test("RealtimeServer replies by itself when a turn ends", async () => {
  await using server = startRealtimeServer({ respond: () => "Hm" });
  await using client = await converse(server);

  client.append(join(tone(500), silence(500)));
  await client.sync();

  assertEquals(client.types.slice(2, -1), [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    ...replyTypes.begin,
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    ...replyTypes.audioEnd,
  ]);
});

Deno.test("RealtimeServer cuts off its reply when a turn begins", async () => {
  const clock = new FakeClock();
  await using server = startRealtimeServer({ paceMs: 100, clock });
  await using client = await converse(server);
  client.send({ type: "response.create" });
  await client.next("response.output_audio.delta");
  await clock.advance(100);
  await client.next("response.output_audio.delta");

  client.append(tone(100));
  const { response } = await client.next("response.done");

  assertEquals(response.status, "cancelled");
  assertEquals(response.status_details, {
    type: "cancelled",
    reason: "turn_detected",
  });
  assertEquals(response.output[0].status, "incomplete");
  assertEquals(response.output[0].content, [
    { type: "output_audio", transcript: "This is" },
  ]);
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("RealtimeServer speaks on when a turn must not interrupt it", async () => {
  const clock = new FakeClock();
  await using server = startRealtimeServer({
    paceMs: 100,
    clock,
    respond: () => "one two",
  });
  await using client = await converse(server, {
    audio: {
      input: {
        turn_detection: { type: "server_vad", interrupt_response: false },
      },
    },
  });
  client.send({ type: "response.create" });
  await client.sync();

  client.append(join(tone(100), silence(500)));
  await client.sync();
  await clock.advance(200);
  const { response } = await client.next("response.done");

  assertEquals(response.status, "completed");
  await client.sync();
  assertEquals(
    client.types.filter((type) => type === "response.created").length,
    1,
  );
});

Deno.test("RealtimeServer transcribes committed audio in several deltas", async () => {
  const heard: [number, number, number][] = [];
  await using server = startRealtimeServer({
    transcribe: (samples, index, sampleRate) => {
      heard.push([samples.length, index, sampleRate]);
      return `one two ${index}`;
    },
  });
  await using client = await transcribe(server, {
    transcription: { model: "gpt-transcribe" },
    turn_detection: null,
  });

  client.append(tone(1_500));
  client.send({ type: "input_audio_buffer.commit" });
  client.append(tone(100));
  client.send({ type: "input_audio_buffer.commit" });
  const events = await client.sync();

  const transcripts = events.filter(({ type }) =>
    type.includes("transcription")
  );
  assertEquals(
    transcripts.slice(0, 4).map((
      { item_id, delta, transcript },
    ) => [item_id, delta, transcript]),
    [
      ["item_1", "one", undefined],
      ["item_1", " two", undefined],
      ["item_1", " 0", undefined],
      ["item_1", undefined, "one two 0"],
    ],
  );
  assertEquals(transcripts[3].usage, { type: "duration", seconds: 2 });
  assertEquals(heard, [[36_000, 0, 24_000], [2_400, 1, 24_000]]);
});

Deno.test("RealtimeServer claims to have recognised nothing unless it is told what was said", async () => {
  await using server = startRealtimeServer();
  await using client = await transcribe(server, {
    transcription: { model: "gpt-transcribe" },
    turn_detection: null,
  });

  client.append(tone(1_240));
  client.send({ type: "input_audio_buffer.commit" });
  const { transcript } = await client.next(
    "conversation.item.input_audio_transcription.completed",
  );

  assertEquals(
    transcript,
    "Utterance 1: 1.24 s of audio, not recognised by this test server",
  );
});

for (
  const { model, order } of [
    {
      model: "gpt-live-transcribe",
      order: ["delta", "committed", "added", "done", "completed"],
    },
    {
      model: "gpt-4o-transcribe",
      order: ["committed", "added", "done", "delta", "completed"],
    },
  ]
) {
  Deno.test(`RealtimeServer sends deltas when ${model} would`, async () => {
    await using server = startRealtimeServer({ transcribe: () => "yes" });
    await using client = await transcribe(server, {
      transcription: { model },
      turn_detection: null,
    });

    client.append(tone(200));
    const types = await client.typesAfter({
      type: "input_audio_buffer.commit",
    });

    assertEquals(types.map((type) => type.split(".").at(-1)), order);
  });
}

Deno.test("RealtimeServer lets a transcription fail when its function throws", async () => {
  await using server = startRealtimeServer({
    transcribe: () => {
      throw new Error("Too much noise");
    },
  });
  await using client = await transcribe(server, {
    transcription: { model: "gpt-transcribe" },
    turn_detection: null,
  });

  client.append(tone(200));
  client.send({ type: "input_audio_buffer.commit" });
  const event = await client.next(
    "conversation.item.input_audio_transcription.failed",
  );

  assertEquals(event.item_id, "item_1");
  assertEquals(event.error.message, "Too much noise");
});

Deno.test("RealtimeServer leaves the transcript to the test when its function returns nothing", async () => {
  await using server = startRealtimeServer({ transcribe: () => undefined });
  await using client = await transcribe(server, {
    transcription: { model: "gpt-transcribe" },
    turn_detection: null,
  });

  client.append(tone(200));
  const types = await client.typesAfter({ type: "input_audio_buffer.commit" });

  assertEquals(types.some((type) => type.includes("transcription")), false);
});

Deno.test("RealtimeServer replies with a voice and its transcript", async () => {
  await using server = startRealtimeServer({ respond: () => "one two" });
  await using client = await converse(server, byHand);
  client.append(tone(1_000));
  client.send({ type: "input_audio_buffer.commit" });
  await client.sync();

  client.send({
    type: "response.create",
    response: { metadata: { topic: "none" } },
  });
  const events = await client.sync();

  assertEquals(events.map(({ type }) => type), [
    ...replyTypes.begin,
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    ...replyTypes.audioEnd,
  ]);
  const audio = events
    .filter(({ type }) => type === "response.output_audio.delta")
    .map(({ delta }) => base64ToPcm16(delta));
  assertEquals(audio.map(({ length }) => length), [2_400, 2_400]);
  assert(audio.every((block) => Math.max(...block) > 4_000));
  const { response } = events.at(-2);
  assertEquals(response.id, "resp_1");
  assertEquals(response.status, "completed");
  assertEquals(response.metadata, { topic: "none" });
  assertEquals(response.output[0].content, [
    { type: "output_audio", transcript: "one two" },
  ]);
  assertEquals(response.usage.input_token_details.audio_tokens, 10);
  assertEquals(response.usage.output_token_details.audio_tokens, 4);
});

Deno.test("RealtimeServer replies in writing when text is asked for", async () => {
  await using server = startRealtimeServer({ respond: () => "one two" });
  await using client = await converse(server, byHand);

  const types = await client.typesAfter({
    type: "response.create",
    response: { output_modalities: ["text"] },
  });

  assertEquals(types, [
    ...replyTypes.begin,
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
    "rate_limits.updated",
  ]);
});

Deno.test("RealtimeServer shows the conversation to the function that replies", async () => {
  await using server = startRealtimeServer({
    respond: (items, index) =>
      `${index} ${items.map((item: Json) => item.content[0].text)}`,
  });
  await using client = await converse(server, {
    ...byHand,
    output_modalities: ["text"],
  });
  const say = (text: string) => ({
    type: "conversation.item.create",
    item: {
      type: "message",
      role: "user",
      content: [{ type: "input_text", text }],
    },
  });

  client.send(say("hello"), { type: "response.create" });
  const { text: first } = await client.next("response.output_text.done");
  client.send(say("bye"), { type: "response.create" });
  const { text: second } = await client.next("response.output_text.done");

  assertEquals(first, "0 hello");
  assertEquals(second, "1 hello,0 hello,bye");
});

Deno.test("RealtimeServer lets a response fail when its function throws", async () => {
  await using server = startRealtimeServer({
    respond: () => {
      throw new Error("Out of words");
    },
  });
  await using client = await converse(server, byHand);

  client.send({ type: "response.create" });
  const { response } = await client.next("response.done");

  assertEquals(response.status, "failed");
  assertEquals(response.status_details.error.message, "Out of words");
});

Deno.test("RealtimeServer refuses a second response while one is under way", async () => {
  const clock = new FakeClock();
  await using server = startRealtimeServer({ paceMs: 1, clock });
  await using client = await converse(server, byHand);

  client.send({ type: "response.create" });
  client.send({ type: "response.create", event_id: "second" });
  const { error } = await client.next("error");

  assertEquals(error.code, "conversation_already_has_active_response");
  assertEquals(error.event_id, "second");
});

Deno.test("RealtimeServer gives a reply out of band while another one is under way", async () => {
  const clock = new FakeClock();
  await using server = startRealtimeServer({
    paceMs: 1,
    clock,
    respond: () => "Hm",
  });
  await using client = await converse(server, byHand);
  client.send({ type: "response.create" });
  await client.sync();

  client.send({ type: "response.create", response: { conversation: "none" } });
  const types = (await client.sync()).map(({ type }) => type);
  await clock.advance(1);
  const replies = [
    await client.next("response.done"),
    await client.next("response.done"),
  ];

  assertEquals(types.includes("conversation.item.added"), false);
  assertEquals(
    replies.map(({ response }) => [response.id, response.conversation_id]),
    [["resp_1", "conv_1"], ["resp_2", undefined]],
  );
});

Deno.test("RealtimeServer cancels a response, and only one that is under way", async () => {
  const clock = new FakeClock();
  await using server = startRealtimeServer({ paceMs: 1, clock });
  await using client = await converse(server, byHand);
  const cancel = { type: "response.cancel", event_id: "c" };

  client.send(cancel);
  const { error: early } = await client.next("error");
  client.send({ type: "response.create" }, cancel);
  const { response } = await client.next("response.done");
  client.send(cancel);
  const { error: late } = await client.next("error");

  assertEquals(response.status_details, {
    type: "cancelled",
    reason: "client_cancelled",
  });
  for (const error of [early, late]) {
    assertEquals(error.code, "response_cancel_not_active");
    assertEquals(error.event_id, "c");
  }
});

Deno.test("RealtimeServer puts a new item where the client wants it", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, byHand);
  const create = async (id: string, previousId?: string) => {
    client.send({
      type: "conversation.item.create",
      previous_item_id: previousId,
      item: {
        id,
        type: "message",
        role: "system",
        content: [{ type: "input_text", text: id }],
      },
    });
    const [event] = await client.sync();
    return event.error?.param ?? event.previous_item_id;
  };

  assertEquals(await create("a"), null);
  assertEquals(await create("b"), "a");
  assertEquals(await create("c", "root"), null);
  assertEquals(await create("d", "a"), "a");
  assertEquals(await create("e", "nowhere"), "previous_item_id");
  assertEquals(await create("a"), "item.id");
});

Deno.test("RealtimeServer refuses to put audio into the assistant's mouth", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, byHand);

  client.send({
    type: "conversation.item.create",
    item: {
      type: "message",
      role: "assistant",
      content: [{ type: "output_audio", audio: "AAA=" }],
    },
  });
  const { error } = await client.next("error");

  assertEquals(error.code, "invalid_value");
  assertEquals(error.param, "item.content[0].type");
});

Deno.test("RealtimeServer gives an item back with its audio, until it is deleted", async () => {
  await using server = startRealtimeServer({ transcribe: () => "yes" });
  await using client = await converse(server, {
    audio: {
      input: {
        turn_detection: null,
        transcription: { model: "gpt-transcribe" },
      },
    },
  });
  client.append(tone(100));
  client.send({ type: "input_audio_buffer.commit" });
  const retrieve = { type: "conversation.item.retrieve", item_id: "item_1" };

  client.send(retrieve);
  const { item } = await client.next("conversation.item.retrieved");
  client.send({ type: "conversation.item.delete", item_id: "item_1" });
  const { item_id } = await client.next("conversation.item.deleted");
  client.send(retrieve);
  const { error } = await client.next("error");

  assertEquals(item.content, [{
    type: "input_audio",
    transcript: "yes",
    audio: pcm16ToBase64(tone(100)),
  }]);
  assertEquals(item_id, "item_1");
  assertEquals(error.code, "item_retrieve_invalid_item_id");
});

Deno.test("RealtimeServer cuts off a reply's end when it is truncated", async () => {
  await using server = startRealtimeServer({ respond: () => "one two three" });
  await using client = await converse(server, byHand);
  client.send({ type: "response.create" });
  await client.sync();
  const truncate = (audioEndMs: number, itemId = "item_1") => ({
    type: "conversation.item.truncate",
    item_id: itemId,
    content_index: 0,
    audio_end_ms: audioEndMs,
  });

  client.send(truncate(301), truncate(0), truncate(5, "none"), truncate(120));
  const errors = (await client.sync()).filter(({ type }) => type === "error");
  client.send({ type: "conversation.item.retrieve", item_id: "item_1" });
  const { item } = await client.next("conversation.item.retrieved");

  assertEquals(errors.map(({ error }) => error.code), [
    "invalid_value",
    "unsupported_content_type",
    "item_truncate_invalid_item_id",
  ]);
  const [part] = item.content;
  assertEquals("transcript" in part, false);
  assertEquals(base64ToPcm16(part.audio).length, 120 * 24);
});

Deno.test("RealtimeServer refuses conversation events in a transcription session", async () => {
  await using server = startRealtimeServer();
  await using client = await transcribe(server, {});

  client.send({ type: "response.create", event_id: "r" });
  const { error } = await client.next("error");

  assertEquals(error.code, "invalid_event");
  assertEquals(error.event_id, "r");
});

for (
  const { name, data, code, param } of [
    { name: "no JSON", data: "{", code: "invalid_json", param: null },
    { name: "no object", data: "[]", code: "invalid_event", param: null },
    {
      name: "binary",
      data: new Uint8Array(4),
      code: "invalid_event",
      param: null,
    },
    {
      name: "without a type",
      data: "{}",
      code: "missing_required_parameter",
      param: "type",
    },
    {
      name: "of an unknown type",
      data: '{"type":"transcription_session.update","session":{}}',
      code: "invalid_value",
      param: "type",
    },
    {
      name: "named like a property of every object",
      data: '{"type":"constructor"}',
      code: "invalid_value",
      param: "type",
    },
    {
      name: "burdened with an unknown field",
      data: '{"type":"input_audio_buffer.commit","final":true}',
      code: "unknown_parameter",
      param: "final",
    },
  ]
) {
  Deno.test(`RealtimeServer answers with an error and goes on when a message is ${name}`, async () => {
    await using server = startRealtimeServer();
    await using client = await converse(server, byHand);

    client.socket.send(data);
    const { error } = await client.next("error");

    assertEquals(error.code, code);
    assertEquals(error.param, param);
    assertEquals(
      await client.typesAfter({ type: "input_audio_buffer.clear" }),
      [
        "input_audio_buffer.cleared",
      ],
    );
  });
}

Deno.test("RealtimeServer says the same thing every time", async () => {
  const talk = async () => {
    await using server = startRealtimeServer();
    await using client = await converse(server);
    client.append(join(tone(300), silence(400)));
    await client.sync();
    return client.events.slice(2);
  };

  assertEquals(await talk(), await talk());
});

Deno.test("RealtimeServer takes and gives telephone audio when it is told to", async () => {
  await using server = startRealtimeServer({ respond: () => "Hm" });
  await using client = await converse(server, {
    audio: {
      input: { format: { type: "audio/pcmu" }, turn_detection: null },
      output: { format: { type: "audio/pcma" } },
    },
  });

  // 0x80 is the loudest positive sample of μ-law: 100 ms of it, and then nothing.
  client.send({
    type: "input_audio_buffer.append",
    audio: btoa(String.fromCharCode(...new Array(800).fill(0x80))),
  });
  client.send({ type: "input_audio_buffer.commit" });
  client.send({ type: "response.create" });
  const { delta } = await client.next("response.output_audio.delta");

  assertEquals(
    server.connections[0]!.audio,
    new Int16Array(800).fill(32_124),
  );
  assertEquals(atob(delta).length, 800);
});

for (
  const { fault, code, reason } of [
    {
      fault: "credit_balance_exhausted",
      code: 1013,
      reason: "insufficient_quota.credit_balance_exhausted",
    },
    {
      fault: "session_expired",
      code: 1001,
      reason: "invalid_request_error.session_expired",
    },
  ] as const
) {
  Deno.test(`RealtimeServer closes with ${code} when the fault is ${fault}`, async () => {
    await using server = startRealtimeServer({ fault: () => fault });
    await using client = new RawClient(`${server.url}?model=m`);

    assertEquals(await client.closed, { code, reason });
    assertEquals(client.events[0].error.code, fault);
  });
}

Deno.test("RealtimeServer rejects only those upgrades that it is told to", async () => {
  await using server = startRealtimeServer({
    fault: (attempt) => attempt === 1 ? { rejectUpgrade: 503 } : undefined,
  });
  const rejected = new WebSocket(`${server.url}?model=m`);
  const message = await new Promise<string>((resolve) => {
    rejected.onerror = (event) => resolve((event as ErrorEvent).message);
  });

  await using accepted = new RawClient(`${server.url}?model=m`);
  await accepted.next("session.created");

  assertMatch(message, /503/);
  assertEquals(server.attemptCount, 2);
  assertEquals(server.connections.length, 1);
});

Deno.test("RealtimeServer leaves an upgrade without an answer until it is closed", async () => {
  const server = startRealtimeServer({ fault: () => "no_upgrade" });
  const socket = new WebSocket(`${server.url}?model=m`);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  await server.waitFor(() => server.attemptCount === 1);

  assertEquals(socket.readyState, WebSocket.CONNECTING);
  await server.close();
  await closed;
});

Deno.test("RealtimeServer says nothing when the fault is no_session_created", async () => {
  await using server = startRealtimeServer({
    fault: () => "no_session_created",
  });
  await using client = new RawClient(`${server.url}?model=m`);
  await server.waitFor(() => server.connections[0]?.isOpen);

  await new Promise((resolve) => client.socket.onopen = resolve);
  client.send({ type: "input_audio_buffer.clear" });
  await server.waitFor(() => server.received.length === 1);

  assertEquals(server.connections[0]!.sent, []);
});

Deno.test("RealtimeServer answers everything but updates when the fault is no_session_updated", async () => {
  await using server = startRealtimeServer({
    fault: () => "no_session_updated",
  });
  await using client = new RawClient(`${server.url}?model=m`);
  await client.next("session.created");

  const types = await client.typesAfter(
    { type: "session.update", session: { type: "realtime" } },
    { type: "input_audio_buffer.clear" },
  );

  assertEquals(types, ["input_audio_buffer.cleared"]);
});

Deno.test("RealtimeServer answers plain HTTP with an error", async () => {
  await using server = startRealtimeServer();
  const url = server.url.replace("ws:", "http:");

  for (
    const [address, status] of [
      [url, 426],
      [url.replace("realtime", "models"), 404],
    ] as const
  ) {
    const response = await fetch(address);
    assertEquals(response.status, status);
    assertEquals(typeof (await response.json()).error.message, "string");
  }
});

Deno.test("RealtimeServer logs messages in the order of their arrival", async () => {
  await using server = startRealtimeServer();
  await using first = await converse(server, byHand);
  await using second = await converse(server, byHand);

  second.send({ type: "input_audio_buffer.clear" });
  await second.next("input_audio_buffer.cleared");
  first.socket.send("{");
  await first.next("error");

  assertEquals(
    server.log.slice(-4).map((
      { connection, direction, message },
    ) => [connection, direction, message.type ?? message.malformed]),
    [
      [2, "received", "input_audio_buffer.clear"],
      [2, "sent", "input_audio_buffer.cleared"],
      [1, "received", "{"],
      [1, "sent", "error"],
    ],
  );
  assertEquals(
    server.connections[0]!.received.map(({ type }) => type),
    ["session.update", undefined],
  );
});

Deno.test("RealtimeServer.waitFor() resolves with what is found, now or later", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, byHand);
  const commit = () =>
    server.received.find(({ type }) => type === "input_audio_buffer.commit");

  const later = server.waitFor(commit);
  client.send({ type: "input_audio_buffer.commit", event_id: "c" });

  assertEquals((await later).event_id, "c");
  assertEquals((await server.waitFor(commit)).event_id, "c");
});

Deno.test("RealtimeServer.waitFor() rejects with what the search throws", async () => {
  await using server = startRealtimeServer();

  await assertRejects(
    () =>
      server.waitFor(() => {
        throw new RangeError("No");
      }),
    RangeError,
    "No",
  );
});

Deno.test("RealtimeServer.waitFor() rejects when the server is closed", async () => {
  const server = startRealtimeServer();
  const waiting = assertRejects(
    () => server.waitFor(() => false),
    Error,
    "was closed",
  );

  await server.close();

  await waiting;
  await assertRejects(() => server.waitFor(() => false), Error, "was closed");
});

Deno.test("RealtimeServer.close() says goodbye to every client, and can be called twice", async () => {
  const server = startRealtimeServer();
  const client = await converse(server, byHand);

  await server.close();
  await server.close();

  assertEquals((await client.closed).code, 1001);
});

Deno.test("RealtimeServer.closeConnections() lets clients come back", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, byHand);

  server.closeConnections(1012, "restart");
  assertEquals(await client.closed, { code: 1012, reason: "restart" });
  assertEquals((await server.connections[0]!.closed).code, 1012);

  await using again = await converse(server, byHand);
  assertEquals(server.connections.map(({ isOpen }) => isOpen), [false, true]);
  assertEquals(again.types.length, 2);
});

Deno.test("RealtimeServerConnection sends whatever a test makes up", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, byHand);
  const connection = server.connections[0]!;
  let raw: unknown;

  connection.send({ type: "model.sneezed", strength: 3 });
  const { event_id, strength } = await client.next("model.sneezed");
  const arrived = new Promise<void>((resolve) => {
    client.socket.onmessage = ({ data }) => {
      raw = data;
      resolve();
    };
  });
  connection.sendRaw("{oops");
  await arrived;

  assertMatch(event_id, /^event_\d+$/);
  assertEquals(strength, 3);
  assertEquals(raw, "{oops");
  assertEquals(connection.sent.at(-1), { malformed: "{oops" });
});

Deno.test("RealtimeServerConnection.refuse() ends a session in the middle", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, byHand);

  server.connections[0]!.refuse("session_expired");
  const { error } = await client.next("error");

  assertEquals(error.code, "session_expired");
  assertEquals((await client.closed).code, 1001);
});

Deno.test("RealtimeServerConnection.drop() looks like a lost network", async () => {
  await using server = startRealtimeServer();
  await using client = await converse(server, byHand);
  const failed = new Promise((resolve) => client.socket.onerror = resolve);

  server.connections[0]!.drop();

  await failed;
  assertEquals((await client.closed).code, 0);
});

Deno.test("RealtimeServer stops a paced reply when its client goes away", async () => {
  const clock = new FakeClock();
  await using server = startRealtimeServer({ paceMs: 1, clock });
  const client = await converse(server, byHand);
  client.send({ type: "response.create" });
  await client.next("response.output_audio.delta");

  await client[Symbol.asyncDispose]();
  await server.connections[0]!.closed;
  await clock.advance(0);

  assertEquals(clock.sleeperCount, 0);
});

Deno.test("RealtimeServer forgets the oldest things when its memory is full", async () => {
  await using server = startRealtimeServer({ memoryLimitBytes: 20_000 });
  await using client = await converse(server, byHand);

  for (let i = 0; i < 10; i++) {
    client.append(tone(100));
    client.send({ type: "input_audio_buffer.commit" });
  }
  client.send({ type: "conversation.item.retrieve", item_id: "item_1" });
  const { error } = await client.next("error");

  const connection = server.connections[0]!;
  assertEquals(error.code, "item_retrieve_invalid_item_id");
  assertEquals(connection.audio.length, 4 * 2_400);
  assertEquals(connection.utterances.map(({ itemId }) => itemId), [
    "item_7",
    "item_8",
    "item_9",
    "item_10",
  ]);
  assert(JSON.stringify(server.log).length < 40_000);
});

Deno.test("RealtimeServer refuses audio when nobody commits what it has", async () => {
  await using server = startRealtimeServer({ memoryLimitBytes: 20_000 });
  await using client = await converse(server, byHand);

  client.append(tone(400));
  client.append(tone(400));
  const { error } = await client.next("error");

  assertEquals(error.code, "input_audio_buffer_full");
});

Deno.test("RealtimeServer keeps no silence when it looks for turns", async () => {
  await using server = startRealtimeServer({ memoryLimitBytes: 40_000 });
  await using client = await transcribe(server, {});

  for (let i = 0; i < 20; i++) client.append(silence(400));

  assertEquals(await client.sync(), []);
});
