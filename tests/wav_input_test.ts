/** A WAV file in the place of a microphone. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../src/cli/usage_error.ts";
import { readMicrophoneWav } from "../src/cli/wav_input.ts";
import type { AudioFormat } from "../src/frame.ts";
import { wavHeader } from "../src/wav.ts";

async function withWav(
  format: AudioFormat,
  samples: Int16Array<ArrayBuffer>,
  test: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".wav" });
  const header = wavHeader(format, samples.length * 2);
  await Deno.writeFile(
    path,
    new Uint8Array([...header, ...new Uint8Array(samples.buffer)]),
  );
  try {
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("readMicrophoneWav() leaves 24 kHz mono as it is", async () => {
  const samples = Int16Array.of(1, -2, 3);
  const format = { sampleRate: 24_000, channelCount: 1 };
  await withWav(format, samples, async (path) => {
    assertEquals(await readMicrophoneWav(path), samples);
  });
});

Deno.test("readMicrophoneWav() makes 24 kHz mono of any rate and channel count", async () => {
  const samples = Int16Array.from(
    { length: 44_100 * 2 },
    (_, i) => i % 2 === 0 ? 3000 : 1000,
  );
  const format = { sampleRate: 44_100, channelCount: 2 };
  await withWav(format, samples, async (path) => {
    const mono = await readMicrophoneWav(path);
    assertEquals(mono.length, 24_000);
    assertEquals([...mono.slice(1000, 1003)], [2000, 2000, 2000]);
  });
});

Deno.test("readMicrophoneWav() says what is wrong with a file", async () => {
  await assertRejects(() => readMicrophoneWav("/none.wav"), Error, "/none.wav");
  const path = await Deno.makeTempFile();
  try {
    const error = await assertRejects(() => readMicrophoneWav(path));
    assert(error instanceof UsageError);
  } finally {
    await Deno.remove(path);
  }
});
