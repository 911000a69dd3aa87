/**
 * What the synthesised voices say. Voices that train say numbers and words that
 * mean nothing; those that test say sentences that no other voice says.
 *
 * @module
 */

import type { Random } from "./random.ts";
import type { Role } from "./sources.ts";

const CONSONANTS = [..."bdfghjklmnprstvwz", "st", "tr", "pl", "sh", "kr", "gl"];
const VOWELS = [..."aeiou", "ai", "ou", "ea"];

/** Sentences of the voices that test, by language. */
const SENTENCES: Readonly<Record<string, readonly string[]>> = {
  "en-us": [
    "Please turn on the light in the kitchen and tell me what time it is.",
    "Robot, go back to your charging station.",
    "What will the weather be like tomorrow afternoon?",
    "Stop. No, the other one, on the left.",
    "Could you remind me to water the plants when I come home?",
    "Yes.",
  ],
  de: [
    "Mach bitte das Licht im Flur aus und die Heizung an.",
    "Wie komme ich am schnellsten zum Bahnhof?",
    "Stell den Wecker auf halb sieben.",
    "Nein, das habe ich nicht gesagt.",
    "Spiel etwas Ruhiges, aber nicht zu laut.",
  ],
  it: [
    "Che tempo farà domani mattina a Torino?",
    "Accendi la luce del soggiorno, per favore.",
    "Quanto manca alla prossima fermata?",
    "Basta così, grazie.",
  ],
  ru: [
    "Включи, пожалуйста, свет на кухне.",
    "Какая завтра будет погода?",
    "Напомни мне позвонить маме вечером.",
    "Хватит, спасибо.",
  ],
  pt: [
    "Acende a luz da sala e fecha a janela.",
    "Que horas são agora em Lisboa?",
    "Lembra-me de comprar pão amanhã cedo.",
    "Obrigado, já chega.",
  ],
  tr: [
    "Lütfen mutfağın ışığını aç.",
    "Yarın hava nasıl olacak?",
    "Beni sabah yedide uyandır.",
    "Tamam, teşekkür ederim.",
  ],
};

/**
 * Says what a voice says next.
 *
 * @param role What the voice is for.
 * @param voice Its name, which begins with its language.
 * @param random Chance.
 * @returns One sentence.
 */
export function sentence(role: Role, voice: string, random: Random): string {
  if (role === "test") return random.pick(SENTENCES[voice.split("+")[0]!]!);
  const count = 1 + random.below(9);
  const words = Array.from({ length: count }, () => {
    if (random.chance(0.25)) return `${random.below(random.pick([10, 5000]))}`;
    const syllables = 1 + random.below(3);
    return Array.from(
      { length: syllables },
      () => random.pick(CONSONANTS) + random.pick(VOWELS),
    ).join("") + (random.chance(0.3) ? random.pick(["n", "s", "r", "t"]) : "");
  });
  const pause = random.below(count);
  return words.map((word, i) => i === pause && i > 2 ? `, ${word}` : word)
    .join(" ") + ".";
}
