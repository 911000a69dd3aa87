/**
 * What both clients of npm send with: the package ws, JSON and base64.
 *
 * @module
 */

import { createRequire } from "node:module";
import process from "node:process";

/** Loads a package of the folder in which the client was started. */
export const requireFromHere = createRequire(`${process.cwd()}/`);

/**
 * Connects.
 *
 * @param {string} url Where to.
 * @returns {Promise<(samples: Buffer) => void>} What sends PCM16.
 */
export async function connect(url) {
  const { WebSocket } = requireFromHere("ws");
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("error", reject);
  });
  socket.on("message", (data) => JSON.parse(data));
  socket.send(JSON.stringify({ type: "session.update", session: {} }));
  return (samples) =>
    socket.send(JSON.stringify({
      type: "input_audio_buffer.append",
      audio: samples.toString("base64"),
    }));
}
