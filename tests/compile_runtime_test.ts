/** Cutting a runtime out of a compiled program, without such a program. */

import { assertEquals, assertThrows } from "@std/assert";
import { cutRuntime } from "../scripts/compile_runtime_for_tests.ts";

const X86_64 = 0x3e;
const AARCH64 = 0xb7;
const RUNTIME_BYTES = 100;
const DATA_BYTES = 50;

/** A program of the form that `deno compile` gives it. */
function makeProgram(): { bytes: Uint8Array<ArrayBuffer>; view: DataView } {
  const bytes = new Uint8Array(RUNTIME_BYTES + DATA_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x7f454c46);
  view.setUint16(18, X86_64, true);
  bytes.set(new TextEncoder().encode("d3n0l4nd"), RUNTIME_BYTES);
  view.setUint32(bytes.length - 16, 0x501e, true);
  view.setBigUint64(bytes.length - 8, BigInt(DATA_BYTES), true);
  return { bytes, view };
}

Deno.test("cutRuntime() takes all that stands before the data of the program", () => {
  const { bytes } = makeProgram();
  assertEquals(cutRuntime(bytes, X86_64), bytes.slice(0, RUNTIME_BYTES));
});

Deno.test("cutRuntime() refuses a program for another processor", () => {
  const { bytes } = makeProgram();
  assertThrows(
    () => cutRuntime(bytes, AARCH64),
    Error,
    "its processor must be 0xb7: it is 0x3e",
  );
});

Deno.test("cutRuntime() refuses a program that was not compiled by Deno", () => {
  const { bytes, view } = makeProgram();
  view.setUint32(bytes.length - 16, 0, true);
  assertThrows(
    () => cutRuntime(bytes, X86_64),
    Error,
    "its end must be 0x501e: it is 0x0",
  );
});

Deno.test("cutRuntime() refuses lengths that cannot be, and data that begin otherwise", () => {
  for (const length of [0, 16, DATA_BYTES - 1, DATA_BYTES + 1, 120, 2 ** 40]) {
    const { bytes, view } = makeProgram();
    view.setBigUint64(bytes.length - 8, BigInt(length), true);
    assertThrows(() => cutRuntime(bytes, X86_64), Error, "its data");
  }
  assertThrows(() => cutRuntime(new Uint8Array(10), X86_64), Error, "10 bytes");
});
