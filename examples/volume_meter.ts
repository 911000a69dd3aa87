/** A bar of 50 cells with the figure, redrawn in place, until Ctrl-C. */

import { measureVolume, openMicrophone } from "@nevil/earshot";

const encoder = new TextEncoder();
await using mic = await openMicrophone({ periodFrames: 1200 });
Deno.addSignalListener("SIGINT", () => mic.stop());
for await (const { volume } of measureVolume(mic)) {
  const bar = "█".repeat(Math.round(volume * 50)).padEnd(50);
  Deno.stdout.writeSync(encoder.encode(`\r[${bar}] ${volume.toFixed(3)}`));
}
console.log();
