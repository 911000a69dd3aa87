/**
 * Audio in its order and at its pace, over whatever session there is.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { RealtimeUtterance } from "./event_hub.ts";
import type { RealtimeClientEvent, RealtimeServerEvent } from "./events.ts";
import type { RealtimeLink } from "./link.ts";
import { Outbox, type OutboxCounts } from "./outbox.ts";
import { BYTES_PER_MS } from "./turns.ts";

/** How long a server may take to hear speech in what was sent last. */
export const HEARING_MS = 1000;

/** How often a full socket is asked whether it has room again: it tells nobody. */
const BUFFER_POLL_MS = 50;

/** Audio that may be ahead of the pace of catching up. */
const CATCH_UP_LEAD_MS = 200;

/** The most that an `append` has besides its audio: type, name, punctuation. */
const APPEND_LENGTH = 100;

type RealtimeAppend = Extract<
  RealtimeClientEvent,
  { type: "input_audio_buffer.append" }
>;

/** What a {@linkcode Sender} is made with. */
export interface SenderOptions {
  /** Audio that is kept, in milliseconds. */
  readonly keepMs: number;
  /** Bytes that may wait in a socket. */
  readonly maxBufferedBytes: number;
  /** How fast kept audio is sent, in multiples of real time. */
  readonly catchUpRate: number;
  /** The clock of the pace. */
  readonly clock: Clock;
  /** Is told of every utterance that a server took. */
  readonly onUtterance: (utterance: RealtimeUtterance) => void;
}

/** What became of audio and utterances. */
export interface SenderCounts extends OutboxCounts {
  /** Utterances that a server took. */
  readonly committedUtteranceCount: number;
  /** Utterances that a server refused. */
  readonly refusedUtteranceCount: number;
  /** Utterances that were too short to be committed. */
  readonly shortUtteranceCount: number;
}

/**
 * Sends audio, ends of turns and what belongs behind them, as far as the session
 * in use and the pace allow, and keeps the rest.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #outbox: Outbox;
  #link: RealtimeLink | undefined;
  /** Since when audio that was kept is sent, and how much of it was. */
  #catchUp: { readonly sinceMs: number; sentMs: number } | undefined;
  #isPumpScheduled = false;
  /** Whether audio is held back until the server said whether it hears speech. */
  #isHolding = false;
  /** Where the speech that the server hears began, and where it ended last. */
  #speechStartMs: number | undefined;
  #speechEndMs: number | undefined;
  #committedUtteranceCount = 0;
  #refusedUtteranceCount = 0;
  #shortUtteranceCount = 0;

  /** @param options What is kept, and at what pace it is sent. */
  constructor(options: SenderOptions) {
    this.#options = options;
    this.#outbox = new Outbox(
      options.keepMs,
      () => this.#link === undefined ? "notConnected" : "bufferFull",
    );
  }

  /** What became of everything. */
  get counts(): SenderCounts {
    return {
      ...this.#outbox.counts,
      committedUtteranceCount: this.#committedUtteranceCount,
      refusedUtteranceCount: this.#refusedUtteranceCount,
      shortUtteranceCount: this.#shortUtteranceCount,
    };
  }

  /** Audio that waits to be sent, in milliseconds. */
  get keptAudioMs(): number {
    return this.#outbox.counts.keptBytes / BYTES_PER_MS;
  }

  /** Whether nothing waits to be sent. */
  get isSent(): boolean {
    return this.#outbox.isSent;
  }

  /** Whether the session in use could be replaced without cutting an utterance. */
  get isQuiet(): boolean {
    const link = this.#link;
    if (link === undefined) return false;
    const { areServers, areOpen, mayOpen } = link.turns;
    return !areOpen && !mayOpen && link.bufferedBytes === 0 &&
      (areServers || this.#outbox.isEmpty);
  }

  /**
   * Takes audio.
   *
   * @param event The audio.
   * @param capturedMs When its first sample was captured.
   * @param isKept Whether there is, or will be, a session to send it to.
   * @returns Whether it was sent or kept.
   */
  append(event: RealtimeAppend, capturedMs: number, isKept: boolean): boolean {
    const { audio, event_id } = event;
    const byteCount = decodedLength(audio);
    if (isKept && this.#outbox.append(audio, byteCount, capturedMs, event_id)) {
      this.pump();
      return true;
    }
    const link = this.#link;
    const isPassing = link !== undefined && this.#outbox.isSent &&
      !this.#isHolding && this.#hasRoomFor(audio, link);
    if (!isPassing) {
      this.#outbox.refuse(byteCount, capturedMs);
      return false;
    }
    // What is larger than all the room there is can still be sent at once.
    link.send(event, byteCount);
    this.#outbox.pass(byteCount, capturedMs);
    return true;
  }

  /** Ends the turn whose audio was taken, behind that audio. */
  endTurn(): void {
    this.#outbox.end();
    this.pump();
  }

  /**
   * Takes an event that belongs behind the audio, if it has to wait for it.
   *
   * @param event The event.
   * @returns Whether it was taken; else it can be sent at once.
   */
  takeInOrder(event: RealtimeClientEvent): boolean {
    switch (event.type) {
      case "input_audio_buffer.commit":
        if (!this.#outbox.isOpen) return false;
        this.#outbox.end(event);
        this.pump();
        return true;
      case "input_audio_buffer.clear":
        this.#outbox.clear();
        // A session that is not there yet has nothing to clear.
        return this.#link === undefined;
      case "response.create":
        if (this.#outbox.isSent) return false;
        this.#outbox.enqueue(event);
        return true;
      default:
        return false;
    }
  }

  /**
   * Sends to a session from now on: first what the one before did not take.
   *
   * @param link The session.
   */
  use(link: RealtimeLink): void {
    // What a quiet session did not take for speech is over.
    if (this.isQuiet) this.#outbox.settleUntil(Infinity);
    this.#outbox.rewind();
    this.#link = link;
    this.#isHolding = false;
    this.#speechStartMs = this.#speechEndMs = undefined;
    this.#catchUp = this.#outbox.isSent
      ? undefined
      : { sinceMs: this.#options.clock.now(), sentMs: 0 };
    this.pump();
  }

  /** The session is gone: what it did not take waits for the next one. */
  lose(): void {
    this.#link = undefined;
    this.#outbox.rewind();
  }

  /** There will be no session: what waits is given up. */
  abandon(): void {
    this.#link = undefined;
    this.#outbox.abandon();
  }

  /** Holds audio back, for a moment. */
  hold(): void {
    this.#isHolding = true;
  }

  /** Goes on with what was held back. */
  release(): void {
    this.#isHolding = false;
    this.pump();
  }

  /**
   * Takes note of where a server that finds the turns hears speech.
   *
   * @param event What the session in use says.
   */
  received(event: RealtimeServerEvent): void {
    if (event.type === "input_audio_buffer.speech_started") {
      this.#speechStartMs = event.audio_start_ms;
      this.#speechEndMs = undefined;
    } else if (event.type === "input_audio_buffer.speech_stopped") {
      this.#speechEndMs = event.audio_end_ms;
    }
  }

  /**
   * Takes note of a commit.
   *
   * @param link The session that made it.
   * @param itemId The item that it became.
   * @param eventId The `event_id` of our commit, if it was ours.
   */
  committed(
    link: RealtimeLink,
    itemId: string,
    eventId: string | undefined,
  ): void {
    if (link !== this.#link) return;
    this.#committedUtteranceCount++;
    const { onUtterance } = this.#options;
    if (eventId !== undefined) {
      const name = link.commits.get(eventId);
      link.commits.delete(eventId);
      const utterance = name && this.#outbox.settle(name);
      onUtterance({
        itemId,
        capturedMs: utterance?.capturedMs,
        durationMs: utterance && utterance.byteCount / BYTES_PER_MS,
        isCut: utterance?.isCut ?? false,
        isResent: utterance?.isResent ?? false,
      });
      return;
    }
    const startMs = this.#speechStartMs;
    const capturedMs = startMs === undefined
      ? undefined
      : this.#outbox.capturedMsAt(startMs);
    this.#outbox.settleUntil(this.#speechEndMs ?? link.audioMs);
    this.#speechStartMs = this.#speechEndMs = undefined;
    onUtterance({
      itemId,
      capturedMs,
      durationMs: undefined,
      isCut: false,
      isResent: false,
    });
  }

  /**
   * Takes note of a commit that was refused: the service does not want it, nor
   * would it want it again.
   *
   * @param link The session that refused it.
   * @param eventId The `event_id` of the commit.
   */
  refused(link: RealtimeLink, eventId: string): void {
    const name = link.commits.get(eventId);
    if (link !== this.#link || name === undefined) return;
    link.commits.delete(eventId);
    this.#outbox.settle(name);
    this.#refusedUtteranceCount++;
  }

  /** Sends what is to be sent, as far as it may be sent now. */
  pump(): void {
    const link = this.#link;
    if (link === undefined || this.#isHolding) return;
    const outbox = this.#outbox;
    for (let item = outbox.peek(); item !== undefined; item = outbox.peek()) {
      if (item.kind === "audio") {
        const { audio, byteCount, eventId } = item;
        const waitMs = this.#waitBefore(audio, byteCount, link);
        if (waitMs > 0) {
          this.#pumpIn(waitMs, link);
          return;
        }
        link.sendAudio(audio, byteCount, eventId);
        outbox.sent(link.audioMs);
      } else if (item.kind === "event") {
        link.send(item.event);
        outbox.sent(link.audioMs);
      } else {
        this.#sendEnd(item.event, link);
      }
    }
    this.#catchUp = undefined;
    if (link.turns.areServers) {
      // What it did not take for speech by now is none.
      outbox.settleUntil(this.#speechStartMs ?? link.audioMs - HEARING_MS);
    }
  }

  #sendEnd(event: RealtimeClientEvent | undefined, link: RealtimeLink): void {
    const eventId = event === undefined ? link.turns.end() : link.send(event);
    const name = this.#outbox.sent(link.audioMs);
    if (eventId !== undefined) {
      link.commits.set(eventId, name);
    } else if (!link.turns.areServers) {
      this.#outbox.finish(name);
      this.#shortUtteranceCount++;
    }
  }

  /** How long audio has to wait, in milliseconds. */
  #waitBefore(audio: string, byteCount: number, link: RealtimeLink): number {
    const { clock, catchUpRate } = this.#options;
    if (!this.#hasRoomFor(audio, link)) {
      this.#catchUp ??= { sinceMs: clock.now(), sentMs: 0 };
      return BUFFER_POLL_MS;
    }
    const catchUp = this.#catchUp;
    if (catchUp === undefined) return 0;
    const dueMs = catchUp.sinceMs +
      (catchUp.sentMs - CATCH_UP_LEAD_MS) / catchUpRate;
    const restMs = dueMs - clock.now();
    if (restMs > 0) return restMs;
    catchUp.sentMs += byteCount / BYTES_PER_MS;
    return 0;
  }

  #hasRoomFor(audio: string, link: RealtimeLink): boolean {
    return link.bufferedBytes + audio.length + APPEND_LENGTH <=
      this.#options.maxBufferedBytes;
  }

  #pumpIn(ms: number, link: RealtimeLink): void {
    if (this.#isPumpScheduled) return;
    this.#isPumpScheduled = true;
    this.#options.clock.sleep(ms, { signal: link.retired.signal })
      .catch(() => {})
      .then(() => {
        this.#isPumpScheduled = false;
        this.pump();
      });
  }
}

/** The bytes that base64 stands for. */
function decodedLength(base64: string): number {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return Math.floor(base64.length / 4 * 3) - padding;
}
