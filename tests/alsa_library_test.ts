import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { AlsaError } from "../ffi/errno.ts";
import { acquireAlsa, LIBRARY_PATHS } from "../ffi/library.ts";

/** A usual path on the other kind of machine, so there is nothing here. */
const MISSING_PATH = Deno.build.arch === "aarch64"
  ? "/usr/lib/x86_64-linux-gnu/libasound.so.2"
  : "/usr/lib/aarch64-linux-gnu/libasound.so.2";

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

/** Sets a variable for the time of a call. */
function withVariable(name: string, value: string, use: () => void): void {
  const before = Deno.env.get(name);
  Deno.env.set(name, value);
  try {
    use();
  } finally {
    if (before === undefined) Deno.env.delete(name);
    else Deno.env.set(name, before);
  }
}

/** Answers permission requests with no, and counts them. */
function withRefusedRequests(use: () => void): number {
  const { requestSync } = Deno.permissions;
  let requestCount = 0;
  Deno.permissions.requestSync = (descriptor) => {
    requestCount++;
    return Deno.permissions.querySync(descriptor);
  };
  try {
    use();
  } finally {
    Deno.permissions.requestSync = requestSync;
  }
  return requestCount;
}

Deno.test({
  name: "acquireAlsa() names the path when the library is missing",
  ignore: Deno.build.os !== "linux" ||
    !isGranted({ name: "ffi", path: MISSING_PATH }) ||
    !isGranted({ name: "env" }),
  fn() {
    withVariable("EARSHOT_LIBASOUND", MISSING_PATH, () => {
      const error = assertThrows(() => acquireAlsa(), AlsaError);
      assertEquals(error.kind, "unavailable");
      assertStringIncludes(error.message, `"${MISSING_PATH}"`);
      assertStringIncludes(error.advice, "sudo apt install libasound2");
      assertInstanceOf(error.cause, Error);
    });
  },
});

Deno.test({
  name: "acquireAlsa() asks once and names the flag when it is not permitted",
  permissions: { ffi: false },
  ignore: Deno.build.os !== "linux",
  fn() {
    const requestCount = withRefusedRequests(() => {
      const error = assertThrows(() => acquireAlsa(), AlsaError);
      assertEquals(error.kind, "permission");
      assertStringIncludes(error.advice, `--allow-ffi=${LIBRARY_PATHS[0]}`);
    });
    assertEquals(requestCount, 1);
  },
});
