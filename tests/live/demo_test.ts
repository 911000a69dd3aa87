/** What a new user tries first, with the permissions that its task grants. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { stdFlags } from "../../scripts/std_flags.ts";

Deno.test({
  name: "the demo ends well with no more permissions than its task grants",
  ignore: Deno.env.get("EARSHOT_LIVE") !== "1",
  async fn() {
    const { command } = denoJson.tasks.demo;
    const granted = command.split(" ").filter((word) =>
      word.startsWith("--allow-")
    );
    const { flags: std } = await stdFlags();

    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", ...granted, ...std],
        ...["cli.ts", "demo", "--seconds", "4"],
      ],
    }).output();

    const text = new TextDecoder().decode(stderr);
    assert(granted.length > 0 && !granted.join().includes("ffi"));
    assertEquals(code, 0, text);
    assertStringIncludes(new TextDecoder().decode(stdout), "audio");
  },
});
