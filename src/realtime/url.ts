/**
 * Where to connect to.
 *
 * @module
 */

/** OpenAI's endpoint. */
export const DEFAULT_URL = "wss://api.openai.com/v1/realtime";

/** Query parts that would carry a credential; URLs end up in logs. */
const CREDENTIAL_PARTS = /^(api[-_]?key|key|token|access[-_]token)$/i;

/** What an endpoint is made of. */
export interface EndpointOptions {
  /** The base URL; other query parts than ours are kept. */
  readonly url: string;
  /** `model` for a conversation, or `intent` for a transcription. */
  readonly query: { readonly model: string } | { readonly intent: string };
  /** Whether `ws:` is allowed to other machines. */
  readonly allowInsecure: boolean;
}

/**
 * Makes the URL of a session.
 *
 * `model`, `intent` and `call_id` exclude each other, so stale ones in the base
 * URL are replaced.
 *
 * @param options What it is made of.
 * @returns The URL.
 * @throws {TypeError} When the base is no WebSocket URL, is not encrypted, or
 *   holds a credential.
 */
export function endpointUrl(options: EndpointOptions): URL {
  if (!URL.canParse(options.url)) {
    throw new TypeError(
      `Cannot use url as it must be a URL such as "${DEFAULT_URL}"`,
    );
  }
  const url = new URL(options.url);
  const shown =
    `current value is "${url.protocol}//${url.host}${url.pathname}"`;
  if (url.protocol !== "wss:" && url.protocol !== "ws:") {
    throw new TypeError(
      `Cannot use url as it must begin with "wss:": ${shown}`,
    );
  }
  if (url.protocol === "ws:" && !isLoopback(url) && !options.allowInsecure) {
    throw new TypeError(
      `Cannot use url as it must begin with "wss:", because "ws:" sends the key and your voice unencrypted; set allowInsecure (--insecure) if you accept that: ${shown}`,
    );
  }
  const holdsCredential = url.username !== "" || url.password !== "" ||
    [...url.searchParams.keys()].some((name) => CREDENTIAL_PARTS.test(name));
  if (holdsCredential) {
    throw new TypeError(
      "Cannot use url as it must not hold a credential: give it as apiKey",
    );
  }
  for (const name of ["model", "intent", "call_id"]) {
    url.searchParams.delete(name);
  }
  for (const [name, value] of Object.entries(options.query)) {
    url.searchParams.set(name, value);
  }
  url.hash = "";
  return url;
}

/**
 * Says whether a URL leads to this machine.
 *
 * @param url The URL.
 */
export function isLoopback(url: URL): boolean {
  return url.hostname === "localhost" || url.hostname === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(url.hostname);
}

/**
 * Says whether a URL leads to Azure, which wants its key in a header of its own.
 *
 * @param url The URL.
 */
export function isAzure(url: URL): boolean {
  return /\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)$/
    .test(url.hostname);
}
