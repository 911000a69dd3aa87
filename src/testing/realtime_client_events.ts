/**
 * The shape of everything that a client may say to the Realtime API (GA
 * interface), field by field. Source: the types of the npm package openai
 * 7.57.0 and the published OpenAPI document; the ranges are theirs.
 *
 * @module
 */

import type { RealtimeClientEvent } from "../realtime/events.ts";
import {
  anyObject,
  type Check,
  choice,
  type Fields,
  flag,
  integer,
  list,
  nullable,
  number,
  record,
  RequestError,
  text,
  textOr,
  variant,
} from "./realtime_checks.ts";

const anyText = text();

const outputModalities: Check = (value, param) => {
  list(choice("audio", "text"))(value, param);
  // Audio always comes with a transcript, so that both together mean nothing.
  if ((value as unknown[]).length !== 1) {
    throw new RequestError(
      "invalid_value",
      `Invalid '${param}': expected either ["audio"] or ["text"]`,
      param,
    );
  }
};

const audioFormat = variant("type", {
  "audio/pcm": record({ type: anyText, rate: choice(24_000) }),
  "audio/pcmu": record({ type: anyText }),
  "audio/pcma": record({ type: anyText }),
});

const turnFlags = {
  type: anyText,
  create_response: flag,
  interrupt_response: flag,
};

const turnDetection = variant("type", {
  server_vad: record({
    ...turnFlags,
    threshold: number(0, 1),
    prefix_padding_ms: integer(0, Infinity),
    silence_duration_ms: integer(0, Infinity),
    idle_timeout_ms: nullable(integer(5_000, 30_000)),
  }),
  semantic_vad: record({
    ...turnFlags,
    eagerness: choice("low", "medium", "high", "auto"),
  }),
});

const audioInput = record({
  format: audioFormat,
  noise_reduction: nullable(record({
    type: choice("near_field", "far_field"),
    strength: number(0, Infinity),
  }, ["type"])),
  transcription: nullable(record({
    model: anyText,
    language: anyText,
    languages: list(anyText),
    keywords: list(anyText),
    prompt: anyText,
    delay: choice("minimal", "low", "medium", "high", "xhigh"),
  })),
  turn_detection: nullable(turnDetection),
});

const voice = textOr(anyText, record({ id: anyText }, ["id"]));

const metadata: Check = (value, param) => {
  anyObject(value, param);
  const entries = Object.entries(value as Fields);
  if (entries.length > 16) {
    throw new RequestError(
      "invalid_value",
      `Invalid '${param}': expected at most 16 entries, but got ${entries.length}`,
      param,
    );
  }
  for (const [name, entry] of entries) {
    text(64)(name, param);
    text(512)(entry, `${param}.${name}`);
  }
};

const include = nullable(
  list(choice("item.input_audio_transcription.logprobs")),
);

/** What a session and a single response may both set. */
const responseFields = {
  instructions: anyText,
  output_modalities: outputModalities,
  tools: list(variant("type", {
    function: record({
      type: anyText,
      name: anyText,
      description: anyText,
      parameters: anyObject,
    }, ["name"]),
    mcp: anyObject,
  })),
  tool_choice: textOr(choice("auto", "none", "required"), anyObject),
  parallel_tool_calls: flag,
  reasoning: record({
    effort: choice("minimal", "low", "medium", "high", "xhigh"),
  }),
  max_output_tokens: textOr(choice("inf"), integer(1, 4_096)),
  prompt: nullable(record({
    id: anyText,
    version: nullable(anyText),
    variables: nullable(anyObject),
  }, ["id"])),
};

const session = variant("type", {
  realtime: record({
    ...responseFields,
    type: anyText,
    model: anyText,
    audio: record({
      input: audioInput,
      output: record({
        format: audioFormat,
        voice,
        speed: number(0.25, 1.5),
      }),
    }),
    include,
    tracing: nullable(textOr(
      choice("auto"),
      record({
        workflow_name: anyText,
        group_id: anyText,
        metadata: anyObject,
      }),
    )),
    truncation: textOr(
      choice("auto", "disabled"),
      record({
        type: choice("retention_ratio"),
        retention_ratio: number(0, 1),
        token_limits: record({ post_instructions: integer(0, Infinity) }),
      }, ["type", "retention_ratio"]),
    ),
  }),
  transcription: record({
    type: anyText,
    audio: record({ input: audioInput }),
    include,
  }),
});

const itemFields = {
  id: anyText,
  object: choice("realtime.item"),
  type: anyText,
  status: choice("completed", "incomplete", "in_progress"),
};

function message(contentTypes: Readonly<Record<string, Check>>): Check {
  return record({
    ...itemFields,
    role: anyText,
    content: list(variant("type", contentTypes)),
  }, ["content"]);
}

const textContent = record({ type: anyText, text: anyText }, ["text"]);

const itemShapes = {
  message: variant("role", {
    user: message({
      input_text: textContent,
      input_audio: record({
        type: anyText,
        audio: anyText,
        transcript: nullable(anyText),
      }, ["audio"]),
      input_image: record({
        type: anyText,
        image_url: anyText,
        detail: choice("auto", "low", "high"),
      }, ["image_url"]),
    }),
    // A client cannot put audio into the assistant's mouth.
    assistant: message({ output_text: textContent }),
    system: message({ input_text: textContent }),
  }),
  function_call: record({
    ...itemFields,
    call_id: anyText,
    name: anyText,
    arguments: anyText,
  }, ["name", "arguments"]),
  function_call_output: record({
    ...itemFields,
    call_id: anyText,
    output: anyText,
  }, ["call_id", "output"]),
  mcp_approval_response: anyObject,
};

/** What {@linkcode checkClientEvent} knows; WebRTC's own event is not here. */
const clientEvents = variant("type", {
  "session.update": event({ session }, ["session"]),
  "input_audio_buffer.append": event({ audio: anyText }, ["audio"]),
  "input_audio_buffer.commit": event({}),
  "input_audio_buffer.clear": event({}),
  "conversation.item.create": event({
    previous_item_id: nullable(anyText),
    item: variant("type", itemShapes),
  }, ["item"]),
  "conversation.item.retrieve": event({ item_id: anyText }, ["item_id"]),
  "conversation.item.delete": event({ item_id: anyText }, ["item_id"]),
  "conversation.item.truncate": event({
    item_id: anyText,
    content_index: integer(0, Infinity),
    audio_end_ms: integer(0, Infinity),
  }, ["item_id", "content_index", "audio_end_ms"]),
  "response.create": event({
    response: record({
      ...responseFields,
      audio: record({ output: record({ format: audioFormat, voice }) }),
      metadata: nullable(metadata),
      conversation: choice("auto", "none"),
      input: list(variant("type", {
        ...itemShapes,
        item_reference: record({ type: anyText, id: anyText }, ["id"]),
      })),
    }),
  }),
  "response.cancel": event({ response_id: anyText }),
});

function event(
  fields: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
): Check {
  return record({ type: anyText, event_id: text(512), ...fields }, required);
}

/**
 * Looks at a message from a client.
 *
 * @param message The decoded JSON.
 * @throws {RequestError} When the service would refuse it.
 */
export function checkClientEvent(
  message: Fields,
): asserts message is Fields & RealtimeClientEvent {
  clientEvents(message, "");
}
