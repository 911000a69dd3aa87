/**
 * What a connection says of itself.
 *
 * @module
 */

import type { RealtimeError } from "./errors.ts";

/** What a connection is doing. */
export type RealtimeConnectionState =
  /** Not started. */
  | { readonly status: "idle" }
  /** Waiting for the socket and the session. */
  | { readonly status: "connecting" }
  /** Waiting for the session's settings to be accepted. */
  | { readonly status: "configuring" }
  /** Ready for audio. */
  | {
    readonly status: "ready";
    /** The session's id, if the server named one. */
    readonly sessionId: string | undefined;
    /** When the session ends at the latest, in milliseconds since 1970. */
    readonly expiresAtMs: number | undefined;
  }
  /** Lost, and being made again; audio is kept meanwhile. */
  | {
    readonly status: "reconnecting";
    /** Why it was lost, or why the last attempt failed. */
    readonly error: RealtimeError;
    /** Which attempt comes next, from 1. */
    readonly attempt: number;
  }
  /** Saying goodbye. */
  | { readonly status: "closing" }
  /** Stopped or given up as asked; it can be started again. */
  | { readonly status: "closed" }
  /** Lost; it can be started again. */
  | { readonly status: "failed"; readonly error: RealtimeError };

/** What became of everything that was to be sent, over all sessions. */
export interface RealtimeConnectionStats {
  /**
   * Audio that was to be sent, in bytes of PCM16: the sum of `sentAudioBytes`,
   * `keptAudioBytes` and `unsentAudioBytes`.
   */
  readonly appendedAudioBytes: number;
  /**
   * Audio that was sent, in bytes of PCM16: to the present session, or to an
   * earlier one that took it.
   */
  readonly sentAudioBytes: number;
  /** The same in milliseconds, at 24 kHz mono. */
  readonly sentAudioMs: number;
  /** Audio that waits to be sent, in bytes of PCM16. */
  readonly keptAudioBytes: number;
  /** The same in milliseconds, at 24 kHz mono. */
  readonly keptAudioMs: number;
  /** Audio that was sent again after a loss, in bytes of PCM16. */
  readonly resentAudioBytes: number;
  /**
   * Audio that was not sent, in bytes of PCM16: because there was no session to
   * send it to, or too slow a one, and no more room to keep it.
   */
  readonly unsentAudioBytes: Readonly<
    Record<"notConnected" | "bufferFull", number>
  >;
  /** The same in milliseconds, at 24 kHz mono. */
  readonly unsentAudioMs: Readonly<
    Record<"notConnected" | "bufferFull", number>
  >;
  /** Silence of our own that was sent to end turns, in milliseconds. */
  readonly silencePaddingMs: number;
  /** Utterances that the server took. */
  readonly committedUtteranceCount: number;
  /** Utterances that the server refused. */
  readonly refusedUtteranceCount: number;
  /** Utterances that were dropped as a whole; their audio is not sent. */
  readonly droppedUtteranceCount: number;
  /** Utterances under 100 ms, which the service does not take: cleared. */
  readonly shortUtteranceCount: number;
  /** How often a lost connection was made again. */
  readonly reconnectCount: number;
  /** How often a session was replaced before its end. */
  readonly renewalCount: number;
  /** Events that were sent, audio included. */
  readonly sentEventCount: number;
  /** Events that were received. */
  readonly receivedEventCount: number;
  /** Events that were dropped because an iterator was too slow. */
  readonly droppedEventCount: number;
  /** Bytes that wait in the socket now. */
  readonly bufferedBytes: number;
}
