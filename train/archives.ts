/**
 * Takes recordings out of the one file that holds all those of a game.
 *
 * @module
 */

import { run } from "./programs.ts";

/** Makes files of what a package holds in one, in a folder of that package. */
export type Archive = (folder: string) => Promise<void>;

/** The packages that need it. */
export const ARCHIVES: Readonly<Record<string, Archive>> = {
  "beneath-a-steel-sky": sky,
  "flight-of-the-amazon-queen": queen,
  "nexuiz-music": (folder) => pk3(folder, "nexuiz/data/music.pk3"),
  "ufoai-music": (folder) => pk3(folder, "ufoai/base/0music.pk3"),
};

/** `sky.dnr` lists what is in `sky.dsk`; what is said has numbers from here on. */
const SKY_FIRST_LINE = 50_000;
/** From here on there are sounds among them, which are not packed. */
const SKY_FIRST_OTHER = 55_000;
/** Of the game's own, before what is packed. */
const SKY_HEADER_BYTES = 22;

/** Unpacks lines of `sky.dsk`: 8 bits, unsigned, 11,025 Hz. Needs `ancient`. */
async function sky(folder: string): Promise<void> {
  const from = `${folder}/usr/share/scummvm/beneath-a-steel-sky/sky`;
  const index = new DataView((await Deno.readFile(`${from}.dnr`)).buffer);
  const bytes = await Deno.readFile(`${from}.dsk`);
  const packed = `${folder}/line.rnc`;
  await Deno.mkdir(`${folder}/lines`, { recursive: true });
  for (let at = 4; at < index.byteLength; at += 8) {
    const number = index.getUint16(at, true);
    if (number < SKY_FIRST_LINE || number >= SKY_FIRST_OTHER) continue;
    const place = index.getUint32(at + 2, true) & 0xff_ffff;
    const size = index.getUint32(at + 4, true) >>> 8 & 0x3f_ffff;
    // Places beyond the first eight megabytes are counted in sixteens.
    const begin = place < 0x80_0000 ? place : (place & 0x7f_ffff) * 16;
    await Deno.writeFile(
      packed,
      bytes.subarray(begin + SKY_HEADER_BYTES, begin + size),
    );
    const line = `${folder}/lines/${number}.raw`;
    await run("ancient", ["decompress", packed, line]);
  }
}

/** Of an entry in the table of `queen.1c`: name, kind, place and size. */
const QUEEN_ENTRY_BYTES = 21;
const QUEEN_TABLE = 15;

/** Copies lines out of `queen.1c`, which are MP3. */
async function queen(folder: string): Promise<void> {
  const path = "usr/share/scummvm/flight-of-the-amazon-queen/queen.1c";
  const bytes = await Deno.readFile(`${folder}/${path}`);
  const table = new DataView(bytes.buffer);
  const count = table.getUint16(QUEEN_TABLE - 2);
  await Deno.mkdir(`${folder}/lines`, { recursive: true });
  for (let i = 0; i < count; i++) {
    const at = QUEEN_TABLE + i * QUEEN_ENTRY_BYTES;
    const [name] = new TextDecoder().decode(bytes.subarray(at, at + 12))
      .split("\0");
    if (!name!.endsWith(".SB")) continue;
    const begin = table.getUint32(at + 13);
    await Deno.writeFile(
      `${folder}/lines/${name!.replace(".SB", ".mp3")}`,
      bytes.subarray(begin, begin + table.getUint32(at + 17)),
    );
  }
}

/** Unpacks a ZIP file of another name: `python3` has what that takes. */
async function pk3(folder: string, path: string): Promise<void> {
  const file = `${folder}/usr/share/games/${path}`;
  await run("python3", ["-m", "zipfile", "-e", file, folder]);
}
