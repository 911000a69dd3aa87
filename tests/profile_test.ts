import { assertEquals, assertStringIncludes } from "@std/assert";
import { offerProfile } from "../src/cli/profile.ts";
import { Options } from "../src/cli/options.ts";
import { stream } from "../src/cli/stream.ts";
import { interruptAfter, run } from "./cli_lab.ts";

function optionsOf(args: string[], variables: Record<string, string> = {}) {
  const options = new Options(args, stream, (name) => variables[name]);
  offerProfile(options);
  return options;
}

Deno.test("a profile sets the chunk", () => {
  for (
    const [name, chunkMs] of [
      ["low-latency", 20],
      ["balanced", 100],
      ["low-power", 500],
    ] as const
  ) {
    const options = optionsOf(["--profile", name]);
    assertEquals(options.number("chunk-ms"), chunkMs);
    assertEquals(options.originOf("chunk-ms"), `--profile ${name}`);
  }
  assertEquals(optionsOf([]).number("chunk-ms"), undefined);
});

Deno.test("what the user says of a chunk goes before the profile", () => {
  const options = optionsOf(["--profile", "low-power", "--chunk-ms", "60"]);
  assertEquals(options.number("chunk-ms"), 60);
  const variables = { EARSHOT_PROFILE: "low-latency" };
  assertEquals(optionsOf([], variables).number("chunk-ms"), 20);
  assertEquals(
    optionsOf(["--chunk-ms", "40"], variables).number("chunk-ms"),
    40,
  );
});

for (const isAllowed of [true, false]) {
  Deno.test(`earshot stream --profile low-latency asks the kernel to go before others, which ${isAllowed ? "allows" : "refuses"} it`, async () => {
    const asked: number[] = [];
    const { stderr } = await run(
      [
        "stream",
        "--profile=low-latency",
        "--explain",
        "--url=ws://127.0.0.1:9",
        "--fail-fast",
      ],
      {
        environment: { OPENAI_API_KEY: "sk-test" },
        system: {
          setNice: (nice) => {
            asked.push(nice);
            return isAllowed;
          },
        },
      },
      interruptAfter(100),
    );
    assertEquals(asked, [-10]);
    assertStringIncludes(
      stderr,
      isAllowed
        ? "Scheduled before others (nice -10)"
        : "Not scheduled before others, as the kernel allows no nice -10: see LimitNICE= of systemd",
    );
    assertStringIncludes(stderr, "period 480 frames (20 ms)");
  });
}
