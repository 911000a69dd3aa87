/**
 * The floor in Deno: what the C client does, and nothing else. It waits on the
 * device from Deno's thread pool, reads, and sends; it does not look at the signal
 * or survive a fault.
 *
 *     bare_client.ts URL CHUNK_FRAMES
 *
 * @module
 */

const RATE = 24_000;
const SND_PCM_STREAM_CAPTURE = 1;
const SND_PCM_NONBLOCK = 1;
const SND_PCM_FORMAT_S16_LE = 2;
const SND_PCM_ACCESS_RW_INTERLEAVED = 3;
const MAX_WAIT_MS = 100;
const EAGAIN = -11n;

const { symbols: alsa } = Deno.dlopen(
  `/usr/lib/${Deno.build.arch}-linux-gnu/libasound.so.2`,
  {
    snd_pcm_open: {
      parameters: ["buffer", "buffer", "i32", "i32"],
      result: "i32",
    },
    // A ring of this length, in microseconds, of four periods.
    snd_pcm_set_params: {
      parameters: ["usize", "i32", "i32", "u32", "u32", "i32", "u32"],
      result: "i32",
    },
    snd_pcm_start: { parameters: ["usize"], result: "i32" },
    snd_pcm_wait: {
      parameters: ["usize", "i32"],
      result: "i32",
      nonblocking: true,
    },
    snd_pcm_readi: {
      parameters: ["usize", "buffer", "usize"],
      result: "isize",
    },
  },
);

function check(call: string, result: number): void {
  if (result < 0) throw new Error(`${call} failed with ${result}`);
}

function openMicrophone(chunkFrames: number): bigint {
  const handle = new BigUint64Array(1);
  const name = new TextEncoder().encode("default\0");
  check(
    "snd_pcm_open",
    alsa.snd_pcm_open(handle, name, SND_PCM_STREAM_CAPTURE, SND_PCM_NONBLOCK),
  );
  const pcm = handle[0]!;
  const latencyUs = 4 * chunkFrames * 1e6 / RATE;
  check(
    "snd_pcm_set_params",
    alsa.snd_pcm_set_params(
      ...[pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED] as const,
      ...[1, RATE, 0, latencyUs] as const,
    ),
  );
  check("snd_pcm_start", alsa.snd_pcm_start(pcm));
  return pcm;
}

const [url, frames] = Deno.args;
const chunkFrames = Number(frames);
const socket = new WebSocket(url!);
await new Promise((resolve) => socket.onopen = resolve);
socket.onmessage = () => {};
socket.send('{"type":"session.update","session":{}}');
const pcm = openMicrophone(chunkFrames);
const chunk = new Uint8Array(2 * chunkFrames);
let filled = 0;
for (;;) {
  await alsa.snd_pcm_wait(pcm, MAX_WAIT_MS);
  for (;;) {
    const wanted = BigInt(chunkFrames - filled / 2);
    const got = alsa.snd_pcm_readi(pcm, chunk.subarray(filled), wanted);
    if (got === EAGAIN) break;
    check("snd_pcm_readi", Number(got));
    filled += 2 * Number(got);
    if (filled < chunk.length) continue;
    filled = 0;
    const audio = chunk.toBase64();
    socket.send(`{"type":"input_audio_buffer.append","audio":"${audio}"}`);
  }
}
