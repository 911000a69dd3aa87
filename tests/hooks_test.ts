/** Commands that run when something happens. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Hooks, type HookVariables, runShell } from "../src/cli/hooks.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";

/** Hooks whose commands are done when the test says so. */
function lab() {
  const clock = new FakeClock();
  const said: string[] = [];
  const started: { command: string; variables: HookVariables }[] = [];
  const killed: string[] = [];
  let end: (code: number) => void = () => {};
  const hooks = new Hooks({
    commands: { "speech-start": "on", "speech-end": "off", transcript: "type" },
    clock,
    say: (text) => said.push(text),
    run(command, variables, signal) {
      started.push({ command, variables });
      const { promise, resolve } = Promise.withResolvers<number>();
      end = resolve;
      signal.addEventListener("abort", () => {
        killed.push(command);
        resolve(137);
      });
      return promise;
    },
  });
  const finish = async (code = 0) => {
    end(code);
    await clock.advance(0);
  };
  return { clock, said, started, killed, hooks, finish };
}

Deno.test("Hooks run one after another, in the order of what happened", async () => {
  const { hooks, started, finish } = lab();
  hooks.fire("speech-start");
  hooks.fire("speech-end");
  assertEquals(started.map(({ command }) => command), ["on"]);
  await finish();
  assertEquals(started.map(({ command }) => command), ["on", "off"]);
  await finish();
  await hooks[Symbol.asyncDispose]();
});

Deno.test("Hooks tell what happened in variables, cut to what fits", async () => {
  const { hooks, started, finish } = lab();
  hooks.fire("transcript", `a\0b${"x".repeat(40_000)}`);
  const { EARSHOT_EVENT, EARSHOT_TEXT, EARSHOT_TIME } = started[0]!.variables;
  assertEquals(EARSHOT_EVENT, "transcript");
  assertEquals(EARSHOT_TEXT!.length, 32_768);
  assert(EARSHOT_TEXT!.startsWith("abx"));
  assertEquals(EARSHOT_TIME, new Date(performance.timeOrigin).toISOString());
  await finish();
  await hooks[Symbol.asyncDispose]();
});

Deno.test("Hooks without a command do nothing", async () => {
  const { hooks, started } = lab();
  hooks.fire("error", "text");
  assertEquals(started, []);
  await hooks[Symbol.asyncDispose]();
});

Deno.test("Hooks let the oldest give way when more than 16 wait, and say so", async () => {
  const { hooks, started, said, finish } = lab();
  hooks.fire("speech-start");
  hooks.fire("transcript");
  for (let i = 0; i < 16; i++) hooks.fire("speech-end");
  assertEquals(said, [
    "A hook of transcript was left out, as those before it take too long",
  ]);
  for (let i = 0; i < 17; i++) await finish();
  assertEquals(started.length, 17);
  await hooks[Symbol.asyncDispose]();
});

Deno.test("a hook is killed after 10 seconds, and the next one runs", async () => {
  const { hooks, started, killed, said, clock, finish } = lab();
  hooks.fire("speech-start");
  hooks.fire("speech-end");
  await clock.advance(9999);
  assertEquals(killed, []);
  await clock.advance(1);
  assertEquals(killed, ["on"]);
  assertEquals(said, ["The hook of speech-start was killed after 10 seconds"]);
  assertEquals(started.length, 2);
  await finish();
  await hooks[Symbol.asyncDispose]();
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("a hook that fails is said", async () => {
  const { hooks, said, finish } = lab();
  hooks.fire("speech-start");
  await finish(3);
  assertEquals(said, ["The hook of speech-start failed with exit code 3"]);
  await hooks[Symbol.asyncDispose]();
});

Deno.test("the end waits 2 seconds for hooks, and then kills and leaves out", async () => {
  const { hooks, killed, said, clock } = lab();
  hooks.fire("speech-start");
  hooks.fire("speech-end");
  const ending = hooks[Symbol.asyncDispose]();
  await clock.advance(1999);
  assertEquals(killed, []);
  await clock.advance(1);
  await ending;
  assertEquals(killed, ["on"]);
  assertEquals(said, [
    "The hook of speech-start was killed at the end",
    "A hook of speech-end was left out at the end",
  ]);
  assertEquals(clock.sleeperCount, 0);
});

/** Runs a command with the real shell, in a folder of its own. */
async function inFolder(
  command: (folder: string) => string,
  variables: HookVariables,
  test: (folder: string, code: number) => Promise<void> | void,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const never = new AbortController().signal;
  try {
    const code = await runShell(command(folder), variables, never);
    await test(folder, code);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("words that look like commands are not run", async () => {
  const words = "\"; touch evil; $(touch evil) `touch evil` && touch evil '";
  await inFolder(
    (folder) => `cd ${folder} && printf %s "$EARSHOT_TEXT" > said`,
    { EARSHOT_TEXT: words },
    async (folder, code) => {
      assertEquals(code, 0);
      assertEquals(await Deno.readTextFile(`${folder}/said`), words);
      assertEquals([...Deno.readDirSync(folder)].length, 1);
    },
  );
});

Deno.test("a hook does not inherit the key, nor systemd's socket", async () => {
  const names = ["OPENAI_API_KEY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"];
  const before = names.map((name) => Deno.env.get(name));
  for (const name of names) Deno.env.set(name, "secret");
  try {
    await inFolder(
      (folder) => `env > ${folder}/env`,
      {},
      async (folder) => {
        const text = await Deno.readTextFile(`${folder}/env`);
        assertStringIncludes(text, "PATH=");
        assert(!text.includes("secret"), text);
      },
    );
  } finally {
    names.forEach((name, i) =>
      before[i] === undefined
        ? Deno.env.delete(name)
        : Deno.env.set(name, before[i])
    );
  }
});

Deno.test("a hook that is killed takes with it what it started", async () => {
  const folder = await Deno.makeTempDir();
  const abort = new AbortController();
  const running = runShell(
    `sleep 600 & echo $! > ${folder}/pid; wait`,
    {},
    abort.signal,
  );
  const path = `${folder}/pid`;
  let pid = "";
  while (!pid.endsWith("\n")) {
    pid = await Deno.readTextFile(path).catch(() => "");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  abort.abort();
  assert(await running !== 0);
  // Its shell is gone; the child is as well, or waits to be collected.
  const check =
    `while kill -0 ${pid.trim()} && ! grep -q ') Z' /proc/${pid.trim()}/stat; do sleep 0.01; done 2>/dev/null`;
  assertEquals(
    await runShell(check, {}, AbortSignal.timeout(5000)),
    0,
    "the child still runs",
  );
  await Deno.remove(folder, { recursive: true });
});
