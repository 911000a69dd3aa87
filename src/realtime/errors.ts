/**
 * What goes wrong between us and the service, in few kinds.
 *
 * @module
 */

/** What an error calls for. */
export type RealtimeErrorKind =
  /** A setting, an event or the address is wrong: correct it. */
  | "configuration"
  /** The credential is missing, wrong, or not allowed to do this. */
  | "authentication"
  /** The account has no credit left. */
  | "billing"
  /** Too much in too little time: wait, then try again. */
  | "rate_limit"
  /** The network or the service failed: try again. */
  | "transient";

/** What is known of an error. */
export interface RealtimeErrorFacts {
  /** The service's type, such as `"invalid_request_error"`. */
  readonly type?: string;
  /** The service's code, such as `"invalid_api_key"`. */
  readonly code?: string;
  /** The field that is to blame, such as `"session.audio.input.format"`. */
  readonly param?: string;
  /** The `event_id` of the client's event that is to blame. */
  readonly eventId?: string;
  /** The code of the WebSocket's close frame; 0 or 1006 when there was none. */
  readonly closeCode?: number;
  /** The HTTP status of a refused WebSocket upgrade. */
  readonly httpStatus?: number;
  /** Whether the connection is lost with it. */
  readonly fatal?: boolean;
  /** Overrides the kind that follows from the other facts. */
  readonly kind?: RealtimeErrorKind;
  /** What to do, instead of what follows from the kind; "" for nothing. */
  readonly advice?: string;
  /** What must not appear in the message: the credential. */
  readonly secret?: string;
}

const ADVICE: Readonly<Record<RealtimeErrorKind, string>> = {
  configuration: "Correct what it names",
  authentication:
    "Check that OPENAI_API_KEY holds a valid key of a project that may use this model",
  billing: "Add credit to the account and try again",
  rate_limit: "Wait a while and try again",
  transient: "Check the network and try again",
};

/** A refused upgrade names nothing that could be corrected. */
const HTTP_ADVICE: Partial<Record<RealtimeErrorKind, string>> = {
  configuration: "Check the URL and the model",
  transient: "The service failed: try again later",
};

/** Longer texts of a service are cut. */
const MAX_TEXT_LENGTH = 500;

/** Names (`<type>.<code>`) that tell the kind; the first that fits decides. */
const KINDS_BY_NAME: readonly (readonly [RegExp, RealtimeErrorKind])[] = [
  [/quota|billing|credit/, "billing"],
  [/rate_limit|too_many/, "rate_limit"],
  [/auth|api_key|permission|token_expired/, "authentication"],
  [
    /server_error|session_expired|internal|overloaded|unavailable|timeout/,
    "transient",
  ],
  [/invalid|missing|unknown|unsupported|not_found|disabled/, "configuration"],
];

/** Close codes that tell the kind; all others are transient. */
const KINDS_BY_CLOSE_CODE: Readonly<Record<number, RealtimeErrorKind>> = {
  1002: "configuration",
  1003: "configuration",
  1007: "configuration",
  1008: "authentication",
  1009: "configuration",
  1010: "configuration",
  1015: "configuration",
  3000: "authentication",
  4000: "configuration",
  4004: "configuration",
};

/**
 * Says whether trying again can help. A wrong key, a wrong model or an empty
 * account stay wrong.
 *
 * @param error What went wrong.
 * @returns Whether it is of the network, or of the moment.
 */
export function isRetryable(error: RealtimeError): boolean {
  return error.kind === "transient" || error.kind === "rate_limit";
}

/**
 * An error of the service or of the connection to it.
 *
 * @example What to do about it
 * ```ts
 * import { RealtimeError } from "@nevil/earshot";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new RealtimeError("Incorrect API key", {
 *   code: "invalid_api_key",
 *   fatal: true,
 * });
 * assertEquals(error.kind, "authentication");
 * ```
 */
export class RealtimeError extends Error {
  /** `"RealtimeError"`. */
  override readonly name = "RealtimeError";
  /** What it calls for. */
  readonly kind: RealtimeErrorKind;
  /** Whether the connection is lost with it. */
  readonly fatal: boolean;
  /** The service's type, such as `"invalid_request_error"`. */
  readonly type: string | undefined;
  /** The service's code, such as `"invalid_api_key"`. */
  readonly code: string | undefined;
  /** The field that is to blame. */
  readonly param: string | undefined;
  /** The `event_id` of the client's event that is to blame. */
  readonly eventId: string | undefined;
  /** The code of the WebSocket's close frame, if there was one. */
  readonly closeCode: number | undefined;
  /** The HTTP status of a refused WebSocket upgrade. */
  readonly httpStatus: number | undefined;

  /**
   * Classifies what happened.
   *
   * @param message What the service said, or what happened.
   * @param facts What is known besides.
   */
  constructor(message: string, facts: RealtimeErrorFacts = {}) {
    const clean = (text: string | undefined) =>
      text === undefined ? undefined : cleaned(text, facts.secret);
    const [type, code, param] = [facts.type, facts.code, facts.param]
      .map(clean);
    const kind = facts.kind ?? kindOf(facts);
    const said = cleaned(message, facts.secret).replace(/[.\s]+$/, "");
    const name = [type, code].filter(Boolean).join(".");
    const where = param === undefined ? "" : ` at ${param}`;
    const advice = facts.advice ?? ADVICE[kind];
    super(`${said}${name && ` (${name})`}${where}${advice && `. ${advice}`}`);
    this.kind = kind;
    this.fatal = facts.fatal ?? false;
    this.type = type;
    this.code = code;
    this.param = param;
    this.eventId = clean(facts.eventId);
    this.closeCode = facts.closeCode;
    this.httpStatus = facts.httpStatus;
  }
}

/** An event that says what went wrong, in whatever shape. */
export interface RealtimeFailure {
  /** What went wrong: an object, or only a text. */
  readonly error?: unknown;
  /** Its code, on some servers. */
  readonly code?: unknown;
}

/**
 * Reads an `error` event, of which nothing can be relied on: fields may be
 * missing or `null`, and some servers send only a text.
 *
 * @param event The event as it came.
 * @param facts What is known besides.
 * @returns The error.
 */
export function errorOfEvent(
  event: RealtimeFailure,
  facts: Pick<RealtimeErrorFacts, "fatal" | "closeCode" | "secret"> = {},
): RealtimeError {
  const details: Record<string, unknown> =
    typeof event.error === "object" && event.error !== null
      ? { ...event.error }
      : { message: event.error, code: event.code };
  const message = textOf(details.message);
  const type = textOf(details.type);
  const code = textOf(details.code);
  // Of what the server does not name nobody can say that it will not pass.
  const kind = message ?? type ?? code ? undefined : "transient";
  return new RealtimeError(message ?? "The server reported an error", {
    ...facts,
    kind,
    type,
    code,
    param: textOf(details.param),
    eventId: textOf(details.event_id),
  });
}

/**
 * Reads the end of a connection that nobody asked for.
 *
 * The reason of OpenAI's close frames is `<type>.<code>`; it says more than the
 * close code, which is 1013 ("try again later") even for an empty account.
 *
 * @param close The code and reason of the close frame.
 * @param socketMessage What the WebSocket said of a failure before, if anything.
 * @param secret What must not appear in the message.
 * @returns The error; it is fatal.
 */
export function errorOfClose(
  close: { readonly code: number; readonly reason: string },
  socketMessage: string | undefined,
  secret?: string,
): RealtimeError {
  const facts = { closeCode: close.code, fatal: true, secret };
  const named = /^(\w+)\.(\w+)$/.exec(close.reason);
  if (named !== null) {
    return new RealtimeError("The server closed the connection", {
      ...facts,
      type: named[1],
      code: named[2],
    });
  }
  const status = /status code: (\d{3})/.exec(socketMessage ?? "")?.[1];
  if (status !== undefined) {
    const httpFacts = { ...facts, httpStatus: Number(status) };
    return new RealtimeError(
      `The server refused the connection with HTTP status ${status}`,
      { ...httpFacts, advice: HTTP_ADVICE[kindOf(httpFacts)] },
    );
  }
  if (socketMessage) {
    return new RealtimeError(`The connection failed: ${socketMessage}`, {
      ...facts,
      // Trying again does not make a certificate valid.
      kind: /certificate/i.test(socketMessage) ? "configuration" : undefined,
    });
  }
  const reason = close.reason === "" ? "" : `: ${close.reason}`;
  return new RealtimeError(
    `The connection was lost with close code ${close.code}${reason}`,
    facts,
  );
}

/** The name decides, then the HTTP status, then the close code. */
function kindOf(facts: RealtimeErrorFacts): RealtimeErrorKind {
  const name = `${facts.type ?? ""}.${facts.code ?? ""}`;
  for (const [pattern, kind] of KINDS_BY_NAME) {
    if (pattern.test(name)) return kind;
  }
  const { httpStatus, closeCode } = facts;
  if (httpStatus !== undefined) {
    if (httpStatus === 401 || httpStatus === 403) return "authentication";
    if (httpStatus === 402) return "billing";
    if (httpStatus === 429) return "rate_limit";
    return httpStatus >= 500 || httpStatus === 408
      ? "transient"
      : "configuration";
  }
  if (closeCode === undefined) return "configuration";
  return KINDS_BY_CLOSE_CODE[closeCode] ?? "transient";
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * Makes a line of bounded length of a service's text, without credentials:
 * services echo a part of a wrong key, with or without stars.
 */
function cleaned(text: string, secret: string | undefined): string {
  return (secret ? text.replaceAll(secret, "…") : text)
    .replace(/\b([se]k)[-_][\w*-]{4,}/g, "$1-…")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .slice(0, MAX_TEXT_LENGTH);
}
