/**
 * Earshot, connected and paused: `paused_client.ts URL CHUNK_FRAMES THRESHOLD`.
 *
 * @module
 */

import { createAudioCapture, RealtimeConnectionManager } from "../../mod.ts";

const [url, chunkSize, vadThreshold] = Deno.args;
const connection = new RealtimeConnectionManager({
  url: url!,
  turnDetection: "client",
});
await connection.start();
const capture = await createAudioCapture({
  connectionManager: connection,
  chunkSize: Number(chunkSize),
  bufferSize: Number(chunkSize),
  vadEnabled: true,
  vadEngine: "energy",
  vadThreshold: Number(vadThreshold),
});
await capture.startRecording();
capture.pause();
for await (const event of connection) {
  if (event.type === "error") console.error(event.error.message);
}
