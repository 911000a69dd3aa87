/**
 * Checks of numbers that users give, with one wording.
 *
 * @module
 */

/**
 * Refuses anything but a whole number within a range.
 *
 * @param field The setting's name.
 * @param value Its value.
 * @param min The smallest value allowed.
 * @param max The largest value allowed.
 * @throws {RangeError} When the value is outside the range or not whole.
 */
export function checkInteger(
  field: string,
  value: number,
  min: number,
  max: number,
): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw outOfRange(field, value, `a whole number from ${min} to ${max}`);
  }
}

/**
 * Refuses anything but a number within a range.
 *
 * @param field The setting's name.
 * @param value Its value.
 * @param min The smallest value allowed.
 * @param max The largest value allowed.
 * @throws {RangeError} When the value is outside the range or not a number.
 */
export function checkNumber(
  field: string,
  value: number,
  min: number,
  max: number,
): void {
  if (!(typeof value === "number" && value >= min && value <= max)) {
    throw outOfRange(field, value, `a number from ${min} to ${max}`);
  }
}

/**
 * Refuses anything but one of a few values.
 *
 * @param field The setting's name.
 * @param value Its value.
 * @param allowed The values allowed.
 * @throws {RangeError} When the value is not among them.
 */
export function checkOneOf<T>(
  field: string,
  value: T,
  allowed: readonly T[],
): void {
  if (!allowed.includes(value)) {
    throw outOfRange(field, value, `one of ${allowed.join(", ")}`);
  }
}

function outOfRange(field: string, value: unknown, range: string): RangeError {
  const shown = typeof value === "string" ? `"${value}"` : String(value);
  return new RangeError(
    `Cannot use ${field} as it must be ${range}: current value is ${shown}`,
  );
}
