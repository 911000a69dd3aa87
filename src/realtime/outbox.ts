/**
 * Audio on its way to the service, kept until the service has it.
 *
 * A ring holds what was not sent yet, and of what was sent all that would have to
 * be sent again if the connection were lost now. It goes round in as small a part
 * of its room as has sufficed so far, as every page that it ever wrote to costs
 * memory for good. Everything is in the order of its capture; a cursor divides the
 * sent from the unsent.
 *
 * @module
 */

import { bytesToBase64, decodeBase64Into } from "../base64.ts";
import type { RealtimeClientEvent } from "./events.ts";
import { BYTES_PER_MS } from "./turns.ts";

/**
 * What a ring begins with, in milliseconds: while all goes well, a server that
 * finds the turns leaves a second to be kept, and a chunk is on its way.
 */
const FIRST_KEEP_MS = 2000;

/** No sensible chunk is shorter; it bounds how many there can be. */
const MIN_CHUNK_MS = 5;

/** Why audio was not sent. */
export type UnsentCause =
  /** There was no session to send it to, and no more room to keep it. */
  | "notConnected"
  /** The connection was too slow, and there was no more room to keep it. */
  | "bufferFull";

/** An utterance: the audio between two ends. */
export interface Utterance {
  /** When its first sample was captured: milliseconds of `performance.now()`. */
  readonly capturedMs: number;
  /** Bytes of PCM16 in it so far, without what was dropped. */
  readonly byteCount: number;
  /** Whether a part of it was dropped. */
  readonly isCut: boolean;
  /** Whether it was sent again, because a connection was lost before its end. */
  readonly isResent: boolean;
}

type MutableUtterance =
  & { -readonly [Key in keyof Utterance]: Utterance[Key] }
  & {
    /** Whether the present session was sent a part of it. */
    isStarted: boolean;
    /** Whether it is not to be sent again, whatever becomes of those before it. */
    isOver: boolean;
  };

/** What is to be sent next. */
export type OutboxItem =
  /** Audio, in base64 with padding. */
  | {
    readonly kind: "audio";
    readonly audio: string;
    readonly byteCount: number;
    /** The name that the user gave it. */
    readonly eventId: string | undefined;
  }
  /** The end of an utterance: by an event of the user's own, or by the rules. */
  | { readonly kind: "end"; readonly event?: RealtimeClientEvent }
  /** Another event that must keep its place behind the audio. */
  | { readonly kind: "event"; readonly event: RealtimeClientEvent };

interface Entry {
  readonly kind: OutboxItem["kind"];
  utterance: MutableUtterance | undefined;
  readonly event: RealtimeClientEvent | undefined;
  /** Where its bytes are in the ring, if it has any. */
  offset: number;
  byteCount: number;
  /** The name that the user gave to audio. */
  eventId: string | undefined;
  capturedMs: number;
  /** Where it ended on the session's own timeline, once it was sent. */
  sentEndMs: number;
  /** Whether a session before the present one was sent it. */
  isResent: boolean;
}

/** Bytes of PCM16 by what became of them. */
export interface OutboxCounts {
  /** All that was appended: the sum of the sent, the kept and the unsent. */
  readonly appendedBytes: number;
  /** Sent to the present session, or to an earlier one that took them. */
  readonly sentBytes: number;
  /** Waiting to be sent. */
  readonly keptBytes: number;
  /** Given up. */
  readonly unsentBytes: Readonly<Record<UnsentCause, number>>;
  /** Sent more than once, as a connection was lost before their turn was over. */
  readonly resentBytes: number;
  /** Utterances that were given up as a whole. */
  readonly droppedUtteranceCount: number;
}

/** A ring of audio between one that appends and one that sends. */
export class Outbox {
  readonly #ring: Uint8Array<ArrayBuffer>;
  readonly #maxEntryCount: number;
  readonly #causeOfDrop: () => UnsentCause;
  /** From `#first` on the sent ones, from `#next` on the unsent ones. */
  #entries: Entry[] = [];
  #first = 0;
  #next = 0;
  /**
   * Entries of audio that are over, to be used again. Each lives for long enough
   * to be taken for one that stays: collecting them would be put off for so long
   * that memory grew by megabytes.
   */
  readonly #spare: Entry[] = [];
  #writeOffset = 0;
  /** The part of the ring that is gone round in, from its beginning. */
  #usedLength: number;
  /** The utterance that is being appended to. */
  #open: MutableUtterance | undefined;
  /** What was appended last, so that it need not be encoded again. */
  #latest: { readonly entry: Entry; readonly audio: string } | undefined;
  /**
   * Sent bytes that could not be sent again, as their room was needed, by their
   * utterance, oldest first.
   */
  readonly #letGoBytes = new Map<MutableUtterance, number>();
  /** Where they ended on the session's own timeline. */
  #letGoEndMs = -Infinity;

  #appendedBytes = 0;
  #keptBytes = 0;
  #resentBytes = 0;
  #droppedUtteranceCount = 0;
  readonly #unsentBytes: Record<UnsentCause, number> = {
    notConnected: 0,
    bufferFull: 0,
  };

  /**
   * Reserves all its room; it becomes memory when it is needed.
   *
   * @param keepMs Milliseconds of audio that it has room for.
   * @param causeOfDrop Says why there is no more room, when there is none.
   */
  constructor(keepMs: number, causeOfDrop: () => UnsentCause) {
    this.#ring = new Uint8Array(Math.ceil(keepMs * BYTES_PER_MS));
    this.#usedLength = Math.min(
      this.#ring.length,
      FIRST_KEEP_MS * BYTES_PER_MS,
    );
    this.#maxEntryCount = Math.ceil(keepMs / MIN_CHUNK_MS) + 16;
    this.#causeOfDrop = causeOfDrop;
  }

  /** What became of every byte. */
  get counts(): OutboxCounts {
    const { notConnected, bufferFull } = this.#unsentBytes;
    return {
      appendedBytes: this.#appendedBytes,
      sentBytes: this.#appendedBytes - this.#keptBytes - notConnected -
        bufferFull,
      keptBytes: this.#keptBytes,
      unsentBytes: { notConnected, bufferFull },
      resentBytes: this.#resentBytes,
      droppedUtteranceCount: this.#droppedUtteranceCount,
    };
  }

  /** Bytes of memory that its ring costs at most. */
  get usedLength(): number {
    return this.#usedLength;
  }

  /** Whether an utterance is being appended to. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Whether nothing waits to be sent. */
  get isSent(): boolean {
    return this.#next === this.#entries.length;
  }

  /** Whether no utterance is open, waits to be sent, or might be sent again. */
  get isEmpty(): boolean {
    return this.#first === this.#entries.length && this.#open === undefined;
  }

  /**
   * Takes audio. Of what does not fit any more the oldest makes room: first what
   * was sent, then whole utterances, then the beginning of the last one.
   *
   * @param audio Base64 of PCM16.
   * @param byteCount The bytes of PCM16 that it stands for, by its length.
   * @param capturedMs When its first sample was captured.
   * @param eventId The `event_id` that it is to be sent with.
   * @returns `false` when it is larger than the ring: tell
   *   {@linkcode Outbox.pass} or {@linkcode Outbox.refuse} what became of it.
   * @throws {TypeError} When it is not base64.
   */
  append(
    audio: string,
    byteCount: number,
    capturedMs: number,
    eventId?: string,
  ): boolean {
    // Without padding: what has no room would be left out, and not be judged.
    const mostBytes = Math.ceil(audio.length / 4) * 3;
    if (mostBytes > this.#ring.length) return false;
    const offset = this.#makeRoomFor(mostBytes);
    const room = this.#ring.subarray(offset, offset + mostBytes);
    const decodedBytes = decodeBase64Into(audio, room);
    const utterance = this.#opened(capturedMs);
    utterance.byteCount += decodedBytes;
    this.#appendedBytes += decodedBytes;
    this.#keptBytes += decodedBytes;
    this.#writeOffset = offset + decodedBytes;
    const entry = this.#spare.pop() ?? makeEntry("audio");
    entry.utterance = utterance;
    entry.sentEndMs = Infinity;
    entry.isResent = false;
    entry.offset = offset;
    entry.byteCount = decodedBytes;
    entry.eventId = eventId;
    entry.capturedMs = capturedMs;
    this.#entries.push(entry);
    // White space may be in base64, and padding may not: then it is encoded anew.
    const isUsual = audio.length % 4 === 0 && decodedBytes === byteCount;
    this.#latest = isUsual ? { entry, audio } : undefined;
    return true;
  }

  /**
   * Counts audio that was sent past the ring.
   *
   * @param byteCount Its bytes of PCM16.
   * @param capturedMs When its first sample was captured.
   */
  pass(byteCount: number, capturedMs: number): void {
    const utterance = this.#opened(capturedMs);
    utterance.byteCount += byteCount;
    utterance.isStarted = true;
    this.#appendedBytes += byteCount;
    this.#letGo(utterance, byteCount);
  }

  /**
   * Counts audio that is neither sent nor kept.
   *
   * @param byteCount Its bytes of PCM16.
   * @param capturedMs When its first sample was captured.
   */
  refuse(byteCount: number, capturedMs: number): void {
    this.#opened(capturedMs).isCut = true;
    this.#appendedBytes += byteCount;
    this.#giveUp(byteCount);
  }

  /**
   * Ends the utterance that was appended to. One without audio is none.
   *
   * @param event The event that ends it, instead of the usual ones.
   */
  end(event?: RealtimeClientEvent): void {
    const utterance = this.#open;
    this.#open = undefined;
    if (utterance === undefined) return;
    if (utterance.byteCount > 0) this.#push("end", event, utterance);
    else this.#droppedUtteranceCount++;
  }

  /**
   * Takes an event that must not overtake the audio before it.
   *
   * @param event The event; it is sent once, and not again.
   */
  enqueue(event: RealtimeClientEvent): void {
    this.#push("event", event, undefined);
  }

  /** What is to be sent next, if anything. */
  peek(): OutboxItem | undefined {
    const entry = this.#entries[this.#next];
    switch (entry?.kind) {
      case undefined:
        return undefined;
      case "audio":
        return {
          kind: "audio",
          audio: this.#textOf(entry!),
          byteCount: entry!.byteCount,
          eventId: entry!.eventId,
        };
      case "end":
        return { kind: "end", event: entry!.event };
      case "event":
        return { kind: "event", event: entry!.event! };
    }
  }

  /**
   * Says that the next item was sent.
   *
   * @param sentEndMs Where the session's audio has arrived with it, in
   *   milliseconds.
   * @returns A name for it, for {@linkcode Outbox.settle}; that of audio is good
   *   until the audio is settled.
   */
  sent(sentEndMs: number): object {
    const entry = this.#entries[this.#next++]!;
    entry.sentEndMs = sentEndMs;
    this.#keptBytes -= entry.byteCount;
    if (entry.isResent) this.#resentBytes += entry.byteCount;
    if (entry.utterance !== undefined) entry.utterance.isStarted = true;
    this.#latest = undefined;
    return entry;
  }

  /**
   * Lets go of an item that was sent, and of all before it: they are over.
   *
   * @param name What `sent` returned.
   * @returns The utterance that it belongs to; nothing if it is settled already.
   */
  settle(name: object): Utterance | undefined {
    const entry = name as Entry;
    const index = this.#entries.indexOf(entry, this.#first);
    if (index >= 0) {
      this.#settleBefore(index + 1);
      return entry.utterance;
    }
    for (const utterance of this.#letGoBytes.keys()) {
      this.#letGoBytes.delete(utterance);
      if (utterance === entry.utterance) return utterance;
    }
    return undefined;
  }

  /**
   * Lets go of the utterance of an item that was sent, but of none before it:
   * those may still wait for their answer.
   *
   * @param name What `sent` returned.
   */
  finish(name: object): void {
    const { utterance } = name as Entry;
    if (utterance === undefined) return;
    utterance.isOver = true;
    this.#letGoBytes.delete(utterance);
    this.#skipOver();
  }

  /**
   * Lets go of what was sent up to a moment of the session's own timeline.
   *
   * @param sessionMs Milliseconds of audio since the session's start.
   */
  settleUntil(sessionMs: number): void {
    let index = this.#first;
    while (
      index < this.#next && this.#entries[index]!.sentEndMs <= sessionMs
    ) index++;
    if (index > this.#first) this.#settleBefore(index);
    else if (this.#letGoEndMs <= sessionMs) this.#letGoBytes.clear();
  }

  /**
   * Finds when something was captured.
   *
   * @param sessionMs Milliseconds of audio since the session's start.
   * @returns Milliseconds of `performance.now()`, if it is still known.
   */
  capturedMsAt(sessionMs: number): number | undefined {
    for (let index = this.#first; index < this.#next; index++) {
      const { kind, sentEndMs, capturedMs, byteCount } = this.#entries[index]!;
      if (kind !== "audio" || sentEndMs < sessionMs) continue;
      const beginMs = sentEndMs - byteCount / BYTES_PER_MS;
      return capturedMs + Math.max(0, sessionMs - beginMs);
    }
    return undefined;
  }

  /** Begins anew with the oldest item that is not settled: in a new session. */
  rewind(): void {
    for (const [utterance, byteCount] of this.#letGoBytes) {
      this.#unsentBytes.notConnected += byteCount;
      utterance.byteCount -= byteCount;
      utterance.isCut = true;
      const isGone = utterance !== this.#open &&
        !this.#entries.some((entry, index) =>
          index >= this.#first && entry.utterance === utterance
        );
      if (isGone) this.#droppedUtteranceCount++;
    }
    this.#letGoBytes.clear();
    const again: Entry[] = [];
    for (const entry of this.#entries.slice(this.#first, this.#next)) {
      if (isOver(entry)) continue;
      this.#keptBytes += entry.byteCount;
      entry.isResent = entry.utterance!.isResent = true;
      entry.utterance!.isStarted = false;
      again.push(entry);
    }
    if (this.#open !== undefined) this.#open.isStarted = false;
    this.#entries = [...again, ...this.#entries.slice(this.#next)];
    this.#first = this.#next = 0;
  }

  /** Gives up what was not sent, and forgets what was. */
  abandon(): void {
    const dropped = new Set(
      this.#entries.slice(this.#next).map(({ utterance }) => utterance),
    );
    for (const utterance of dropped) {
      if (utterance?.isStarted === false) this.#droppedUtteranceCount++;
    }
    this.#removeUnsent(() => true);
    this.#settleBefore(this.#next);
    this.#open = undefined;
  }

  /** Forgets the utterance that is being appended to, which was cleared. */
  clear(): void {
    const utterance = this.#open;
    if (utterance === undefined) return;
    this.#removeUnsent((entry) => entry.utterance === utterance);
    this.#open = undefined;
  }

  #opened(capturedMs: number): MutableUtterance {
    return this.#open ??= {
      capturedMs,
      byteCount: 0,
      isCut: false,
      isResent: false,
      isStarted: false,
      isOver: false,
    };
  }

  #push(
    kind: "end" | "event",
    event: RealtimeClientEvent | undefined,
    utterance: MutableUtterance | undefined,
  ): void {
    this.#entries.push({ ...makeEntry(kind), utterance, event });
  }

  #textOf(entry: Entry): string {
    if (this.#latest?.entry === entry) return this.#latest.audio;
    const { offset, byteCount } = entry;
    return bytesToBase64(this.#ring.subarray(offset, offset + byteCount));
  }

  #settleBefore(index: number): void {
    for (let count = index - this.#first; count > 0; count--) {
      this.#settleFirst();
    }
    this.#letGoBytes.clear();
    this.#skipOver();
  }

  #skipOver(): void {
    while (this.#first < this.#next && isOver(this.#entries[this.#first]!)) {
      this.#settleFirst();
    }
  }

  #settleFirst(): void {
    const entry = this.#entries[this.#first++]!;
    // The other kinds are names that somebody may still ask about.
    if (entry.kind === "audio") this.#spare.push(entry);
    // Each time would cost too much.
    if (this.#first < 256) return;
    this.#entries.splice(0, this.#first);
    this.#next -= this.#first;
    this.#first = 0;
  }

  #letGo(utterance: MutableUtterance, byteCount: number): void {
    const before = this.#letGoBytes.get(utterance) ?? 0;
    this.#letGoBytes.set(utterance, before + byteCount);
  }

  /** Finds room in the ring, making some where there is none. */
  #makeRoomFor(byteCount: number): number {
    for (;;) {
      const offset = this.#offsetFor(byteCount);
      const entryCount = this.#entries.length - this.#first;
      if (offset !== undefined && entryCount < this.#maxEntryCount) {
        return offset;
      }
      if (offset === undefined && this.#usedLength < this.#ring.length) {
        this.#useMore();
      } else if (this.#first < this.#next) {
        const { utterance, byteCount, sentEndMs } = this.#entries[this.#first]!;
        if (utterance?.isOver === false) this.#letGo(utterance, byteCount);
        this.#letGoEndMs = sentEndMs;
        this.#settleFirst();
      } else {
        this.#dropUnsent();
      }
    }
  }

  /** Where bytes can be put in one piece, if anywhere. */
  #offsetFor(byteCount: number): number | undefined {
    const oldest = this.#oldestAudio();
    if (oldest === undefined) {
      return this.#usedLength >= byteCount ? 0 : undefined;
    }
    if (this.#writeOffset <= oldest.offset) {
      return oldest.offset - this.#writeOffset >= byteCount
        ? this.#writeOffset
        : undefined;
    }
    if (this.#usedLength - this.#writeOffset >= byteCount) {
      return this.#writeOffset;
    }
    return oldest.offset >= byteCount ? 0 : undefined;
  }

  /** What is in the ring for the longest. */
  #oldestAudio(): Entry | undefined {
    let index = this.#first;
    while (this.#entries[index]?.byteCount === 0) index++;
    return this.#entries[index];
  }

  /** Goes round in twice as much of the ring, and keeps the order in it. */
  #useMore(): void {
    const oldLength = this.#usedLength;
    this.#usedLength = Math.min(2 * oldLength, this.#ring.length);
    const oldest = this.#oldestAudio();
    if (oldest === undefined || this.#writeOffset > oldest.offset) return;
    // The new room is to be where there was none: before the oldest.
    const gained = this.#usedLength - oldLength;
    const begin = oldest.offset;
    this.#ring.copyWithin(begin + gained, begin, oldLength);
    for (let index = this.#first; index < this.#entries.length; index++) {
      const entry = this.#entries[index]!;
      if (entry.byteCount > 0 && entry.offset >= begin) entry.offset += gained;
    }
  }

  /**
   * Gives up the oldest of what is unsent: its whole utterance, unless a part of
   * that was sent or is still to come.
   */
  #dropUnsent(): void {
    let index = this.#next;
    while (this.#isOwed(this.#entries[index]!)) index++;
    const { utterance, byteCount } = this.#entries[index]!;
    if (utterance === undefined || utterance === this.#open) {
      this.#entries.splice(index, 1);
      if (utterance !== undefined) this.#cut(utterance, byteCount);
    } else {
      if (!utterance.isStarted) this.#droppedUtteranceCount++;
      this.#removeUnsent((entry) =>
        entry.utterance === utterance && !this.#isOwed(entry)
      );
    }
  }

  /** A session that was sent a part of an utterance has to be told its end. */
  #isOwed({ kind, utterance }: Entry): boolean {
    return kind === "end" && utterance!.isStarted;
  }

  #removeUnsent(isRemoved: (entry: Entry) => boolean): void {
    const unsent = this.#entries.splice(this.#next);
    for (const entry of unsent) {
      if (!isRemoved(entry)) this.#entries.push(entry);
      else if (entry.utterance !== undefined) {
        this.#cut(entry.utterance, entry.byteCount);
      }
    }
  }

  #cut(utterance: MutableUtterance, byteCount: number): void {
    utterance.byteCount -= byteCount;
    utterance.isCut = true;
    this.#keptBytes -= byteCount;
    this.#giveUp(byteCount);
  }

  #giveUp(byteCount: number): void {
    this.#unsentBytes[this.#causeOfDrop()] += byteCount;
  }
}

function makeEntry(kind: OutboxItem["kind"]): Entry {
  return {
    kind,
    utterance: undefined,
    event: undefined,
    offset: 0,
    byteCount: 0,
    eventId: undefined,
    capturedMs: 0,
    sentEndMs: Infinity,
    isResent: false,
  };
}

/** What is not a part of an utterance is sent once. */
function isOver({ utterance }: Entry): boolean {
  return utterance === undefined || utterance.isOver;
}
