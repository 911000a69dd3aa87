/**
 * `earshot doctor` and the mixer on a real sound server, whose microphone is
 * muted and turned down. `.ci/run` says what this needs.
 */

import { assert, assertEquals } from "@std/assert";
import { readCaptureControls } from "../../src/alsa_system.ts";
import { makeSpeech, run } from "./speech.ts";

const live = Deno.env.get("EARSHOT_LIVE") === "1";
const SOURCE = "mic.monitor";

interface Finding {
  check: string;
  severity: string;
  text: string;
}

/** Runs the program from its source, with the permissions of its task. */
async function examine(): Promise<{ code: number; findings: Finding[] }> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "earshot", "doctor", "--json"],
    stderr: "null",
  }).output();
  const { findings } = JSON.parse(new TextDecoder().decode(stdout));
  return { code, findings };
}

Deno.test({
  name: "the mixer of a sound server says its volume and whether it is muted",
  ignore: !live,
  async fn() {
    try {
      await run("pactl", "set-source-volume", SOURCE, "30%");
      await run("pactl", "set-source-mute", SOURCE, "1");
      const [control] = readCaptureControls("default");
      assertEquals(control!.isOn, false);
      assertEquals(Math.round(control!.percent!), 30);
    } finally {
      await run("pactl", "set-source-volume", SOURCE, "100%");
      await run("pactl", "set-source-mute", SOURCE, "0");
    }
    const [control] = readCaptureControls("default");
    assertEquals([control!.isOn, control!.percent], [true, 100]);
  },
});

Deno.test({
  name: "earshot doctor hears speech, and finds a microphone that is muted",
  ignore: !live,
  async fn() {
    const folder = await Deno.makeTempDir();
    const of = (findings: Finding[], check: string) =>
      findings.filter((finding) => finding.check === check);
    try {
      const { path } = await makeSpeech(folder);
      // It speaks for longer than the program takes to start and to listen.
      const speaking = (async () => {
        for (let i = 0; i < 2; i++) await run("paplay", "--device=mic", path);
      })();
      const { findings } = await examine();
      await speaking;
      assertEquals(
        of(findings, "listening").length,
        1,
        JSON.stringify(findings),
      );
      assertEquals(of(findings, "listening")[0]!.severity, "ok");
      const [rate] = of(findings, "sample rate");
      assertEquals(rate!.severity, "ok", rate!.text);

      await run("pactl", "set-source-mute", SOURCE, "1");
      const muted = await examine();
      assertEquals(muted.code, 1);
      assert(of(muted.findings, "mixer")[0]!.text.includes("it is muted"));
      assert(of(muted.findings, "listening")[0]!.text.includes("silence"));
    } finally {
      await run("pactl", "set-source-mute", SOURCE, "0");
      await Deno.remove(folder, { recursive: true });
    }
  },
});
