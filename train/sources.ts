/**
 * Which recordings are used, and for what.
 *
 * Nobody is in two roles: a voice that trains neither tunes nor tests. The
 * recordings are in packages of Debian 12; none is committed.
 *
 * @module
 */

/** What a source is for: the network's weights, our choices, or the bench. */
export type Role = "train" | "tune" | "test";

/** Recordings of one voice, or of one kind. */
export interface Source {
  /** Its name, and its folder in the corpus. */
  readonly name: string;
  readonly role: Role;
  readonly kind: "speech" | "music" | "sounds";
  /** Debian's package, whose copyright file names the licence. */
  readonly package: string;
  /** Which of its files. */
  readonly files: RegExp;
  /** Files that do not hold what their source says. */
  readonly not?: RegExp;
  /** Samples per second of files without a header (mono, signed 16 bits). */
  readonly rawRate?: number;
  /** Whether those are unsigned, of 8 bits. */
  readonly isEightBits?: boolean;
  /** The most files that are used, spread over all. */
  readonly atMost?: number;
}

/** A voice of a speech synthesiser. */
export interface SynthesiserVoice {
  readonly name: string;
  readonly role: Role;
  readonly program: "espeak-ng" | "flite";
  readonly voice: string;
  readonly utterances: number;
}

const ASTERISK = { atMost: 260, not: /silence|beep|tone|ring|zap|ascending/ };

/** Every recording. */
export const SOURCES: readonly Source[] = [
  ...["be", "bg", "ca", "da", "el", "es", "fr", "ro", "ru"].map((
    language,
  ): Source => ({
    name: `tuxpaint-${language}`,
    role: "train",
    kind: "speech",
    package: "tuxpaint-stamps-default",
    files: new RegExp(`_desc_${language}\\.ogg$`),
    atMost: 600,
  })),
  ...["lt", "nl", "pt_BR"].map((language): Source => ({
    name: `tuxpaint-${language}`,
    role: "tune",
    kind: "speech",
    package: "tuxpaint-stamps-default",
    files: new RegExp(`_desc_${language}\\.(ogg|wav)$`),
    atMost: 100,
  })),
  ...["ca", "da", "de", "el", "en", "fr", "gl", "sl", "uk", "wa"].map((
    language,
  ): Source => ({
    name: `ktuberling-${language}`,
    role: "train",
    kind: "speech",
    package: "ktuberling-data",
    files: new RegExp(`/sounds/${language}/`),
  })),
  ...["lt", "ru"].map((language): Source => ({
    name: `ktuberling-${language}`,
    role: "tune",
    kind: "speech",
    package: "ktuberling-data",
    files: new RegExp(`/sounds/${language}/`),
    atMost: 100,
  })),
  ...["ar", "da", "en_GB", "he", "hu", "lt", "ml", "tn"].map((
    language,
  ): Source => ({
    name: `klettres-${language}`,
    role: "train",
    kind: "speech",
    package: "klettres-data",
    files: new RegExp(`/klettres/${language}/.*\\.ogg$`),
    atMost: 40,
  })),
  {
    name: "fillets-cs",
    role: "train",
    kind: "speech",
    package: "fillets-ng-data-cs",
    files: /\/cs\/.*\.ogg$/,
    atMost: 900,
  },
  {
    name: "asterisk-fr",
    role: "train",
    kind: "speech",
    package: "asterisk-core-sounds-fr-wav",
    files: /\.wav$/,
    ...ASTERISK,
  },
  {
    name: "asterisk-it",
    role: "train",
    kind: "speech",
    package: "asterisk-core-sounds-it-wav",
    files: /\.wav$/,
    ...ASTERISK,
  },
  {
    name: "armelle",
    role: "train",
    kind: "speech",
    package: "asterisk-prompt-fr-armelle",
    files: /\.(wav|gsm)$/,
    ...ASTERISK,
  },
  {
    name: "menardi",
    role: "tune",
    kind: "speech",
    package: "asterisk-prompt-it-menardi-wav",
    files: /\.wav$/,
    ...ASTERISK,
    atMost: 120,
  },
  {
    name: "codec2",
    role: "train",
    kind: "speech",
    package: "codec2-examples",
    files: /\/raw\/(h|m|f|c|v|pickle|forig|big)[^/]*\.raw$/,
    rawRate: 8000,
  },
  ...[
    "British",
    "Classic",
    "Default",
    "Default_es",
    "Default_pl",
    "Default_ru",
    "Default_uk",
    "HillBilly",
    "Mobster",
    "Pirate",
    "Russian",
    "Surfer",
  ].map((voice): Source => ({
    name: `hedgewars-${voice}`,
    role: "train",
    kind: "speech",
    package: "hedgewars-data",
    files: new RegExp(`/voices/${voice}/.*\\.ogg$`),
    not: /Ouch|Oof|Ow|Hmm|Ugh|Cough|Laugh/i,
  })),
  // Of these games' actors, who speaks a line shows in its number at best: so
  // neighbouring lines count as one voice.
  ...["50", "51", "52", "53", "54"].map((part): Source => ({
    name: `sky-${part}`,
    role: "train",
    kind: "speech",
    package: "beneath-a-steel-sky",
    files: new RegExp(`/lines/${part}\\d+\\.raw$`),
    atMost: 250,
    rawRate: 11_025,
    isEightBits: true,
  })),
  ...["0", "1", "2", "3", "4", "5", "6", "7", "C", "J"].map((part): Source => ({
    name: `queen-${part}`,
    role: "train",
    kind: "speech",
    package: "flight-of-the-amazon-queen",
    files: new RegExp(`/lines/${part}[^/]*\\.mp3$`),
    atMost: 200,
  })),
  // The hero speaks the lines without a letter, everybody else the others.
  ...[
    ["en", "drascula"],
    ["es", "drascula-spanish"],
    ["it", "drascula-italian"],
  ].flatMap(([language, from]) =>
    [["hero", /\/\d+\.ALS$/], ["others", /\/[A-Z]+\d+\.ALS$/]].map((
      [who, files],
    ): Source => ({
      name: `drascula-${language}-${who}`,
      role: "train",
      kind: "speech",
      package: from!,
      files: files as RegExp,
      atMost: 250,
      rawRate: 11_025,
      isEightBits: true,
    }))
  ),
  // Mandarin syllables; another voice of that package is too noisy.
  {
    name: "gcin",
    role: "train",
    kind: "speech",
    package: "gcin-voice",
    files: /\/5\.ogg$/,
    atMost: 300,
  },
  {
    name: "festvox-ru",
    role: "train",
    kind: "speech",
    package: "festvox-ru",
    files: /\/wav\/.*\.wav$/,
    atMost: 250,
  },
  ...[
    ["pocketsphinx", "pocketsphinx-testdata", /\.(wav|raw|sph)$/],
    ["asterisk-en", "asterisk-core-sounds-en-wav", /\.wav$/],
    ["asterisk-es", "asterisk-core-sounds-es-wav", /\.wav$/],
    ["asterisk-ru", "asterisk-core-sounds-ru-wav", /\.wav$/],
    ["fillets-nl", "fillets-ng-data-nl", /\.ogg$/],
  ].map(([name, from, files]): Source => ({
    name: name as string,
    role: "test",
    kind: "speech",
    package: from as string,
    files: files as RegExp,
    ...ASTERISK,
    atMost: 150,
    rawRate: 16_000,
  })),
  ...([
    ["wesnoth", "wesnoth-1.16-music", /\.ogg$/, "train"],
    ["warzone", "warzone2100-music", /\.(ogg|opus)$/, "train"],
    ["widelands", "widelands-data", /\/music\/.*\.ogg$/, "train"],
    ["hedgewars", "hedgewars-data", /\/Music\/.*\.ogg$/, "train"],
    ["colobot", "colobot-common-sounds", /\/music\/.*\.ogg$/, "train"],
    ["horizons", "unknown-horizons", /\/music\/.*\.ogg$/, "train"],
    ["freedroid", "freedroidrpg-data", /\/music\/.*\.ogg$/, "train"],
    ["btanks", "btanks-data", /\/tunes\/.*\.ogg$/, "train"],
    ["hold", "asterisk-moh-opsound-wav", /\.wav$/, "train"],
    ["supertux", "supertux-data", /\/music\/.*\.ogg$/, "train"],
    ["kart", "supertuxkart-data", /\/music\/.*\.ogg$/, "train"],
    ["singularity", "singularity-music", /\.ogg$/, "train"],
    ["flare", "flare-game", /\/music\/.*\.ogg$/, "train"],
    ["hyperrogue", "hyperrogue-music", /\/music\/.*\.ogg$/, "train"],
    ["racer", "extremetuxracer-data", /\/music\/.*\.ogg$/, "train"],
    ["naev", "naev-data", /\/music\/.*\.ogg$/, "train"],
    ["megaglest", "megaglest-data", /\/music\/.*\.ogg$/, "train"],
    ["pingus", "pingus-data", /\/music\/.*\.it$/, "train"],
    ["starfighter", "starfighter-data", /\/music\/.*\.ogg$/, "train"],
    ["mars", "marsshooter-data", /\/music\/.*\.(ogg|wav)$/, "train"],
    ["lordsawar", "lordsawar-data", /\/music\/.*\.ogg$/, "train"],
    ["frets", "fretsonfire-songs-sectoid", /\.ogg$/, "train"],
    ["zaz", "zaz-data", /\/mus\d\.ogg$/, "train"],
    // Voices are in the others.
    [
      "drascula",
      "drascula-music",
      /\/track(?!(1|2|29|30|31)\.)\d+\.ogg$/,
      "train",
    ],
    ["freecol", "freecol", /\/(music|anthem)\/.*\.ogg$/, "train"],
    ["biniax", "biniax2-data", /\/music\/.*\.it$/, "train"],
    ["glob2", "glob2-data", /\/zik\/.*\.ogg$/, "train"],
    ["mu-cade", "mu-cade-data", /\/musics\/.*\.ogg$/, "train"],
    ["noiz2sa", "noiz2sa-data", /\.ogg$/, "train"],
    ["parsec47", "parsec47-data", /\.ogg$/, "train"],
    ["rrootage", "rrootage-data", /\.ogg$/, "train"],
    ["titanion", "titanion-data", /\.ogg$/, "train"],
    ["a7xpg", "a7xpg-data", /\.ogg$/, "train"],
    ["gunroar", "gunroar-data", /\/musics\/.*\.ogg$/, "train"],
    ["torus", "torus-trooper-data", /\/musics\/.*\.ogg$/, "train"],
    ["tumiki", "tumiki-fighters-data", /\.ogg$/, "train"],
    ["nexuiz", "nexuiz-music", /\/cdtracks\/(?!digital).*\.ogg$/, "train"],
    ["ufoai", "ufoai-music", /\/music\/.*\.ogg$/, "train"],
    ["xmoto", "xmoto-data", /\/Musics\/.*\.ogg$/, "train"],
    ["ardentryst", "ardentryst", /\/Music\/.*\.ogg$/, "tune"],
    ["enigma", "enigma-data", /\/music\/.*\.ogg$/, "tune"],
    ["warmux", "warmux-data", /\/music\/.*\.ogg$/, "tune"],
    ["lincity", "lincity-ng-data", /\/music\/.*\.ogg$/, "tune"],
    ["fillets", "fillets-ng-data", /\/music\/.*\.ogg$/, "test"],
  ] as const).map(([name, from, files, role]): Source => ({
    name: `music-${name}`,
    role,
    kind: "music",
    package: from,
    files,
  })),
  ...([
    ["widelands", "widelands-data", /\/sound\/.*\.(ogg|wav)$/, "train"],
    ["hedgewars", "hedgewars-data", /\/Sounds\/[^/]*\.ogg$/, "train"],
    ["colobot", "colobot-common-sounds", /\/sounds\/.*\.(ogg|wav)$/, "train"],
    ["freedroid", "freedroidrpg-data", /\/sound\/effects\/.*\.ogg$/, "train"],
    ["tuxpaint", "tuxpaint-stamps-default", /\.(ogg|wav)$/, "train"],
    ["btanks", "btanks-data", /\/sounds\/.*\.ogg$/, "train"],
    ["sonic-pi", "sonic-pi-samples", /\.flac$/, "train"],
    ["lincity", "lincity-ng-data", /\/sounds\/.*\.(ogg|wav)$/, "tune"],
    [
      "warmux",
      "warmux-data",
      /\/sound\/default\/(misc|weapons)\/.*\.ogg$/,
      "tune",
    ],
  ] as const).map(([name, from, files, role]): Source => ({
    name: `sounds-${name}`,
    role,
    kind: "sounds",
    package: from,
    files,
    not:
      /desc|voice|vox|vocal|comment|taunt|speech|tavern|say|human|people|crowd|cheer|laugh|hello|children|baby|misc_crow/i,
    atMost: 400,
  })),
];

/** Languages of espeak-ng; what tests are those that nothing else may use. */
const ESPEAK_LANGUAGES: Readonly<Record<Role, readonly string[]>> = {
  train: [
    "en-gb",
    "en-gb-scotland",
    "en-029",
    "fr-fr",
    "es",
    "es-419",
    "nl",
    "pl",
    "cs",
    "sv",
    "nb",
    "hu",
    "fi",
    "el",
    "hi",
    "id",
    "ro",
    "hr",
    "ca",
    "eo",
    "la",
    "sw",
    "ta",
    "cmn",
    "ar",
    "ja",
    "ko",
    "vi",
    "fa",
    "bn",
  ],
  tune: ["da", "sk", "uk", "et"],
  test: ["en-us", "de", "it", "ru", "pt", "tr"],
};

const ESPEAK_VARIANTS: Readonly<Record<Role, readonly string[]>> = {
  train: [
    "m1",
    "m2",
    "m3",
    "m5",
    "m6",
    "f1",
    "f2",
    "f4",
    "klatt2",
    "klatt4",
    "Andy",
    "Annie",
    "Denis",
    "linda",
    "grandma",
    "whisper",
  ],
  tune: ["m4", "f3", "klatt"],
  test: ["m7", "m8", "f5", "klatt3", "Michael", "steph"],
};

/** Every synthesised voice. */
export const VOICES: readonly SynthesiserVoice[] = [
  ...(["train", "tune", "test"] as const).flatMap((role) =>
    ESPEAK_LANGUAGES[role].flatMap((language, i) => {
      const variants = ESPEAK_VARIANTS[role];
      const count = role === "train" ? 3 : 2;
      return Array.from({ length: count }, (_, k): SynthesiserVoice => {
        const variant = variants[(i * count + k) % variants.length];
        return {
          name: `espeak-${language}+${variant}`,
          role,
          program: "espeak-ng",
          voice: `${language}+${variant}`,
          utterances: role === "train" ? 20 : 15,
        };
      });
    })
  ),
  ...["kal16", "awb", "rms", "slt"].map((voice): SynthesiserVoice => ({
    name: `flite-${voice}`,
    role: "train",
    program: "flite",
    voice,
    utterances: 60,
  })),
];
