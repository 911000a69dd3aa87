/**
 * Sound cards beyond their numbers: which of the present ones is the card of
 * before, and what a device on it is called now.
 *
 * @module
 */

import type { CardIdentity } from "./pcm.ts";

/** What is known of a card without knowing the others. */
export type CardNames = Omit<CardIdentity, "isOnlyOfItsModel">;

/**
 * The PCMs of ALSA's own configuration whose first argument is the card
 * (`@args [ CARD … ]` in `alsa.conf`, `pcm/*.conf` and `cards/*.conf`).
 */
const PCMS_OF_CARDS = [
  "hw",
  "plughw",
  "default",
  "sysdefault",
  "dsnoop",
  "dmix",
  "front",
  "rear",
  "center_lfe",
  "side",
  "surround\\d\\d",
  "iec958",
  "spdif",
  "hdmi",
  "modem",
  "phoneline",
  "usbstream",
];

/** `hw:1,0`: before the card, the card, behind it. */
const CARD_AS_FIRST_ARGUMENT = new RegExp(
  `^((?:${PCMS_OF_CARDS.join("|")}):\\s*)([^\\s,='"{]+)(\\s*(?:,.*)?)$`,
);

/**
 * `hw:DEV=0,CARD=1`: before the card, the card, behind it. The name may be any,
 * but no quotes or braces: in those is the name of another PCM.
 */
const CARD_BY_NAME =
  /^([^:'"{]+:(?:[^'"{]*,)?\s*CARD\s*=\s*)([^\s,'"{]+)([^'"{]*)$/;

/**
 * Tells the card that an ALSA name names.
 *
 * That is the argument `CARD=` of any PCM, or the first argument of those PCMs
 * of ALSA's own configuration that begin with the card, such as `hw`, `plughw`
 * and `sysdefault`. The first argument of another PCM may be anything.
 *
 * @param device ALSA's name of a device, such as `"plughw:CARD=Mic,DEV=0"`.
 * @returns The card's number or id, such as `"Mic"`; `undefined` for names
 *   without one, such as `"default"`, and for names that contain quotes or
 *   braces.
 */
export function cardInName(device: string): string | undefined {
  return splitAtCard(device)?.[1];
}

/**
 * Puts another card into an ALSA name.
 *
 * @param device ALSA's name of a device, such as `"plughw:CARD=Mic,DEV=0"`.
 * @param cardNumber The card's number, such as 2.
 * @returns The name of that device on the card, such as
 *   `"plughw:CARD=2,DEV=0"`; `device` itself when
 *   {@linkcode cardInName} finds no card in it.
 */
export function nameOnCard(device: string, cardNumber: number): string {
  const parts = splitAtCard(device);
  if (parts === undefined) return device;
  const [before, _card, behind] = parts;
  return before + cardNumber + behind;
}

/**
 * Finds a card of before among the present ones.
 *
 * The best match counts: the same long name (so the same port, for USB) and id;
 * else the same long name; else, when the card was the only one of its model
 * and one card is now, that one, which was moved to another port. A microphone
 * that has a twin is never taken for it.
 *
 * @param identity The card of before.
 * @param cards The present ones.
 * @returns The card; `undefined` when it is not there, and when two match
 *   equally well.
 */
export function findCard<Card extends CardNames>(
  identity: CardIdentity,
  cards: readonly Card[],
): Card | undefined {
  const inPlace = cards.filter(({ longName }) =>
    longName === identity.longName
  );
  const sameId = inPlace.filter(({ id }) => id === identity.id);
  const sameModel = identity.isOnlyOfItsModel
    ? cards.filter((card) => modelOf(card) === modelOf(identity))
    : [];
  const candidates = [sameId, inPlace, sameModel]
    .find((matches) => matches.length > 0);
  return candidates?.length === 1 ? candidates[0] : undefined;
}

/**
 * Notes what a card can be found by later.
 *
 * @param card The card, one of `cards`.
 * @param cards All that are there now.
 * @returns Its identity.
 */
export function identityOf<Card extends CardNames>(
  card: Card,
  cards: readonly Card[],
): CardIdentity {
  const { id, longName, components } = card;
  const ofItsModel = cards.filter((other) => modelOf(other) === modelOf(card));
  const isOnlyOfItsModel = ofItsModel.length === 1;
  return { id, longName, components, isOnlyOfItsModel };
}

/** What a card is, wherever it is plugged in. */
function modelOf({ longName, components }: CardNames): string {
  const end = longName.lastIndexOf(" at ");
  const name = end < 0 ? longName : longName.slice(0, end);
  return `${name}\n${components}`;
}

function splitAtCard(
  device: string,
): [before: string, card: string, behind: string] | undefined {
  const match = CARD_BY_NAME.exec(device) ??
    CARD_AS_FIRST_ARGUMENT.exec(device);
  if (match === null) return undefined;
  return [match[1]!, match[2]!, match[3]!];
}
