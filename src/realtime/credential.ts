/**
 * The key, from wherever it is kept.
 *
 * @module
 */

import { RealtimeError } from "./errors.ts";

/** The environment variable that holds the key unless it is given. */
const VARIABLE = "OPENAI_API_KEY";

/** A key, or what gets one. */
export type Credential = string | (() => string | Promise<string>);

/**
 * Gets the credential for a connection.
 *
 * @param given The key or the function that gets it; without it, the environment
 *   is asked.
 * @param isOptional Whether one can do without.
 * @returns The credential, or `undefined` when there is none and none is needed.
 * @throws {RealtimeError} Of the kind `authentication`, when there is none or it
 *   cannot be one.
 */
export async function readCredential(
  given: Credential | undefined,
  isOptional: boolean,
): Promise<string | undefined> {
  const raw = typeof given === "function" ? await given() : given;
  const secret = (raw ?? readEnvironment())?.trim();
  if (!secret) {
    if (isOptional) return undefined;
    throw refusal(
      raw !== undefined
        ? `The given API key is empty: set ${VARIABLE}, or give a key as apiKey (--key-file)`
        : isReadable()
        ? `There is no API key: set ${VARIABLE}, or give a key as apiKey (--key-file)`
        : `There is no API key: allow it to be read with --allow-env=${VARIABLE}, or give a key as apiKey (--key-file)`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw refusal(
      "The API key holds characters that no key has, such as a line break",
    );
  }
  return secret;
}

/** Asked beforehand, so that no prompt appears and nothing is thrown. */
function isReadable(): boolean {
  const permission = { name: "env", variable: VARIABLE } as const;
  return Deno.permissions.querySync(permission).state === "granted";
}

function readEnvironment(): string | undefined {
  return isReadable() ? Deno.env.get(VARIABLE) : undefined;
}

function refusal(message: string): RealtimeError {
  // The message says what to do.
  return new RealtimeError(message, {
    kind: "authentication",
    fatal: true,
    advice: "",
  });
}
