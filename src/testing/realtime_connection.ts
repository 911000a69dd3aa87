/**
 * One client of a local Realtime server.
 *
 * @module
 */

import { BoundedList } from "./bounded_list.ts";
import { concatenate } from "./realtime_audio.ts";
import { type Fields, isFields, RequestError } from "./realtime_checks.ts";
import type { RealtimeLog, RealtimeMessage } from "./realtime_log.ts";
import {
  RealtimeSession,
  type SessionSurroundings,
} from "./realtime_session.ts";

/** Why a server ends a connection: the `code` of the error it sends first. */
export type RealtimeRefusal =
  | "invalid_api_key"
  | "beta_api_shape_disabled"
  | "missing_model"
  | "invalid_model"
  | "model_not_found"
  | "credit_balance_exhausted"
  | "session_expired";

/** What a client is told before the server closes the connection. */
const REFUSALS: Readonly<
  Record<
    RealtimeRefusal,
    { type: string; closeCode: number; message: string }
  >
> = {
  invalid_api_key: {
    type: "invalid_request_error",
    closeCode: 3000,
    message: "The API key is not the one that this server expects",
  },
  beta_api_shape_disabled: {
    type: "invalid_request_error",
    closeCode: 4000,
    message: "The beta interface is gone: leave out the OpenAI-Beta header",
  },
  missing_model: {
    type: "invalid_request_error",
    closeCode: 4000,
    message: "The URL must hold either ?model=… or ?intent=transcription",
  },
  invalid_model: {
    type: "invalid_request_error",
    closeCode: 4000,
    message:
      "The model of the URL is not supported in transcription mode: set session.audio.input.transcription.model instead",
  },
  model_not_found: {
    type: "invalid_request_error",
    closeCode: 4004,
    message: "The model does not exist or is not available any more",
  },
  credit_balance_exhausted: {
    type: "insufficient_quota",
    closeCode: 1013,
    message: "The account has no credit left",
  },
  session_expired: {
    type: "invalid_request_error",
    closeCode: 1001,
    message: "The session has reached its longest duration of 60 minutes",
  },
};

/** What can go wrong with a connection, as a test asks for it. */
export type RealtimeFault =
  /** The WebSocket opens, an error arrives, the server closes. */
  | RealtimeRefusal
  /** The upgrade is answered with this HTTP status. */
  | { readonly rejectUpgrade: number }
  /** The upgrade is not answered at all. */
  | "no_upgrade"
  /** The WebSocket opens, and nothing is ever said. */
  | "no_session_created"
  /** Every `session.update` stays without an answer. */
  | "no_session_updated";

/** Audio that was committed, by the client or by server VAD. */
export interface RealtimeUtterance {
  /** The item it became. */
  readonly itemId: string;
  /** PCM16 at the rate of the session's input format. */
  readonly samples: Int16Array;
}

/** What a connection is made of. */
export interface ConnectionParts {
  /** The accepted WebSocket. */
  readonly socket: WebSocket;
  /** Which one it is, 1 for the server's first. */
  readonly number: number;
  /** The request's headers without anything secret. */
  readonly headers: Headers;
  /** Why the connection ends at once, or what else goes wrong. */
  readonly fault?: RealtimeFault;
  /** Where all messages are noted. */
  readonly log: RealtimeLog;
  /** What its session needs. */
  readonly session: Omit<SessionSurroundings, "emit" | "onAudio" | "onCommit">;
}

/** One client of a local Realtime server, and what it said so far. */
export class RealtimeServerConnection {
  /** Which one it is, 1 for the server's first. */
  readonly number: number;
  /** The request's headers without anything secret. */
  readonly headers: Headers;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  readonly #log: RealtimeLog;
  readonly #fault?: RealtimeFault;
  readonly #nextId: (prefix: string) => string;
  readonly #session: RealtimeSession;
  readonly #audio: BoundedList<Int16Array>;
  readonly #utterances: BoundedList<RealtimeUtterance>;

  /**
   * Serves an accepted WebSocket; the server calls it.
   *
   * @param parts What the connection is made of.
   */
  constructor(parts: ConnectionParts) {
    const { memoryLimitBytes } = parts.session;
    this.number = parts.number;
    this.headers = parts.headers;
    this.#socket = parts.socket;
    this.#log = parts.log;
    this.#fault = parts.fault;
    this.#nextId = parts.session.nextId;
    this.#audio = new BoundedList(memoryLimitBytes);
    this.#utterances = new BoundedList(memoryLimitBytes);
    this.#session = new RealtimeSession({
      ...parts.session,
      emit: (event) => this.send(event),
      onAudio: (samples) => this.#audio.push(samples, samples.byteLength),
      onCommit: (itemId, { samples }) =>
        this.#utterances.push({ itemId, samples }, samples.byteLength),
    });
    const { promise, resolve } = Promise.withResolvers<
      { code: number; reason: string }
    >();
    this.closed = promise;
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#open();
    this.#socket.onmessage = ({ data }) => this.#receive(data);
    this.#socket.onclose = ({ code, reason }) => {
      this.#session.close();
      resolve({ code, reason });
      this.#log.changed();
    };
  }

  /** Whether the client is still there. */
  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** The settings in force, in full. */
  get session(): RealtimeMessage {
    return this.#session.config;
  }

  /** What the client sent, oldest first. */
  get received(): readonly RealtimeMessage[] {
    return this.#messages("received");
  }

  /** What the client was sent, oldest first. */
  get sent(): readonly RealtimeMessage[] {
    return this.#messages("sent");
  }

  /** Everything the client appended, as PCM16. */
  get audio(): Int16Array {
    return concatenate(this.#audio.elements);
  }

  /** Everything that was committed, oldest first. */
  get utterances(): readonly RealtimeUtterance[] {
    return this.#utterances.elements;
  }

  /**
   * Sends an event of the test's own making; it gets an `event_id` if it has
   * none. A connection that is gone takes no notice.
   *
   * @param event The event.
   */
  send(event: RealtimeMessage): void {
    const message = { event_id: this.#nextId("event"), ...event };
    this.#send(JSON.stringify(message), message);
  }

  /**
   * Sends text as it is, well-formed or not.
   *
   * @param text The text of one WebSocket message.
   */
  sendRaw(text: string): void {
    this.#send(text, decode(text).message);
  }

  /**
   * Tells the client why it is not wanted any more, and closes the connection
   * the way the service does.
   *
   * @param refusal Why.
   */
  refuse(refusal: RealtimeRefusal): void {
    const { type, closeCode, message } = REFUSALS[refusal];
    this.send({
      type: "error",
      error: { type, code: refusal, message, param: null, event_id: null },
    });
    this.close(closeCode, `${type}.${refusal}`);
  }

  /**
   * Closes the connection.
   *
   * @param code Any close code.
   * @param reason At most 123 bytes of UTF-8.
   */
  close(code = 1000, reason = ""): void {
    this.#socket.close(code, reason);
  }

  /**
   * Makes the connection fail, which looks to the client like a lost network:
   * an `error` event, then a `close` that is not clean, with the code 1006
   * (0 in Deno). It is done by a code that must never be on the wire (RFC 6455,
   * 7.4.1), because there is no way to a socket behind `Deno.serve`.
   */
  drop(): void {
    this.#socket.close(1006);
  }

  #messages(direction: "received" | "sent"): readonly RealtimeMessage[] {
    return this.#log.entries
      .filter((entry) =>
        entry.connection === this.number && entry.direction === direction
      )
      .map(({ message }) => message);
  }

  #open(): void {
    this.#log.changed();
    if (this.#fault === "no_session_created") return;
    if (isRefusal(this.#fault)) this.refuse(this.#fault);
    else this.#session.open();
  }

  #receive(data: unknown): void {
    const { message, problem, length } = decode(data);
    this.#log.push(
      { connection: this.number, direction: "received", message },
      length,
    );
    if (this.#isDeafTo(message)) return;
    if (problem === undefined) this.#session.receive(message);
    else this.#session.refuse(problem);
  }

  #isDeafTo({ type }: RealtimeMessage): boolean {
    return !this.isOpen || this.#fault === "no_session_created" ||
      this.#fault === "no_session_updated" && type === "session.update";
  }

  #send(text: string, message: RealtimeMessage): void {
    if (!this.isOpen) return;
    this.#socket.send(text);
    this.#log.push(
      { connection: this.number, direction: "sent", message },
      text.length,
    );
  }
}

function isRefusal(fault: RealtimeFault | undefined): fault is RealtimeRefusal {
  return typeof fault === "string" && Object.hasOwn(REFUSALS, fault);
}

function decode(
  data: unknown,
): { message: Fields; problem?: RequestError; length: number } {
  if (typeof data !== "string") {
    return {
      message: { malformed: "(binary)" },
      problem: new RequestError(
        "invalid_event",
        "Invalid event: expected a text message, but got a binary one",
      ),
      length: 0,
    };
  }
  const { length } = data;
  let decoded: unknown;
  try {
    decoded = JSON.parse(data);
  } catch {
    return {
      message: { malformed: data },
      problem: new RequestError(
        "invalid_json",
        "Invalid event: expected JSON",
      ),
      length,
    };
  }
  if (isFields(decoded)) return { message: decoded, length };
  return {
    message: { malformed: data },
    problem: new RequestError(
      "invalid_event",
      "Invalid event: expected a JSON object",
    ),
    length,
  };
}
