/**
 * Stands in for `@std/assert` where JSR is out of reach, as far as the tests
 * use it.
 */

import nodeAssert, { AssertionError } from "node:assert";

export { AssertionError };

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError({ message: msg });
}

export function assertFalse(expr: unknown, msg = ""): asserts expr is false {
  assert(!expr, msg);
}

export function assertExists<T>(
  actual: T,
  msg = "Expected a value",
): asserts actual is NonNullable<T> {
  assert(actual !== undefined && actual !== null, msg);
}

export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, msg);
}

export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.notDeepStrictEqual(actual, expected, msg);
}

export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  nodeAssert.strictEqual(actual, expected, msg);
}

export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance = 1e-7,
  msg?: string,
): void {
  assert(
    Math.abs(actual - expected) <= tolerance,
    msg ?? `Expected ${actual} to be ${expected} ± ${tolerance}`,
  );
}

export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  assert(actual > expected, msg ?? `Expected ${actual} > ${expected}`);
}

export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  assert(actual < expected, msg ?? `Expected ${actual} < ${expected}`);
}

export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  assert(
    actual.includes(expected),
    msg ?? `Expected "${actual}" to contain "${expected}"`,
  );
}

export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  assert(
    expected.test(actual),
    msg ?? `Expected "${actual}" to match ${expected}`,
  );
}

export function assertInstanceOf<E extends Error>(
  actual: unknown,
  expected: ErrorClass<E>,
  msg?: string,
): asserts actual is E {
  assert(
    actual instanceof expected,
    msg ?? `Expected ${actual} to be of ${expected.name}`,
  );
}

export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error>(
  fn: () => unknown,
  errorClass?: ErrorClass<E> | string,
  msgIncludes?: string,
): unknown {
  try {
    fn();
  } catch (error) {
    return checked(error, errorClass, msgIncludes);
  }
  throw new AssertionError({ message: "Expected function to throw" });
}

export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
export function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E> | string,
  msgIncludes?: string,
): Promise<unknown> {
  try {
    await fn();
  } catch (error) {
    return checked(error, errorClass, msgIncludes);
  }
  throw new AssertionError({ message: "Expected function to reject" });
}

function checked<E extends Error>(
  error: unknown,
  errorClass: ErrorClass<E> | string | undefined,
  msgIncludes = "",
): unknown {
  if (typeof errorClass === "function") {
    assertInstanceOf(error, errorClass, `Unexpected error: ${error}`);
    assertStringIncludes(error.message, msgIncludes);
  }
  return error;
}
