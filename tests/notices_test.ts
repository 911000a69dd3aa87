import { assertEquals } from "@std/assert";
import { Notices } from "../src/cli/notices.ts";
import { FakeClock } from "../src/testing/fake_clock.ts";

Deno.test("Notices say the same once a minute, and how often it was left out", async () => {
  const clock = new FakeClock();
  const said: string[] = [];
  const notices = new Notices((text) => said.push(text), clock);
  for (let second = 0; second < 150; second++) {
    notices.say("loose cable");
    if (second === 10) notices.say("something else");
    await clock.advance(1000);
  }
  assertEquals(said, [
    "loose cable",
    "something else",
    "loose cable (and 59 times since it was said last)",
    "loose cable (and 59 times since it was said last)",
  ]);
});

Deno.test("Notices of one kind are one, although their texts vary", () => {
  const said: string[] = [];
  const notices = new Notices((text) => said.push(text), new FakeClock());
  for (let attempt = 1; attempt < 5; attempt++) {
    notices.say(`attempt ${attempt}`, "attempt");
  }
  assertEquals(said, ["attempt 1"]);
});
