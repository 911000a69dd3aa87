/** Statistics for Prometheus. */

import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  prometheusText,
  serveMetrics,
  type SessionStats,
} from "../src/cli/metrics.ts";
import { AudioCaptureManager, RealtimeConnectionManager } from "../mod.ts";

function emptyStats(): SessionStats {
  const capture = new AudioCaptureManager();
  const connection = new RealtimeConnectionManager({ apiKey: "sk-secret" });
  return { capture: capture.getStats(), connection: connection.getStats() };
}

/** Reads the text format strictly. */
function parse(text: string): Map<string, { type: string; value: number }> {
  const values = new Map<string, { type: string; value: number }>();
  const types = new Map<string, string>();
  const helped = new Set<string>();
  assert(text.endsWith("\n"));
  for (const line of text.trimEnd().split("\n")) {
    const help = /^# HELP ([a-z_]+) [^\\\n]+$/.exec(line);
    const type = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(line);
    const sample =
      /^([a-z_]+)(\{[a-z_]+="[a-z_]+"\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(
        line,
      );
    if (help) helped.add(help[1]!);
    else if (type) {
      assert(!types.has(type[1]!), `${line} comes twice`);
      types.set(type[1]!, type[2]!);
    } else {
      assert(sample, `"${line}" is no sample`);
      const [, name, labels = "", value] = sample;
      assert(helped.has(name!) && types.has(name!), line);
      assert(!values.has(name! + labels), `${line} comes twice`);
      values.set(name! + labels, {
        type: types.get(name!)!,
        value: Number(value),
      });
    }
  }
  return values;
}

Deno.test("prometheusText() gives well-formed metrics in base units", () => {
  const stats = emptyStats();
  const values = parse(prometheusText({
    capture: {
      ...stats.capture,
      isRecording: true,
      totalSamples: 36_000,
      gatedSamples: 12_000,
      lostSamplesByCause: { ...stats.capture.lostSamplesByCause, xrun: 2400 },
    },
    connection: {
      ...stats.connection,
      sentAudioBytes: 96_000,
      committedUtteranceCount: 7,
    },
  }));
  const value = (name: string) => values.get(`earshot_${name}`)!.value;
  assertEquals(value("recording"), 1);
  assertEquals(value("captured_seconds_total"), 1.5);
  assertEquals(value('captured_audio_seconds{state="gated"}'), 0.5);
  assertEquals(value('lost_seconds_total{cause="xrun"}'), 0.1);
  assertEquals(value("sent_seconds_total"), 2);
  assertEquals(value('utterances_total{outcome="committed"}'), 7);
  for (const [name, { type }] of values) {
    assertEquals(type === "counter", /_total(\{|$)/.test(name), name);
  }
});

Deno.test("serveMetrics() answers this machine at /metrics, and nothing else", async () => {
  const server = serveMetrics({ port: 0, read: emptyStats });
  const ask = async (path: string, init: RequestInit = {}) => {
    const url = `http://127.0.0.1:${server.port}${path}`;
    const response = await fetch(url, init);
    return { status: response.status, text: await response.text(), response };
  };
  const { status, text, response } = await ask("/metrics");
  assertEquals(status, 200);
  assertStringIncludes(
    response.headers.get("content-type")!,
    "text/plain; version=0.0.4",
  );
  assert(parse(text).size > 20);
  assert(!text.includes("sk-secret"));
  assertEquals((await ask("/")).status, 404);
  assertEquals((await ask("/metrics", { method: "POST" })).status, 405);
  await server[Symbol.asyncDispose]();
});

Deno.test("serveMetrics() refuses pages of the web that come by another name", async () => {
  await using server = serveMetrics({ port: 0, read: emptyStats });
  const { port } = server;
  using connection = await Deno.connect({ port });
  const request = "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n";
  await connection.write(new TextEncoder().encode(request));
  const answer = new Uint8Array(100);
  await connection.read(answer);
  assertStringIncludes(new TextDecoder().decode(answer), "HTTP/1.1 403");
});

Deno.test("serveMetrics() says that a port is taken", async () => {
  await using server = serveMetrics({ port: 0, read: emptyStats });
  const { port } = server;
  const error = assertThrows(
    () => serveMetrics({ port, read: emptyStats }),
    Error,
  );
  assertStringIncludes(error.message, `port ${port}`);
  assertStringIncludes(error.message, "--metrics-port");
});
