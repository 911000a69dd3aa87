/**
 * What the value of an option may be, wherever it was given.
 *
 * @module
 */

import { type OptionSpec, specOf } from "./option_table.ts";
import type { OptionName } from "./option_table.ts";
import { UsageError } from "./usage_error.ts";

/** A text, a number as a text, or a switch that is on or off. */
export type OptionValue = string | boolean;

/** What a switch can be in the environment. */
const SWITCH_WORDS: Readonly<Record<string, boolean>> = {
  "1": true,
  true: true,
  "0": false,
  false: false,
};

/**
 * Checks the text of an option that has a value.
 *
 * @param name The option.
 * @param value What was given.
 * @param origin Where it was given, for errors.
 * @returns The value.
 * @throws {UsageError} When it is empty, out of range or none of the choices.
 */
export function checkText(
  name: OptionName,
  value: string,
  origin: string,
): string {
  const spec = specOf(name);
  if (value === "") {
    throw new UsageError(`Missing the value of ${origin}: ${spec.value}`);
  }
  const isAllowed = (spec.isList ? value.split(",") : [value]).every((word) =>
    spec.range !== undefined
      ? word !== "" && isInRange(Number(word), spec)
      : spec.choices?.includes(word) ?? true
  );
  if (!isAllowed) {
    throw new UsageError(
      `Cannot use ${origin} as it must be ${
        expectation(spec)
      }: current value is "${value}"`,
    );
  }
  return value;
}

/**
 * Reads an option from the text of an environment variable.
 *
 * @param name The option.
 * @param value What the variable holds.
 * @param origin The variable, for errors.
 * @returns The value.
 * @throws {UsageError} When it cannot be one.
 */
export function fromVariable(
  name: OptionName,
  value: string,
  origin: string,
): OptionValue {
  if (specOf(name).value !== undefined) return checkText(name, value, origin);
  const isOn = SWITCH_WORDS[value];
  if (isOn === undefined) {
    throw new UsageError(
      `Cannot use ${origin} as it must be 1 or 0: current value is "${value}"`,
    );
  }
  return isOn;
}

/**
 * Reads an option from a value of JSON.
 *
 * @param name The option.
 * @param value What the file holds.
 * @param origin Its place in the file, for errors.
 * @returns The value.
 * @throws {UsageError} When it cannot be one.
 */
export function fromJson(
  name: OptionName,
  value: unknown,
  origin: string,
): OptionValue {
  const spec = specOf(name);
  const typeofValue = typeof value;
  // A list of one number need not be a text.
  const isRight = typeofValue === jsonTypeOf(spec) ||
    typeofValue === "number" && spec.range !== undefined;
  if (!isRight) {
    throw new UsageError(
      `Cannot use ${origin} as it must be ${
        expectation(spec)
      }: current value is ${JSON.stringify(value)}`,
    );
  }
  return typeof value === "boolean"
    ? value
    : checkText(name, String(value), origin);
}

/**
 * Says which type an option has in JSON.
 *
 * @param spec The option.
 * @returns JSON's name of the type.
 */
export function jsonTypeOf(
  { value, range, isList }: OptionSpec,
): "boolean" | "number" | "string" {
  if (value === undefined) return "boolean";
  return range === undefined || isList ? "string" : "number";
}

function isInRange(number: number, { range, isWhole }: OptionSpec): boolean {
  const [min, max] = range!;
  return number >= min && number <= max &&
    (Number.isInteger(number) || !isWhole);
}

function expectation({ value, range, isWhole, choices, isList }: OptionSpec) {
  if (value === undefined) return "true or false";
  if (range !== undefined) {
    const kind = isWhole ? "whole number" : "number";
    const one = `a ${kind} from ${range[0]} to ${range[1]}`;
    return isList ? `${one}, or several with commas between` : one;
  }
  if (choices === undefined) return "a text";
  const words = choices.join(", ");
  return isList ? `some of ${words}, with commas between` : `one of ${words}`;
}
