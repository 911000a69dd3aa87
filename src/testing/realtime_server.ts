/**
 * A local stand-in for the OpenAI Realtime API (GA interface), for tests and
 * for trying things out without a key.
 *
 * It follows the service's protocol: sessions, the input audio buffer, server
 * VAD, transcription and replies, errors and close codes. It understands
 * nothing: its transcripts and replies say so. It does not call functions, and
 * it does not act on `idle_timeout_ms` or `max_output_tokens`.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { sampleRateOf } from "./realtime_audio.ts";
import {
  type RealtimeFault,
  type RealtimeRefusal,
  RealtimeServerConnection,
} from "./realtime_connection.ts";
import {
  RealtimeLog,
  type RealtimeLogEntry,
  type RealtimeMessage,
} from "./realtime_log.ts";

/** How {@linkcode startRealtimeServer} behaves. */
export interface RealtimeServerOptions {
  /**
   * TCP port.
   *
   * @default {0} any free one
   */
  readonly port?: number;
  /** The only key that is let in; without it, everybody is. */
  readonly apiKey?: string;
  /** Certificate and key in PEM form, for clients that insist on `wss:`. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /**
   * Says what was said.
   *
   * @param samples An utterance: PCM16, mono.
   * @param index Which one of its connection, 0 for the first.
   * @param sampleRate Hz.
   * @returns The transcript, or nothing if none shall be sent. An error makes
   *   the transcription fail with its message.
   */
  readonly transcribe?: (
    samples: Int16Array,
    index: number,
    sampleRate: number,
  ) => string | undefined;
  /**
   * Says what is replied.
   *
   * @param items The conversation so far.
   * @param index Which reply of its connection, 0 for the first.
   * @returns The reply. An error makes the response fail with its message.
   */
  readonly respond?: (
    items: readonly RealtimeMessage[],
    index: number,
  ) => string;
  /**
   * Says what goes wrong.
   *
   * @param attempt Which attempt to connect it is, 1 for the first.
   * @returns The fault, or nothing.
   */
  readonly fault?: (attempt: number) => RealtimeFault | undefined;
  /**
   * Milliseconds from one word of a reply to the next. At 0 a reply is sent
   * at once, so that it can be neither cancelled nor interrupted.
   *
   * @default {0}
   */
  readonly paceMs?: number;
  /**
   * What the pace is kept with.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
  /**
   * How many bytes each of these may take before the oldest part is forgotten:
   * the log of the server, the audio and the history of a connection.
   *
   * @default {67_108_864} 64 MiB, which is 23 minutes of audio at 24 kHz
   */
  readonly memoryLimitBytes?: number;
}

/** Models that the service has switched off. */
const RETIRED_MODELS =
  /^(gpt-4o(-mini)?-realtime-preview|gpt-realtime-mini-2025-10-06)/;

/** Subprotocol by which a browser hands over its key. */
const KEY_PROTOCOL = "openai-insecure-api-key.";

/** Headers that are never kept. */
const SECRET_HEADERS = [
  "authorization",
  "api-key",
  "cookie",
  "sec-websocket-protocol",
];

/** How long a client may take to answer the closing of its connection. */
const CLOSE_TIMEOUT_MS = 1_000;

/** A local Realtime server; see {@linkcode startRealtimeServer}. */
export class RealtimeServer implements AsyncDisposable {
  /** Where clients connect to: they add `?model=…` or `?intent=transcription`. */
  readonly url: string;
  readonly #options: RealtimeServerOptions;
  readonly #log: RealtimeLog;
  readonly #memoryLimitBytes: number;
  readonly #http: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = Promise.withResolvers<void>();
  readonly #connections: RealtimeServerConnection[] = [];
  readonly #idCounts = new Map<string, number>();
  #attemptCount = 0;

  /**
   * Starts the server.
   *
   * @param options How it behaves.
   */
  constructor(options: RealtimeServerOptions) {
    this.#options = options;
    this.#memoryLimitBytes = options.memoryLimitBytes ?? 64 * 1024 * 1024;
    this.#log = new RealtimeLog(this.#memoryLimitBytes);
    this.#http = Deno.serve({
      hostname: "127.0.0.1",
      port: options.port ?? 0,
      ...options.tls,
      onListen: () => {},
    }, (request) => this.#answer(request));
    const scheme = options.tls === undefined ? "ws" : "wss";
    this.url = `${scheme}://127.0.0.1:${this.#http.addr.port}/v1/realtime`;
  }

  /** How often somebody tried to connect, successfully or not. */
  get attemptCount(): number {
    return this.#attemptCount;
  }

  /** Every connection so far, also those that are gone. */
  get connections(): readonly RealtimeServerConnection[] {
    return this.#connections;
  }

  /** Every message of every connection, in the order of their arrival. */
  get log(): readonly RealtimeLogEntry[] {
    return this.#log.entries;
  }

  /** What all clients sent, in the order of its arrival. */
  get received(): readonly RealtimeMessage[] {
    return this.log
      .filter(({ direction }) => direction === "received")
      .map(({ message }) => message);
  }

  /**
   * Waits until something can be found, by looking whenever something has
   * happened.
   *
   * @example Until the client has committed its audio
   * ```ts
   * import { startRealtimeServer } from "@nevil/earshot/testing";
   *
   * await using server = startRealtimeServer();
   * const socket = new WebSocket(`${server.url}?model=gpt-realtime-2.1`);
   * socket.onopen = () =>
   *   socket.send(JSON.stringify({ type: "input_audio_buffer.clear" }));
   * await server.waitFor(() =>
   *   server.received.find(({ type }) => type === "input_audio_buffer.clear")
   * );
   * ```
   *
   * @param find Looks for it.
   * @returns What was found. Rejects once the server is closed, or with what
   *   `find` throws.
   */
  waitFor<T>(find: () => T | undefined | null | false): Promise<T> {
    return this.#log.waitFor(find);
  }

  /**
   * Closes every connection; the server stays.
   *
   * @param code Any close code.
   * @param reason At most 123 bytes of UTF-8.
   */
  closeConnections(code = 1001, reason = "The server is going away"): void {
    for (const connection of this.#connections) {
      if (connection.isOpen) connection.close(code, reason);
    }
  }

  /** Closes everything; safe to call twice. */
  async close(): Promise<void> {
    this.#closing.resolve();
    this.#log.close();
    this.closeConnections();
    const patience = new AbortController();
    await Promise.race([
      Promise.all(this.#connections.map(({ closed }) => closed)),
      systemClock.sleep(CLOSE_TIMEOUT_MS, patience).catch(() => {}),
    ]);
    patience.abort();
    await this.#http.shutdown();
  }

  /** The same as {@linkcode RealtimeServer.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (!url.pathname.endsWith("/v1/realtime")) {
      return failure(404, "not_found", "There is only /v1/realtime here");
    }
    // Without a key the upgrade would throw, too late for an answer.
    if (
      request.headers.get("upgrade")?.toLowerCase() !== "websocket" ||
      !request.headers.has("sec-websocket-key")
    ) {
      return failure(426, "upgrade_required", "This is for WebSockets only");
    }
    this.#attemptCount++;
    this.#log.changed();
    const fault = this.#options.fault?.(this.#attemptCount);
    if (typeof fault === "object") {
      return failure(fault.rejectUpgrade, "refused", "Refused on request");
    }
    if (fault === "no_upgrade") {
      await this.#closing.promise;
      return failure(503, "server_closed", "The server was closed");
    }
    const model = url.searchParams.get("model") ?? undefined;
    return this.#accept(
      request,
      model,
      fault ?? this.#refusalOf(request.headers, url),
    );
  }

  #accept(
    request: Request,
    model: string | undefined,
    fault: RealtimeFault | undefined,
  ): Response {
    // The request cannot be read any more once it is upgraded.
    const headers = new Headers(request.headers);
    const { socket, response } = Deno.upgradeWebSocket(request, {
      protocol: protocolsOf(headers).includes("realtime") ? "realtime" : "",
      idleTimeout: 0,
    });
    for (const name of SECRET_HEADERS) headers.delete(name);
    const { transcribe = describe, respond = reply } = this.#options;
    let utteranceCount = 0;
    let replyCount = 0;
    this.#connections.push(
      new RealtimeServerConnection({
        socket,
        number: this.#connections.length + 1,
        headers,
        fault,
        log: this.#log,
        session: {
          model,
          nextId: (prefix) => this.#nextId(prefix),
          clock: this.#options.clock ?? systemClock,
          paceMs: this.#options.paceMs ?? 0,
          memoryLimitBytes: this.#memoryLimitBytes,
          transcribe: ({ samples, format }) =>
            transcribe(samples, utteranceCount++, sampleRateOf(format)),
          respond: (items) => respond(items, replyCount++),
        },
      }),
    );
    return response;
  }

  #refusalOf(headers: Headers, url: URL): RealtimeRefusal | undefined {
    const { apiKey } = this.#options;
    const model = url.searchParams.get("model");
    const isTranscription = url.searchParams.get("intent") === "transcription";
    if (apiKey !== undefined && keyOf(headers) !== apiKey) {
      return "invalid_api_key";
    }
    if (headers.has("openai-beta")) return "beta_api_shape_disabled";
    if (model && isTranscription) return "invalid_model";
    if (!model && !isTranscription) return "missing_model";
    if (model && RETIRED_MODELS.test(model)) return "model_not_found";
  }

  #nextId(prefix: string): string {
    const count = (this.#idCounts.get(prefix) ?? 0) + 1;
    this.#idCounts.set(prefix, count);
    return `${prefix}_${count}`;
  }
}

/**
 * Starts a local Realtime server on the loopback interface. Ids count up from
 * 1, so that what it says is the same every time.
 *
 * @example Talk to it
 * ```ts
 * import { startRealtimeServer } from "@nevil/earshot/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = startRealtimeServer();
 * const socket = new WebSocket(`${server.url}?intent=transcription`);
 * const { data } = await new Promise<MessageEvent>((resolve) =>
 *   socket.onmessage = resolve
 * );
 * assertEquals(JSON.parse(data).type, "session.created");
 * ```
 *
 * @param options How the server behaves.
 * @returns The server, which listens already. Close it at the end.
 */
export function startRealtimeServer(
  options: RealtimeServerOptions = {},
): RealtimeServer {
  return new RealtimeServer(options);
}

function describe(
  samples: Int16Array,
  index: number,
  sampleRate: number,
): string {
  const seconds = (samples.length / sampleRate).toFixed(2);
  return `Utterance ${
    index + 1
  }: ${seconds} s of audio, not recognised by this test server`;
}

function reply(_items: unknown, index: number): string {
  return `This is reply ${
    index + 1
  } of a local test server that understands nothing`;
}

function protocolsOf(headers: Headers): string[] {
  const offered = headers.get("sec-websocket-protocol") ?? "";
  return offered.split(",").map((protocol) => protocol.trim());
}

function keyOf(headers: Headers): string | undefined {
  return headers.get("authorization")?.match(/^Bearer (.+)$/i)?.[1] ??
    headers.get("api-key") ??
    protocolsOf(headers)
      .find((protocol) => protocol.startsWith(KEY_PROTOCOL))
      ?.slice(KEY_PROTOCOL.length);
}

function failure(status: number, code: string, message: string): Response {
  const error = { type: "invalid_request_error", code, message, param: null };
  return Response.json({ error }, { status });
}
