/**
 * npm's `@picovoice/pvrecorder-node` and `ws`: pvrecorder_client.mjs URL CHUNK_MS.
 * It captures at 16 kHz and at nothing else.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import process from "node:process";
import { connect, requireFromHere } from "./append_socket.mjs";

const SAMPLE_RATE = 16_000;

const [url, chunkMs] = process.argv.slice(2);
const send = await connect(url);
const { PvRecorder } = requireFromHere("@picovoice/pvrecorder-node");
const recorder = new PvRecorder(SAMPLE_RATE * Number(chunkMs) / 1000);
recorder.start();
while (true) {
  const samples = await recorder.read();
  send(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength));
}
