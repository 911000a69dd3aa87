/**
 * Statistics for Prometheus, on a port of this machine.
 *
 * The format is the text format 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * @module
 */

import type { AudioCaptureStats } from "../manager.ts";
import type { RealtimeConnectionStats } from "../realtime/connection.ts";

/** The statistics of a session. */
export interface SessionStats {
  /** What the microphone gave, and what became of it. */
  readonly capture: AudioCaptureStats;
  /** What the connection did with it. */
  readonly connection: RealtimeConnectionStats;
}

interface Metric {
  /** Behind `earshot_`; counters end in `_total`. */
  readonly name: string;
  readonly help: string;
  /** The value, or one for each value of a label. */
  readonly read: (
    stats: SessionStats,
  ) => number | { label: string; values: Readonly<Record<string, number>> };
}

/** PCM16 at the 24 kHz mono of the Realtime API. */
const BYTES_PER_SECOND = 48_000;

const METRICS: readonly Metric[] = [
  {
    name: "recording",
    help: "Whether the microphone is recorded: 1 or 0.",
    read: ({ capture }) => Number(capture.isRecording),
  },
  {
    name: "speech_active",
    help: "Whether client VAD hears speech: 1 or 0.",
    read: ({ capture }) => Number(capture.vadSpeechActive),
  },
  {
    name: "captured_seconds_total",
    help: "Audio that was read from the microphone.",
    read: ({ capture }) => capture.totalSamples / capture.sampleRate,
  },
  {
    name: "captured_audio_seconds",
    help: "What became of the audio that was read.",
    read: ({ capture }) => ({
      label: "state",
      values: inSeconds(capture, {
        delivered: capture.deliveredSamples,
        buffered: capture.bufferSamples,
        queued: capture.queuedSamples,
        gated: capture.gatedSamples,
        paused: capture.pausedSamples,
        dropped: capture.droppedSamples,
      }),
    }),
  },
  {
    name: "lost_seconds_total",
    help: "Audio that the microphone never gave, by cause.",
    read: ({ capture }) => ({
      label: "cause",
      values: inSeconds(capture, capture.lostSamplesByCause),
    }),
  },
  {
    name: "filled_seconds_total",
    help: "Silence that was put in the place of lost audio.",
    read: ({ capture }) => capture.filledSamples / capture.sampleRate,
  },
  {
    name: "xruns_total",
    help: "Overruns of the device.",
    read: ({ capture }) => capture.xrunCount,
  },
  {
    name: "reopens_total",
    help: "How often the microphone was opened again.",
    read: ({ capture }) => capture.reopenCount,
  },
  {
    name: "sent_seconds_total",
    help: "Audio that was sent.",
    read: ({ connection }) => connection.sentAudioBytes / BYTES_PER_SECOND,
  },
  {
    name: "kept_seconds",
    help: "Audio that waits to be sent.",
    read: ({ connection }) => connection.keptAudioBytes / BYTES_PER_SECOND,
  },
  {
    name: "resent_seconds_total",
    help: "Audio that was sent again after a loss.",
    read: ({ connection }) => connection.resentAudioBytes / BYTES_PER_SECOND,
  },
  {
    name: "unsent_seconds_total",
    help: "Audio that was given up, by cause.",
    read: ({ connection: { unsentAudioBytes } }) => ({
      label: "cause",
      values: {
        not_connected: unsentAudioBytes.notConnected / BYTES_PER_SECOND,
        buffer_full: unsentAudioBytes.bufferFull / BYTES_PER_SECOND,
      },
    }),
  },
  {
    name: "utterances_total",
    help: "Utterances, by what became of them.",
    read: ({ connection }) => ({
      label: "outcome",
      values: {
        committed: connection.committedUtteranceCount,
        refused: connection.refusedUtteranceCount,
        dropped: connection.droppedUtteranceCount,
        too_short: connection.shortUtteranceCount,
      },
    }),
  },
  {
    name: "reconnects_total",
    help: "How often a lost connection was made again.",
    read: ({ connection }) => connection.reconnectCount,
  },
  {
    name: "renewals_total",
    help: "How often a session was replaced before its end.",
    read: ({ connection }) => connection.renewalCount,
  },
  {
    name: "events_sent_total",
    help: "Events that were sent, audio included.",
    read: ({ connection }) => connection.sentEventCount,
  },
  {
    name: "events_received_total",
    help: "Events that were received.",
    read: ({ connection }) => connection.receivedEventCount,
  },
  {
    name: "socket_buffered_bytes",
    help: "Bytes that wait in the socket.",
    read: ({ connection }) => connection.bufferedBytes,
  },
  {
    name: "resident_memory_bytes",
    help: "Memory that the process takes up.",
    read: () => Deno.memoryUsage().rss,
  },
  {
    name: "uptime_seconds",
    help: "How long the process has run.",
    read: () => performance.now() / 1000,
  },
];

/**
 * Writes statistics in Prometheus' text format.
 *
 * @param stats The statistics.
 * @returns The text.
 */
export function prometheusText(stats: SessionStats): string {
  return METRICS.map(({ name, help, read }) => {
    const fullName = `earshot_${name}`;
    const type = name.endsWith("_total") ? "counter" : "gauge";
    const value = read(stats);
    const samples = typeof value === "number"
      ? [`${fullName} ${value}`]
      : Object.entries(value.values).map(([word, number]) =>
        `${fullName}{${value.label}="${word}"} ${number}`
      );
    return `# HELP ${fullName} ${help}\n# TYPE ${fullName} ${type}\n${
      samples.join("\n")
    }\n`;
  }).join("");
}

/** How statistics are served. */
export interface MetricsOptions {
  /** The port, on 127.0.0.1. */
  readonly port: number;
  /** Reads the statistics. */
  readonly read: () => SessionStats;
}

/**
 * Serves statistics at `/metrics`, to this machine only.
 *
 * @param options The port and what is served.
 * @returns What ends it when it is disposed of.
 * @throws When the port is taken.
 */
export function serveMetrics(
  { port, read }: MetricsOptions,
): AsyncDisposable & { readonly port: number } {
  const ended = new AbortController();
  try {
    const server = Deno.serve(
      {
        port,
        hostname: "127.0.0.1",
        signal: ended.signal,
        onListen: () => {},
      },
      (request) => answer(request, read),
    );
    return {
      port: server.addr.port,
      [Symbol.asyncDispose]: () => {
        // Whoever keeps a connection open must not keep us.
        ended.abort();
        return server.finished;
      },
    };
  } catch (cause) {
    throw new Error(
      `Cannot serve the statistics on port ${port}: ${
        (cause as Error).message
      }. Give --metrics-port another one`,
      { cause },
    );
  }
}

function answer(request: Request, read: () => SessionStats): Response {
  const host = request.headers.get("host")?.replace(/:\d+$/, "");
  // A page of the web can make a browser ask here under a name of its own.
  if (host !== "127.0.0.1" && host !== "localhost") {
    return new Response("Ask for 127.0.0.1\n", { status: 403 });
  }
  if (new URL(request.url).pathname !== "/metrics") {
    return new Response("There is only /metrics\n", { status: 404 });
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("Only GET\n", { status: 405 });
  }
  return new Response(prometheusText(read()), {
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  });
}

function inSeconds(
  { sampleRate }: AudioCaptureStats,
  samples: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(samples).map(([key, count]) => [key, count / sampleRate]),
  );
}
