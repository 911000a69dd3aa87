/**
 * npm's `node-record-lpcm16` and `ws`: node_record_client.mjs URL CHUNK_MS. It
 * captures with arecord in a process of its own.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import process from "node:process";
import { connect, requireFromHere } from "./append_socket.mjs";

const SAMPLE_RATE = 24_000;

const [url, chunkMs] = process.argv.slice(2);
const chunkBytes = 2 * SAMPLE_RATE * Number(chunkMs) / 1000;
const send = await connect(url);
const { record } = requireFromHere("node-record-lpcm16");
const recording = record({
  recorder: "arecord",
  sampleRate: SAMPLE_RATE,
  channels: 1,
  audioType: "raw",
});
let rest = Buffer.alloc(0);
for await (const data of recording.stream()) {
  rest = Buffer.concat([rest, data]);
  while (rest.length >= chunkBytes) {
    send(rest.subarray(0, chunkBytes));
    rest = rest.subarray(chunkBytes);
  }
}
