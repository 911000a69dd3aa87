/**
 * Small checks that compose into the shape of an event, and the error that the
 * Realtime service answers when one fails.
 *
 * @module
 */

/** A JSON object. */
export type Fields = { readonly [name: string]: unknown };

/** A refusal that the client is told of; the connection stays open. */
export class RequestError extends Error {
  /** Name of the class. */
  override readonly name = "RequestError";
  /** What is wrong, for programs. */
  readonly code: string;
  /** Path of the offending field, such as `session.audio.input`. */
  readonly param: string | null;

  /**
   * @param code What is wrong, for programs.
   * @param message What is wrong, for people.
   * @param param Path of the offending field.
   */
  constructor(code: string, message: string, param: string | null = null) {
    super(message);
    this.code = code;
    this.param = param;
  }
}

/**
 * Looks at one value.
 *
 * @param value The value.
 * @param param Its path, empty for the event itself.
 * @throws {RequestError} When the service would refuse the value.
 */
export type Check = (value: unknown, param: string) => void;

/**
 * Tells whether a value is a JSON object.
 *
 * @param value Any JSON value.
 * @returns `true` for an object that is neither `null` nor an array.
 */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Takes any object. */
export const anyObject: Check = (value, param) => {
  if (!isFields(value)) throw wrongType(param, "an object", value);
};

/** Takes `true` and `false`. */
export const flag: Check = (value, param) => {
  if (typeof value !== "boolean") throw wrongType(param, "a boolean", value);
};

/**
 * Takes strings.
 *
 * @param maxLength The longest one, in UTF-16 code units.
 * @returns The check.
 */
export function text(maxLength = Infinity): Check {
  return (value, param) => {
    if (typeof value !== "string") throw wrongType(param, "a string", value);
    if (value.length > maxLength) {
      throw new RequestError(
        "string_above_max_length",
        `Invalid '${param}': expected at most ${maxLength} characters, but got ${value.length}`,
        param,
      );
    }
  };
}

/**
 * Takes numbers within a range.
 *
 * @param min The smallest.
 * @param max The largest.
 * @returns The check.
 */
export function number(min: number, max: number): Check {
  return (value, param) => {
    if (typeof value !== "number") throw wrongType(param, "a number", value);
    if (value < min || value > max) {
      throw new RequestError(
        "invalid_value",
        `Invalid '${param}': expected a value from ${min} to ${max}, but got ${value}`,
        param,
      );
    }
  };
}

/**
 * Takes whole numbers within a range.
 *
 * @param min The smallest.
 * @param max The largest.
 * @returns The check.
 */
export function integer(min: number, max: number): Check {
  const inRange = number(min, max);
  return (value, param) => {
    if (!Number.isInteger(value)) throw wrongType(param, "an integer", value);
    inRange(value, param);
  };
}

/**
 * Takes a few values only.
 *
 * @param values All of them.
 * @returns The check.
 */
export function choice(...values: (string | number)[]): Check {
  return (value, param) => {
    if (!(values as unknown[]).includes(value)) {
      throw notSupported(param, value, values);
    }
  };
}

/**
 * Takes `null` as well.
 *
 * @param check What else is taken.
 * @returns The check.
 */
export function nullable(check: Check): Check {
  return (value, param) => {
    if (value !== null) check(value, param);
  };
}

/**
 * Takes strings and something else.
 *
 * @param ifText Looks at strings.
 * @param otherwise Looks at everything else.
 * @returns The check.
 */
export function textOr(ifText: Check, otherwise: Check): Check {
  return (value, param) => {
    (typeof value === "string" ? ifText : otherwise)(value, param);
  };
}

/**
 * Takes arrays.
 *
 * @param check Looks at every element.
 * @returns The check.
 */
export function list(check: Check): Check {
  return (value, param) => {
    if (!Array.isArray(value)) throw wrongType(param, "an array", value);
    value.forEach((element, index) => check(element, `${param}[${index}]`));
  };
}

/**
 * Takes objects with known fields only.
 *
 * @param fields Every field that may be there.
 * @param required The names of those that must be.
 * @returns The check.
 */
export function record(
  fields: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
): Check {
  return (value, param) => {
    if (!isFields(value)) throw wrongType(param, "an object", value);
    for (const name of required) {
      if (value[name] === undefined) throw missing(join(param, name));
    }
    for (const [name, field] of Object.entries(value)) {
      const path = join(param, name);
      if (!Object.hasOwn(fields, name)) {
        throw new RequestError(
          "unknown_parameter",
          `Unknown parameter: '${path}'`,
          path,
        );
      }
      fields[name]?.(field, path);
    }
  };
}

/**
 * Takes objects of several shapes that one field tells apart.
 *
 * @param tag The name of that field.
 * @param shapes The shape for each of its values.
 * @returns The check.
 */
export function variant(
  tag: string,
  shapes: Readonly<Record<string, Check>>,
): Check {
  return (value, param) => {
    if (!isFields(value)) throw wrongType(param, "an object", value);
    const path = join(param, tag);
    const chosen = value[tag];
    if (chosen === undefined) throw missing(path);
    if (typeof chosen !== "string" || !Object.hasOwn(shapes, chosen)) {
      throw notSupported(path, chosen, Object.keys(shapes));
    }
    shapes[chosen]?.(value, param);
  };
}

function join(param: string, name: string): string {
  return param === "" ? name : `${param}.${name}`;
}

function missing(param: string): RequestError {
  return new RequestError(
    "missing_required_parameter",
    `Missing required parameter: '${param}'`,
    param,
  );
}

function wrongType(
  param: string,
  expected: string,
  value: unknown,
): RequestError {
  const actual = value === null
    ? "null"
    : Array.isArray(value)
    ? "an array"
    : `a value of type ${typeof value}`;
  return new RequestError(
    "invalid_type",
    `Invalid type for '${param}': expected ${expected}, but got ${actual}`,
    param,
  );
}

function notSupported(
  param: string,
  value: unknown,
  values: readonly (string | number)[],
): RequestError {
  const supported = values.map((each) => JSON.stringify(each)).join(", ");
  return new RequestError(
    "invalid_value",
    `Invalid value for '${param}': supported are ${supported}, but got ${
      JSON.stringify(value)
    }`,
    param,
  );
}
