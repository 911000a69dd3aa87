/** A Realtime server in memory that fails in every way a test can think of. */

import type { FakeClock } from "../src/testing/fake_clock.ts";
import type { Random } from "../train/random.ts";
import { FakeSocket } from "./fake_socket.ts";

/** What becomes of an attempt to connect. */
type Welcome = "accept" | "refuse" | "hang" | "silent" | "close" | "error";

/** Frames that are no events, or not those that are due. */
const GARBAGE: readonly unknown[] = [
  "{",
  "null",
  "[]",
  "7",
  { type: 1 },
  { type: "__proto__" },
  { type: "error" },
  { type: "error", error: null },
  { type: "session.updated" },
  { type: "session.created", session: null },
  { type: "response.done" },
  { type: "conversation.item.added", item: null },
  { type: "conversation.item.done", item: { id: 3, content: [null] } },
  { type: "conversation.item.truncated", item_id: "x", audio_end_ms: "y" },
  { type: "response.output_audio.delta", item_id: "x", delta: null },
  { type: "conversation.item.input_audio_transcription.completed" },
  { type: "rate_limits.updated", rate_limits: "x".repeat(10_000) },
];

/** Close codes after which a client comes back. */
const CLOSE_CODES = [0, 1001, 1005, 1006, 1011, 1012];

/** All connections to one server in memory. */
export class ScriptedPeer {
  /** Audio of every commit that the client was told of, as it was appended. */
  readonly committed: string[][] = [];
  connectionCount = 0;
  /** From now on nothing goes wrong. */
  isHealed = false;
  /** Whether it finds the turns, now and then, in what it is sent. */
  findsTurns = false;
  readonly #clock: FakeClock;
  readonly #random: Random;
  #itemCount = 0;
  #sleeperCount = 0;

  constructor(clock: FakeClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** How many of the clock's sleepers are its own. */
  get sleeperCount(): number {
    return this.#sleeperCount;
  }

  readonly connect = (): WebSocket => {
    this.connectionCount++;
    const socket = new ScriptedSocket(this);
    this.#welcome(socket);
    return socket as unknown as WebSocket;
  };

  /** Answers a commit, behind the one before it, if nothing prevents it. */
  async commit(
    socket: ScriptedSocket,
    audio: string[],
    before: Promise<void>,
  ): Promise<void> {
    await this.#sleep(this.#random.below(60));
    await before;
    if (!socket.isLive) return;
    const item_id = `item_${++this.#itemCount}`;
    const event = { type: "input_audio_buffer.committed", item_id };
    this.committed.push(audio);
    socket.receive(event);
    if (this.#fails(0.1)) socket.receive(event);
    this.#transcribe(socket, item_id);
  }

  async #transcribe(socket: ScriptedSocket, item_id: string): Promise<void> {
    await this.#sleep(this.#random.below(60));
    if (!socket.isLive || this.#fails(0.05)) return;
    socket.receive({
      type: "conversation.item.input_audio_transcription.completed",
      item_id,
      transcript: "said",
    });
  }

  /** Hears speech in what was appended, or the end of it. */
  hear(socket: ScriptedSocket, audioMs: number): void {
    if (!this.findsTurns || !this.#random.chance(0.15)) return;
    const item_id = socket.speechItem ?? `item_${++this.#itemCount}`;
    if (socket.speechItem === undefined) {
      socket.speechItem = item_id;
      socket.receive({
        type: "input_audio_buffer.speech_started",
        audio_start_ms: Math.max(0, audioMs - this.#random.below(400)),
        item_id,
      });
      return;
    }
    socket.speechItem = undefined;
    socket.receive({
      type: "input_audio_buffer.speech_stopped",
      audio_end_ms: audioMs - this.#random.below(100),
      item_id,
    });
    socket.receive({ type: "input_audio_buffer.committed", item_id });
    if (this.#fails(0.2)) return;
    socket.receive({ type: "response.created", response: {} });
    socket.receive({
      type: "response.done",
      response: { status: "completed" },
    });
  }

  /** Something may go wrong whenever something arrives. */
  async disturb(socket: ScriptedSocket): Promise<void> {
    if (!this.#fails(0.08)) return;
    const kind = this.#random.below(5);
    // Never at once: no socket tells of its end inside a call of its own.
    await this.#sleep(this.#random.below(80));
    if (!socket.isLive) return;
    switch (kind) {
      case 0:
        socket.drop(this.#random.pick(CLOSE_CODES));
        break;
      case 1:
        // A half-open connection: nothing is taken, nothing is said.
        socket.freeze();
        break;
      case 2: {
        socket.bufferedAmount = 1e9;
        await this.#sleep(this.#random.below(400));
        if (socket.isLive) socket.bufferedAmount = 0;
        break;
      }
      default:
        socket.receive(this.#random.pick(GARBAGE));
    }
  }

  async #welcome(socket: ScriptedSocket): Promise<void> {
    const welcome: Welcome = this.#fails(0.4)
      ? this.#random.pick(["refuse", "hang", "silent", "close", "error"])
      : "accept";
    await this.#sleep(this.#random.below(30));
    if (!socket.isLive) return;
    switch (welcome) {
      case "hang":
        return;
      case "refuse":
        socket.onerror?.({
          message: `NetworkError: Invalid status code: ${
            this.#random.pick([408, 429, 500, 502, 503, 504])
          }`,
        });
        return socket.drop(0);
      case "close":
        return socket.drop(this.#random.pick(CLOSE_CODES));
      case "error":
        socket.receive({
          type: "error",
          error: { type: "server_error", message: "Not now" },
        });
        return;
    }
    socket.receive({ type: "session.created", session: {} });
    if (welcome === "silent") return;
    await this.#sleep(this.#random.below(30));
    if (socket.isLive) socket.receive({ type: "session.updated", session: {} });
  }

  async #sleep(ms: number): Promise<void> {
    this.#sleeperCount++;
    await this.#clock.sleep(ms);
    this.#sleeperCount--;
  }

  #fails(share: number): boolean {
    return !this.isHealed && this.#random.chance(share);
  }
}

class ScriptedSocket extends FakeSocket {
  readonly #peer: ScriptedPeer;
  /** The item that speech which is heard now will be. */
  speechItem: string | undefined;
  #audio: string[] = [];
  #audioMs = 0;
  #committed = Promise.resolve();
  #isFrozen = false;
  #isGone = false;

  constructor(peer: ScriptedPeer) {
    super();
    this.#peer = peer;
  }

  get isLive(): boolean {
    return !this.#isFrozen && !this.#isGone && this.closedWith === undefined;
  }

  override send(text: string): void {
    if (this.#isFrozen) this.bufferedAmount += text.length;
    if (!this.isLive) return;
    const event = JSON.parse(text);
    if (event.type === "input_audio_buffer.append") {
      this.#audio.push(event.audio);
      this.#audioMs += event.audio.length / 64;
      const audioMs = this.#audioMs;
      queueMicrotask(() => this.isLive && this.#peer.hear(this, audioMs));
    } else if (event.type === "input_audio_buffer.clear") {
      this.#audio = [];
    } else if (event.type === "input_audio_buffer.commit") {
      this.#committed = this.#peer.commit(this, this.#audio, this.#committed);
      this.#audio = [];
    }
    this.#peer.disturb(this);
  }

  freeze(): void {
    this.#isFrozen = true;
    this.answersClose = false;
  }

  drop(code: number): void {
    this.#isGone = true;
    this.onclose?.({ code, reason: "" });
  }
}
