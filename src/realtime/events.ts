/**
 * The events of the Realtime API (GA interface), as far as a client that listens
 * to a microphone meets them.
 *
 * What is sent is typed strictly; what is received is typed leniently, because
 * servers leave out fields and write `null` where the documentation says
 * "optional". A server may send types that are not listed here: they are
 * delivered as well, so end every `switch` with a `default`.
 *
 * Source: OpenAI's Realtime reference as of November 2026; a check in the tests
 * compares it with the types of the npm package `openai` 7.57.0.
 *
 * @module
 */

/** How audio is encoded on the wire. PCM is 24 kHz, 16-bit, mono, little-endian. */
export type RealtimeAudioFormat =
  | { type: "audio/pcm"; rate: 24000 }
  | { type: "audio/pcmu" }
  | { type: "audio/pcma" };

/** Turn detection by the server's energy detector. */
export interface ServerVad {
  /** Detects by energy. */
  type: "server_vad";
  /** Activation threshold, 0.0–1.0 (0.5). */
  threshold?: number;
  /** Audio before the onset that belongs to the turn, in milliseconds (300). */
  prefix_padding_ms?: number;
  /** Silence that ends a turn, in milliseconds (500). */
  silence_duration_ms?: number;
  /** Quiet after which the model speaks up, 5000–30000 ms. */
  idle_timeout_ms?: number | null;
  /** Whether a turn's end makes the model respond (true). */
  create_response?: boolean;
  /** Whether a turn's start cancels the response (true). */
  interrupt_response?: boolean;
}

/** Turn detection by a model that judges whether the user has finished. */
export interface SemanticVad {
  /** Detects by meaning. */
  type: "semantic_vad";
  /** How eager it is to take the turn. */
  eagerness?: "low" | "medium" | "high" | "auto";
  /** Whether a turn's end makes the model respond (true). */
  create_response?: boolean;
  /** Whether a turn's start cancels the response (true). */
  interrupt_response?: boolean;
}

/** Who finds the ends of turns; `null` leaves it to the client. */
export type TurnDetection = ServerVad | SemanticVad | null;

/** How speech becomes text. */
export interface InputAudioTranscription {
  /** The model, such as `"gpt-live-transcribe"`. */
  model?: string;
  /** ISO-639-1 code of the language. */
  language?: string;
  /** ISO-639-1 codes of the languages, for newer models. */
  languages?: string[];
  /** Words to expect, for newer models. */
  keywords?: string[];
  /** Text that guides the model. */
  prompt?: string;
  /** How long the model may wait for more context. */
  delay?: "minimal" | "low" | "medium" | "high" | "xhigh";
}

/** What is done with the audio that is sent. */
export interface RealtimeAudioInput {
  /** Its encoding. */
  format?: RealtimeAudioFormat;
  /** Noise reduction before everything else; `null` turns it off. */
  noise_reduction?:
    | { type: "near_field" | "far_field"; strength?: number }
    | null;
  /** Transcription; `null` turns it off. */
  transcription?: InputAudioTranscription | null;
  /** Turn detection; `null` leaves it to the client. */
  turn_detection?: TurnDetection;
}

/** How the model speaks. */
export interface RealtimeAudioOutput {
  /** The encoding of its speech. */
  format?: RealtimeAudioFormat;
  /** Its voice; it cannot change once it has spoken. */
  voice?: string | { id: string };
  /** Its speed, 0.25–1.5 (1). */
  speed?: number;
}

/** A function that the model may call. */
export interface FunctionTool {
  /** A function. */
  type: "function";
  /** Its name. */
  name: string;
  /** What it does. */
  description?: string;
  /** JSON schema of its arguments. */
  parameters?: unknown;
}

/** Settings of a session in which a model converses. */
export interface ConversationSession {
  /** A conversation. */
  type: "realtime";
  /** The model; it is fixed by the URL. */
  model?: string;
  /** What the model is told about its part. */
  instructions?: string;
  /** Whether it answers in speech or in text; never both. */
  output_modalities?: ("audio" | "text")[];
  /** Both directions of audio. */
  audio?: { input?: RealtimeAudioInput; output?: RealtimeAudioOutput };
  /** Functions that it may call. */
  tools?: FunctionTool[];
  /** Whether it must, may or must not call functions. */
  tool_choice?: "auto" | "none" | "required" | {
    type: "function";
    name: string;
  };
  /** Whether it may call several functions at once. */
  parallel_tool_calls?: boolean;
  /** How much it thinks. */
  reasoning?: { effort?: "minimal" | "low" | "medium" | "high" | "xhigh" };
  /** The most tokens of an answer, 1–4096. */
  max_output_tokens?: number | "inf";
  /** What is forgotten when the context is full. */
  truncation?: "auto" | "disabled" | {
    type: "retention_ratio";
    retention_ratio: number;
    token_limits?: { post_instructions?: number };
  };
  /** Tracing; it cannot change once it is on. */
  tracing?:
    | "auto"
    | { workflow_name?: string; group_id?: string; metadata?: unknown }
    | null;
  /** A stored prompt. */
  prompt?: {
    id: string;
    version?: string | null;
    variables?: Record<string, string> | null;
  } | null;
  /** More to be sent by the server. */
  include?: "item.input_audio_transcription.logprobs"[];
}

/** Settings of a session that only transcribes. */
export interface TranscriptionSession {
  /** A transcription. */
  type: "transcription";
  /** The direction to the server. */
  audio?: { input?: RealtimeAudioInput };
  /** More to be sent by the server. */
  include?: "item.input_audio_transcription.logprobs"[];
}

/** Settings of either kind of session. */
export type RealtimeSession = ConversationSession | TranscriptionSession;

/** One thing in a conversation, to be created. */
export type RealtimeItem =
  | {
    id?: string;
    type: "message";
    role: "user";
    content: (
      | { type: "input_text"; text: string }
      | { type: "input_audio"; audio: string; transcript?: string }
      | { type: "input_image"; image_url: string }
    )[];
  }
  | {
    id?: string;
    type: "message";
    role: "assistant";
    content: { type: "output_text"; text: string }[];
  }
  | {
    id?: string;
    type: "message";
    role: "system";
    content: { type: "input_text"; text: string }[];
  }
  | {
    id?: string;
    type: "function_call";
    call_id?: string;
    name: string;
    arguments: string;
  }
  | {
    id?: string;
    type: "function_call_output";
    call_id: string;
    output: string;
  };

/** Settings of one response, in the place of the session's. */
export interface ResponseSettings {
  /** What the model is told for this response. */
  instructions?: string;
  /** Speech or text. */
  output_modalities?: ("audio" | "text")[];
  /** How it speaks. */
  audio?: {
    output?: Pick<RealtimeAudioOutput, "format"> & { voice?: string };
  };
  /** `"none"` keeps the response out of the conversation. */
  conversation?: "auto" | "none";
  /** What it responds to, in the place of the conversation. */
  input?: RealtimeItem[];
  /** Functions that it may call. */
  tools?: FunctionTool[];
  /** Whether it must, may or must not call functions. */
  tool_choice?: "auto" | "none" | "required" | {
    type: "function";
    name: string;
  };
  /** The most tokens, 1–4096. */
  max_output_tokens?: number | "inf";
  /** Up to 16 notes of your own. */
  metadata?: Record<string, string> | null;
}

/** What every client event has. */
export interface ClientEvent<Type extends string> {
  /** Its name. */
  type: Type;
  /** Names the event in an error about it, up to 512 characters. */
  event_id?: string;
}

/** What a client sends. */
export type RealtimeClientEvent =
  | ClientEvent<"session.update"> & { session: RealtimeSession }
  | ClientEvent<"input_audio_buffer.append"> & { audio: string }
  | ClientEvent<"input_audio_buffer.commit">
  | ClientEvent<"input_audio_buffer.clear">
  | ClientEvent<"conversation.item.create"> & {
    item: RealtimeItem;
    previous_item_id?: string;
  }
  | ClientEvent<"conversation.item.retrieve"> & { item_id: string }
  | ClientEvent<"conversation.item.delete"> & { item_id: string }
  | ClientEvent<"conversation.item.truncate"> & {
    item_id: string;
    content_index: number;
    audio_end_ms: number;
  }
  | ClientEvent<"response.create"> & { response?: ResponseSettings }
  | ClientEvent<"response.cancel"> & { response_id?: string };

/** What a server says went wrong. Only `type` and `message` can be relied on. */
export interface RealtimeErrorDetails {
  /** The kind, such as `"invalid_request_error"`. */
  type: string;
  /** What went wrong. */
  message: string;
  /** A code, such as `"invalid_value"`. */
  code?: string | null;
  /** The field that is to blame, such as `"session.audio.input.format"`. */
  param?: string | null;
  /** The `event_id` of the client's event that is to blame. */
  event_id?: string | null;
}

/** A session as the server describes it. */
export interface RealtimeSessionEcho {
  /** Which kind of session. */
  type?: string;
  /** The session's id. */
  id?: string;
  /** When it ends at the latest, in seconds since 1970. */
  expires_at?: number;
  /** Its audio settings, as far as they matter to turns. */
  audio?: {
    input?: Pick<RealtimeAudioInput, "turn_detection" | "transcription">;
  };
}

/** An item as the server describes it. */
export interface RealtimeItemEcho {
  /** The item's id. */
  id?: string;
  /** Its kind, such as `"message"` or `"function_call"`. */
  type: string;
  /** `"completed"`, `"incomplete"` or `"in_progress"`. */
  status?: string;
  /** Who said it: `"user"`, `"assistant"` or `"system"`. */
  role?: string;
  /** What was said. */
  content?: {
    type?: string;
    text?: string;
    transcript?: string | null;
  }[];
  /** The id of a function call, which its output has to name. */
  call_id?: string;
  /** The name of the function. */
  name?: string;
  /** Its arguments, as JSON. */
  arguments?: string;
}

/** A response as the server describes it. */
export interface RealtimeResponseEcho {
  /** The response's id. */
  id?: string;
  /** How it is, or how it ended. */
  status?: string;
  /** Why it ended so. */
  status_details?: {
    type?: string;
    reason?: string;
    error?: { type?: string; code?: string | null; message?: string } | null;
  } | null;
  /** What it consists of. */
  output?: RealtimeItemEcho[];
  /** What it costs. */
  usage?: unknown;
}

/** What every server event has. */
export interface ServerEvent<Type extends string> {
  /** Its name. */
  type: Type;
  /** The server's name for the event. */
  event_id?: string;
}

/** A server event with an item of the conversation. */
export interface ItemEvent<Type extends string> extends ServerEvent<Type> {
  /** The item. */
  item: RealtimeItemEcho;
  /** The item before it. */
  previous_item_id?: string | null;
}

/** A server event about an item of the conversation. */
export interface ItemIdEvent<Type extends string> extends ServerEvent<Type> {
  /** The item's id. */
  item_id: string;
}

/** A server event about a part of a response. */
export interface ContentEvent<Type extends string> extends ServerEvent<Type> {
  /** The id of the item that it belongs to. */
  item_id: string;
  /** The id of the response that it belongs to. */
  response_id: string;
  /** The item's place in the response. */
  output_index?: number;
  /** The part's place in the item. */
  content_index?: number;
}

/** What a server sends; types that are not listed are delivered, too. */
export type RealtimeServerEvent =
  | ServerEvent<"error"> & { error: RealtimeErrorDetails }
  | ServerEvent<"session.created"> & { session: RealtimeSessionEcho }
  | ServerEvent<"session.updated"> & { session: RealtimeSessionEcho }
  | ItemEvent<"conversation.item.added">
  | ItemEvent<"conversation.item.done">
  | ItemEvent<"conversation.item.retrieved">
  | ItemIdEvent<"conversation.item.deleted">
  | ItemIdEvent<"conversation.item.truncated"> & { audio_end_ms: number }
  | ItemIdEvent<"conversation.item.input_audio_transcription.delta"> & {
    content_index?: number;
    delta?: string;
  }
  | ItemIdEvent<"conversation.item.input_audio_transcription.completed"> & {
    content_index?: number;
    transcript: string;
    usage?: unknown;
  }
  | ItemIdEvent<"conversation.item.input_audio_transcription.failed"> & {
    content_index?: number;
    error: { type?: string; code?: string; message?: string; param?: string };
  }
  | ItemIdEvent<"input_audio_buffer.speech_started"> & {
    /** Position in all audio appended in this session, in milliseconds. */
    audio_start_ms: number;
  }
  | ItemIdEvent<"input_audio_buffer.speech_stopped"> & {
    /** Position in all audio appended in this session, in milliseconds. */
    audio_end_ms: number;
  }
  | ItemIdEvent<"input_audio_buffer.committed"> & {
    previous_item_id?: string | null;
  }
  | ServerEvent<"input_audio_buffer.cleared">
  | ItemIdEvent<"input_audio_buffer.timeout_triggered"> & {
    audio_start_ms: number;
    audio_end_ms: number;
  }
  | ServerEvent<"response.created"> & { response: RealtimeResponseEcho }
  | ServerEvent<"response.done"> & { response: RealtimeResponseEcho }
  | ServerEvent<"response.output_item.added"> & {
    response_id: string;
    output_index: number;
    item: RealtimeItemEcho;
  }
  | ServerEvent<"response.output_item.done"> & {
    response_id: string;
    output_index: number;
    item: RealtimeItemEcho;
  }
  | ContentEvent<"response.content_part.added">
  | ContentEvent<"response.content_part.done">
  | ContentEvent<"response.output_text.delta"> & { delta: string }
  | ContentEvent<"response.output_text.done"> & { text: string }
  | ContentEvent<"response.output_audio.delta"> & {
    /** Base64 of audio in the session's output format. */
    delta: string;
  }
  | ContentEvent<"response.output_audio.done">
  | ContentEvent<"response.output_audio_transcript.delta"> & { delta: string }
  | ContentEvent<"response.output_audio_transcript.done"> & {
    transcript: string;
  }
  | ContentEvent<"response.function_call_arguments.delta"> & {
    call_id: string;
    delta: string;
  }
  | ContentEvent<"response.function_call_arguments.done"> & {
    call_id: string;
    name?: string;
    arguments: string;
  }
  | ServerEvent<"rate_limits.updated"> & {
    rate_limits: {
      name?: string;
      limit?: number;
      remaining?: number;
      reset_seconds?: number;
    }[];
  };

/** The name of a server event. */
export type RealtimeServerEventType = RealtimeServerEvent["type"];

/** A server event by its name. */
export type RealtimeServerEventOf<Type extends RealtimeServerEventType> =
  Extract<RealtimeServerEvent, { type: Type }>;
