/**
 * Notices a peer that is gone without a word.
 *
 * @module
 */

/** What is known of a connection at a moment. */
export interface PeerSigns {
  /** The moment, in milliseconds of any clock. */
  readonly nowMs: number;
  /** Characters handed to the socket so far. */
  readonly sentLength: number;
  /** Bytes of them that still wait in the socket. */
  readonly bufferedBytes: number;
  /** Events received so far. */
  readonly receivedEventCount: number;
  /** Whether the peer owes an answer that takes no time, such as to a commit. */
  readonly isAnswerOwed: boolean;
}

/**
 * Tells a dead peer from a silent one. Deno can send no ping, and a server that
 * hears nothing says nothing; but a peer that lives takes what it is sent, and
 * answers a commit.
 */
export class PeerWatch {
  readonly #limitMs: number;
  #aliveMs: number;
  #takenLength = 0;
  #receivedEventCount = 0;

  /**
   * @param limitMs How long a peer may show no sign of life when one is due.
   * @param nowMs The present moment.
   */
  constructor(limitMs: number, nowMs: number) {
    this.#limitMs = limitMs;
    this.#aliveMs = nowMs;
  }

  /**
   * Looks at the signs.
   *
   * @param signs What is known now.
   * @returns Whether the peer must be taken for dead.
   */
  isDead(signs: PeerSigns): boolean {
    const takenLength = signs.sentLength - signs.bufferedBytes;
    const isSignDue = signs.bufferedBytes > 0 || signs.isAnswerOwed;
    if (
      !isSignDue || takenLength > this.#takenLength ||
      signs.receivedEventCount !== this.#receivedEventCount
    ) this.#aliveMs = signs.nowMs;
    this.#takenLength = takenLength;
    this.#receivedEventCount = signs.receivedEventCount;
    return signs.nowMs - this.#aliveMs >= this.#limitMs;
  }
}
