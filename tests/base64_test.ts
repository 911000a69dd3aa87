import { assertEquals, assertThrows } from "@std/assert";
import { encodeBase64 as encodeBytes } from "@std/encoding/base64";
import {
  base64ToPcm16,
  decodeBase64Into,
  encodeBase64,
  pcm16ToBase64,
} from "../src/base64.ts";
import { collect, frameOf, streamOf } from "./frames.ts";

Deno.test("pcm16ToBase64() writes little-endian bytes", () => {
  // 0x0201, 0x0403 → bytes 01 02 03 04.
  assertEquals(pcm16ToBase64(new Int16Array([0x0201, 0x0403])), "AQIDBA==");
});

Deno.test("pcm16ToBase64() encodes only the part that a view shows", () => {
  const whole = new Int16Array([9, 0x0201, 0x0403, 9]);
  assertEquals(pcm16ToBase64(whole.subarray(1, 3)), "AQIDBA==");
});

Deno.test("pcm16ToBase64() gives what @std/encoding gives, at any offset and length", () => {
  const whole = Int16Array.from({ length: 40 }, (_, i) => i * 7919);
  for (let begin = 0; begin < 4; begin++) {
    for (let end = begin; end <= whole.length; end++) {
      const part = whole.subarray(begin, end);
      const bytes = new Uint8Array(part.slice().buffer);
      assertEquals(pcm16ToBase64(part), encodeBytes(bytes));
    }
  }
});

Deno.test("base64ToPcm16() gives back every sample", () => {
  const samples = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768);
  assertEquals(base64ToPcm16(pcm16ToBase64(samples)), samples);
});

Deno.test("base64ToPcm16() refuses half a sample", () => {
  assertThrows(
    () => base64ToPcm16("AQID"),
    TypeError,
    "must hold an even number of bytes: current count is 3",
  );
});

Deno.test("decodeBase64Into() gives what @std/encoding gives, at any offset and length", () => {
  const memory = new Uint8Array(64);
  for (let length = 0; length < 40; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 79 + length);
    const room = memory.subarray(length % 4, length % 4 + length);
    assertEquals(decodeBase64Into(encodeBytes(bytes), room), length);
    assertEquals(room, bytes);
  }
});

Deno.test("decodeBase64Into() refuses what is not base64", () => {
  assertThrows(
    () => decodeBase64Into("AQ*D", new Uint8Array(3)),
    TypeError,
    "must be base64: current value is 4 characters that are not",
  );
});

Deno.test("encodeBase64() encodes block by block and leaves out empty ones", async () => {
  const blocks = [frameOf([0x0201], 0), frameOf([], 1), frameOf([0x0403], 1)];
  assertEquals(await collect(encodeBase64(streamOf(blocks))), ["AQI=", "AwQ="]);
});
