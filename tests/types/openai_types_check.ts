/**
 * Compares our event types with those of OpenAI's own client. Nothing runs here:
 * the type checker is the test.
 */

import type {
  RealtimeClientEvent as OpenaiClientEvent,
  RealtimeServerEvent as OpenaiServerEvent,
} from "npm:openai@7.57.0/resources/realtime/realtime";
import type {
  RealtimeAudioInput,
  RealtimeClientEvent,
  RealtimeServerEventOf,
  RealtimeServerEventType,
  RealtimeSession,
} from "../../src/realtime/events.ts";

type Expect<Truth extends true> = Truth;
type Extends<A, B> = [A] extends [B] ? true : false;

/**
 * Their types have no `null` for two fields that the documentation turns off with
 * `null`; everything else must fit.
 */
type WithoutNull<Input> = {
  [Field in keyof Input]: Field extends "noise_reduction" | "transcription"
    ? Exclude<Input[Field], null>
    : Input[Field];
};
type Sent<Event> = Event extends { session: RealtimeSession }
  ? Omit<Event, "session"> & { session: SentSession<Event["session"]> }
  : Event;
type SentSession<Session> = Session extends
  { audio?: { input?: RealtimeAudioInput } } ? Omit<Session, "audio"> & {
    audio?: Omit<NonNullable<Session["audio"]>, "input"> & {
      input?: WithoutNull<RealtimeAudioInput>;
    };
  }
  : Session;

/** Every event that we can send is one that OpenAI's client could send. */
export type _Sent = Expect<
  Extends<Sent<RealtimeClientEvent>, OpenaiClientEvent>
>;

/** Every event that we know to receive exists. */
export type _Known = Expect<
  Extends<RealtimeServerEventType, OpenaiServerEvent["type"]>
>;

/** Every event that we know to receive can be read as ours. */
export type _Received = Expect<
  {
    [Type in RealtimeServerEventType]: Extends<
      Extract<OpenaiServerEvent, { type: Type }>,
      RealtimeServerEventOf<Type>
    >;
  }[RealtimeServerEventType]
>;

/** A misspelt or dead field is refused. */
export const _dead: RealtimeClientEvent = {
  type: "session.update",
  session: {
    type: "realtime",
    // @ts-expect-error The beta interface called it so.
    modalities: ["text"],
  },
};
