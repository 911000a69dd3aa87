/** Base64, alone and in an `append` message: `deno task bench`. */

import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { base64ToPcm16, pcm16ToBase64 } from "../mod.ts";
import { consume } from "./sink.ts";
import { inTurn, speechlikeFrames } from "./speechlike.ts";

/** Where JSR is out of reach, `offline/base64.ts` stands in, which is Buffer. */
const STD = import.meta.resolve("@std/encoding/base64").startsWith("jsr:")
  ? "@std/encoding"
  : "offline/ instead of @std/encoding";

const TYPE = "input_audio_buffer.append";

function bytesOf(samples: Int16Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

function withBtoa(samples: Int16Array): string {
  let characters = "";
  for (const byte of bytesOf(samples)) characters += String.fromCharCode(byte);
  return btoa(characters);
}

function withAtob(base64: string): Int16Array {
  const characters = atob(base64);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return new Int16Array(bytes.buffer);
}

/** Looks into a text, as V8 leaves a concatenation in its parts until then. */
function consumeText(text: string): void {
  consume(text.charCodeAt(text.length >> 1));
}

for (const [size, blockFrames] of [["20 ms", 480], ["200 ms", 4800]] as const) {
  const frames = speechlikeFrames(blockFrames);
  const next = inTurn(frames);
  const nextText = inTurn(frames.map(({ samples }) => pcm16ToBase64(samples)));

  const encode = { group: `base64 of ${size}` };
  Deno.bench(`pcm16ToBase64(), ${size}`, encode, () => {
    consumeText(pcm16ToBase64(next().samples));
  });
  Deno.bench(`${STD}, ${size}`, { ...encode, baseline: true }, () => {
    consumeText(encodeBase64(bytesOf(next().samples)));
  });
  Deno.bench(`btoa, ${size}`, encode, () => {
    consumeText(withBtoa(next().samples));
  });

  const message = { group: `append message of ${size}` };
  Deno.bench(`pcm16ToBase64() and concatenation, ${size}`, message, () => {
    const audio = pcm16ToBase64(next().samples);
    consumeText(`{"type":"${TYPE}","audio":"${audio}"}`);
  });
  Deno.bench(`pcm16ToBase64() and JSON.stringify, ${size}`, message, () => {
    const audio = pcm16ToBase64(next().samples);
    consumeText(JSON.stringify({ type: TYPE, audio }));
  });
  Deno.bench(
    `${STD} and JSON.stringify, ${size}`,
    { ...message, baseline: true },
    () => {
      const audio = encodeBase64(bytesOf(next().samples));
      consumeText(JSON.stringify({ type: TYPE, audio }));
    },
  );
  Deno.bench(`btoa and JSON.stringify, ${size}`, message, () => {
    const audio = withBtoa(next().samples);
    consumeText(JSON.stringify({ type: TYPE, audio }));
  });

  const decode = { group: `base64 decoding of ${size}` };
  Deno.bench(`base64ToPcm16(), ${size}`, decode, () => {
    consume(base64ToPcm16(nextText()).length);
  });
  Deno.bench(`${STD}, decoding ${size}`, { ...decode, baseline: true }, () => {
    consume(decodeBase64(nextText()).length);
  });
  Deno.bench(`Uint8Array.fromBase64, ${size}`, decode, () => {
    consume(Uint8Array.fromBase64(nextText()).length);
  });
  Deno.bench(`atob, ${size}`, decode, () => {
    consume(withAtob(nextText()).length);
  });
}
