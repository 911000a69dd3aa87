import { assertEquals, assertFalse } from "@std/assert";
import {
  isBetaSession,
  toGaClientEvent,
  toGaEventName,
  toGaSession,
} from "../src/realtime/beta.ts";

Deno.test("toGaSession() translates every field of the beta", () => {
  assertEquals(
    toGaSession({
      modalities: ["text", "audio"],
      instructions: "Be brief.",
      voice: "sage",
      speed: 1.2,
      input_audio_format: "pcm16",
      output_audio_format: "g711_ulaw",
      input_audio_transcription: { model: "whisper-1" },
      input_audio_noise_reduction: { type: "far_field" },
      turn_detection: { type: "server_vad", threshold: 0.6 },
      max_response_output_tokens: 500,
      temperature: 0.8,
      tools: [],
    }, "realtime") as unknown,
    {
      type: "realtime",
      instructions: "Be brief.",
      tools: [],
      output_modalities: ["audio"],
      max_output_tokens: 500,
      audio: {
        input: {
          format: { type: "audio/pcm", rate: 24000 },
          transcription: { model: "whisper-1" },
          noise_reduction: { type: "far_field" },
          turn_detection: { type: "server_vad", threshold: 0.6 },
        },
        output: { format: { type: "audio/pcmu" }, voice: "sage", speed: 1.2 },
      },
    },
  );
});

Deno.test("toGaSession() keeps a null that turns something off", () => {
  assertEquals(toGaSession({ turn_detection: null }, "realtime") as unknown, {
    type: "realtime",
    audio: { input: { turn_detection: null } },
  });
});

Deno.test("toGaSession() leaves settings of the GA interface as they are, and untouched", () => {
  const session = {
    type: "realtime",
    output_modalities: ["text"],
    audio: { input: { turn_detection: null } },
  };
  const before = JSON.stringify(session);
  assertFalse(isBetaSession(session));
  assertEquals(toGaSession(session, "realtime") as unknown, session);
  toGaSession({ ...session, voice: "ash" }, "realtime");
  assertEquals(JSON.stringify(session), before);
});

Deno.test("toGaClientEvent() makes a session.update of a transcription_session.update", () => {
  const translated = toGaClientEvent({
    type: "transcription_session.update",
    event_id: "e1",
    session: {
      input_audio_format: "pcm16",
      input_audio_transcription: { model: "gpt-4o-transcribe" },
    },
  }, "transcription");
  assertEquals(translated as unknown, {
    wasBeta: true,
    event: {
      type: "session.update",
      event_id: "e1",
      session: {
        type: "transcription",
        audio: {
          input: {
            format: { type: "audio/pcm", rate: 24000 },
            transcription: { model: "gpt-4o-transcribe" },
          },
        },
      },
    },
  });
});

Deno.test("toGaClientEvent() passes other events on", () => {
  const event = { type: "response.create" } as const;
  assertEquals(toGaClientEvent(event, "realtime") as unknown, {
    event,
    wasBeta: false,
  });
});

Deno.test("toGaEventName() gives events of the beta their present names", () => {
  assertEquals(
    [
      "response.audio.delta",
      "response.audio_transcript.done",
      "response.text.delta",
      "conversation.item.created",
      "transcription_session.updated",
      "response.output_audio.delta",
      "session.created",
    ].map(toGaEventName),
    [
      "response.output_audio.delta",
      "response.output_audio_transcript.done",
      "response.output_text.delta",
      "conversation.item.added",
      "session.updated",
      "response.output_audio.delta",
      "session.created",
    ],
  );
});

Deno.test("isBetaSession() is not misled by what every object has", () => {
  assertFalse(isBetaSession({ toString: 1, constructor: 2 }));
});
