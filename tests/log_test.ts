import { assertEquals } from "@std/assert";
import { Log } from "../src/cli/log.ts";
import { Options } from "../src/cli/options.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";

/** A log on a fake clock, and the lines that it wrote. */
function lab(...args: string[]) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const stderr = {
    isTerminal: false,
    columns: 80,
    write: (text: string) => void lines.push(...text.trimEnd().split("\n")),
  };
  const options = new Options(
    args,
    { options: ["log", "log-level", "verbose", "quiet"] },
    () => undefined,
  );
  return { clock, lines, log: new Log(options, { stderr, clock }) };
}

function sayAll(log: Log): void {
  log.error("e");
  log.warn("w");
  log.info("i");
  log.debug("d");
}

Deno.test("a log says what matters at least as much as its level", () => {
  for (
    const [args, expected] of [
      [[], ["e", "w", "i"]],
      [["--log-level", "debug"], ["e", "w", "i", "d"]],
      [["--verbose"], ["e", "w", "i", "d"]],
      [["--log-level", "warn"], ["e", "w"]],
      [["--quiet"], ["e"]],
      [["--quiet", "--log-level", "debug"], ["e"]],
    ] as const
  ) {
    const { log, lines } = lab(...args);
    sayAll(log);
    assertEquals(lines, [...expected], args.join(" "));
  }
});

Deno.test("a pretty log has the time, the level and one line", () => {
  const { log, lines } = lab("--log", "pretty");
  log.warn("two\nlines", "kind");
  const time = new Date(performance.timeOrigin).toISOString();
  assertEquals(lines, [`${time} warn  two lines`]);
});

Deno.test("a JSON log is an object on a line, with the fields of programs", () => {
  const { log, lines } = lab("--log", "json");
  log.info("Statistics", { count: 1 });
  const { time, ...rest } = JSON.parse(lines[0]!);
  assertEquals(rest, { level: "info", message: "Statistics", count: 1 });
  assertEquals(new Date(time).toISOString(), time);
});

Deno.test("a log says the same warning once a minute", async () => {
  const { log, lines, clock } = lab();
  for (let i = 0; i < 60; i++) {
    log.warn("The cable is loose");
    await clock.advance(1100);
  }
  assertEquals(lines, [
    "The cable is loose",
    "The cable is loose (and 54 times since it was said last)",
  ]);
});

Deno.test("a log says 120 lines of information a minute, and counts the rest", async () => {
  const { log, lines, clock } = lab();
  for (let i = 0; i < 1000; i++) log.info(`line ${i}`);
  await clock.advance(60_000);
  log.info("later");
  assertEquals(lines.length, 122);
  assertEquals(lines.slice(120), ["880 lines were left out", "later"]);
});

Deno.test("a log that a person asked to say everything does", () => {
  const { log, lines } = lab("--verbose");
  for (let i = 0; i < 1000; i++) log.debug(`line ${i}`);
  assertEquals(lines.length, 1000);
});
