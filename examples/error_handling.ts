/** What can go wrong, by kind, with everything released in the end. */

import { AlsaError, AudioCaptureManager } from "@nevil/earshot";

const capture = new AudioCaptureManager({ device: Deno.args[0] ?? "default" }, {
  onError: (error) => console.error("while recording:", error.message),
});
try {
  await capture.initialize();
  await capture.startRecording();
  await new Promise((resolve) => setTimeout(resolve, 5000));
} catch (error) {
  if (!(error instanceof AlsaError)) throw error;
  console.error(`${error.kind}: ${error.message}`);
} finally {
  await capture.stopRecording();
  await capture.dispose();
}
