/**
 * The program at the other end: a WebSocket server that answers what a client of
 * the Realtime API waits for, and says when what of the signal came in. It is a
 * process of its own, so that what the bench does meanwhile delays nothing, and
 * says on stdout which port it listens on.
 *
 * A client connects to `/RATE/NAME`. `GET /NAME/first` answers once its first
 * audio came; `GET /NAME/report?epochMs=&fromMs=&toMs=` sums up.
 *
 * @module
 */

import { decodeBase64 } from "@std/encoding/base64";
import { monotonicMs } from "./libc.ts";
import { MarkReader } from "./marks.ts";
import { percentile } from "./statistics.ts";

/**
 * A client that has been silent for so long is not late but has stopped, and what
 * it should have sent is lost.
 */
const STALL_MS = 3000;

/** What the sink says of a client. */
export interface SinkReport {
  /** Messages with audio, all that came. */
  readonly appendCount: number;
  /** Their samples. */
  readonly sampleCount: number;
  /** Samples that are missing between them, and since the last one. */
  readonly lostSamples: number;
  /** Samples that nobody played. */
  readonly addedSamples: number;
  /** Latency within the time asked for, in milliseconds. */
  readonly latencyMs: Latency;
}

/** How late samples are, from their capture to the sink; `null` for nothing known. */
export interface Latency {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** One client. */
class Session {
  readonly firstAppendMs: Promise<number>;
  readonly #sampleRate: number;
  readonly #reader: MarkReader;
  readonly #first = Promise.withResolvers<number>();
  #appendCount = 0;
  #sampleCount = 0;
  #lastAppendMs = Infinity;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
    this.#reader = new MarkReader(sampleRate);
    this.firstAppendMs = this.#first.promise;
  }

  /** Takes a message, and gives the answers. */
  receive(text: string, receivedMs: number): object[] {
    const event = JSON.parse(text);
    switch (event.type) {
      case "input_audio_buffer.append": {
        if (this.#appendCount++ === 0) this.#first.resolve(receivedMs);
        this.#lastAppendMs = receivedMs;
        const bytes = decodeBase64(event.audio);
        const samples = new Int16Array(bytes.buffer, 0, bytes.length >> 1);
        this.#sampleCount += samples.length;
        this.#reader.push(samples, receivedMs);
        return [];
      }
      case "session.update":
        return [{ type: "session.updated", session: event.session }];
      case "input_audio_buffer.commit":
        return [{
          type: "input_audio_buffer.committed",
          item_id: crypto.randomUUID(),
          previous_item_id: null,
        }];
      default:
        return [];
    }
  }

  report(epochMs: number, fromMs: number, toMs: number): SinkReport {
    const { receivedMs, lateMs, counts } = this.#reader;
    const latencies = Float64Array.from(
      lateMs.filter((_, i) =>
        receivedMs[i]! >= fromMs && receivedMs[i]! < toMs
      ),
      (late) => late - epochMs,
    ).sort();
    const at = (share: number) => {
      const value = percentile(latencies, share);
      return Number.isNaN(value) ? null : value;
    };
    const silentMs = monotonicMs() - this.#lastAppendMs;
    const unsentSamples = silentMs > STALL_MS
      ? Math.round(silentMs * this.#sampleRate / 1000)
      : 0;
    return {
      ...counts,
      lostSamples: counts.lostSamples + unsentSamples,
      appendCount: this.#appendCount,
      sampleCount: this.#sampleCount,
      latencyMs: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) },
    };
  }
}

const sessions = new Map<string, Session>();

function sessionOf(name: string, sampleRate: number): Session {
  const session = sessions.get(name) ?? new Session(sampleRate);
  sessions.set(name, session);
  return session;
}

function accept(request: Request, session: Session): Response {
  // No pings of ours: they would wake up the clients.
  const { socket, response } = Deno.upgradeWebSocket(request, {
    idleTimeout: 0,
  });
  let eventCount = 0;
  const send = (event: object) =>
    socket.send(
      JSON.stringify({ ...event, event_id: `event_${++eventCount}` }),
    );
  socket.onopen = () =>
    send({
      type: "session.created",
      session: { type: "realtime", object: "realtime.session" },
    });
  socket.onmessage = ({ data }) => {
    const receivedMs = monotonicMs();
    for (const answer of session.receive(data, receivedMs)) send(answer);
  };
  return response;
}

async function answer(request: Request): Promise<Response> {
  const url = new URL(request.url);
  const [, head = "", tail = ""] = url.pathname.split("/");
  if (request.headers.get("upgrade") === "websocket") {
    return accept(request, sessionOf(tail, Number(head)));
  }
  const session = sessions.get(head);
  if (session === undefined) return new Response(null, { status: 404 });
  if (tail === "first") return Response.json(await session.firstAppendMs);
  if (request.method === "DELETE") sessions.delete(head);
  const number = (name: string) => Number(url.searchParams.get(name));
  return Response.json(
    session.report(number("epochMs"), number("fromMs"), number("toMs")),
  );
}

if (import.meta.main) {
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(port),
  }, answer);
}
