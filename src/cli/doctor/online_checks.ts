/**
 * Can the endpoint be reached, and does it take the key.
 *
 * @module
 */

import { readCredential } from "../../realtime/credential.ts";
import type { World } from "../command.ts";
import type { Finding } from "./finding.ts";

const DEFAULT_URL = "wss://api.openai.com/v1/realtime";

/** A round trip that is longer makes a conversation slow. */
const SLOW_MS = 300;

/**
 * Tries the endpoint. It is asked for its list of models, which costs nothing.
 *
 * @param world Where it runs.
 * @param url The endpoint, if it is not the usual one.
 * @param apiKey Reads the key; without it the environment is asked.
 */
export async function checkOnline(
  world: World,
  url: string = DEFAULT_URL,
  apiKey?: () => Promise<string>,
): Promise<Finding[]> {
  const check = "network";
  const { system, clock } = world;
  if (!URL.canParse(url)) {
    return [{
      check,
      severity: "fail",
      text: `"${url}" is no URL`,
      advice: `Give --url something like ${DEFAULT_URL}`,
    }];
  }
  const { protocol, hostname, port, origin } = new URL(
    url.replace(/^ws/, "http"),
  );
  if (protocol === "http:") {
    return [{
      check,
      severity: "info",
      text: `${origin} is not encrypted: nothing was tried`,
    }];
  }
  // A name that DNS does not know may still stand in /etc/hosts.
  const dnsError = await system.lookUp(hostname).then(() => undefined, String);
  const startMs = clock.now();
  try {
    await system.connectTls(hostname, Number(port || 443));
  } catch (error) {
    return [
      dnsError === undefined
        ? {
          check,
          severity: "fail",
          text: `No encrypted connection to "${hostname}": ${
            (error as Error).message
          }`,
          advice:
            "A firewall, a proxy, or a wrong clock (check with: date) is in the way",
        }
        : {
          check,
          severity: "fail",
          text: `"${hostname}" has no address: ${dnsError}`,
          advice: `Is there a network? Try: getent hosts ${hostname}`,
        },
    ];
  }
  const tookMs = Math.round(clock.now() - startMs);
  // A handshake of TCP and one of TLS are two round trips, with the work of both.
  const isSlow = tookMs / 2 > SLOW_MS;
  const connected: Finding = {
    check,
    severity: isSlow ? "warn" : "ok",
    text: `An encrypted connection to "${hostname}" takes ${tookMs} ms`,
    advice: isSlow ? "Answers come late by as much: try a cable" : undefined,
  };
  return [connected, await checkKey(world, origin, apiKey)];
}

async function checkKey(
  { system }: World,
  origin: string,
  apiKey: (() => Promise<string>) | undefined,
): Promise<Finding> {
  const check = "key";
  let key: string | undefined;
  try {
    key = await readCredential(apiKey, false);
  } catch (error) {
    return { check, severity: "fail", text: (error as Error).message };
  }
  let status: number;
  try {
    status = await system.get(`${origin}/v1/models`, {
      authorization: `Bearer ${key}`,
    });
  } catch (error) {
    return {
      check,
      severity: "warn",
      text: `The key could not be tried: ${(error as Error).message}`,
    };
  }
  if (status === 200) {
    return { check, severity: "ok", text: "The key is accepted" };
  }
  if (status === 401 || status === 403) {
    return {
      check,
      severity: "fail",
      text: `The key is refused (status ${status})`,
      advice: "Make a new one, and set OPENAI_API_KEY or --key-file",
    };
  }
  return {
    check,
    severity: "info",
    text: `The key could not be tried: ${origin}/v1/models answers ${status}`,
  };
}
