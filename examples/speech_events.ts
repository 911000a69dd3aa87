/** Say when somebody speaks, until Ctrl-C. */

import { createAudioCapture } from "@nevil/earshot";

await using capture = await createAudioCapture({
  vadEnabled: true,
  callbacks: {
    onVadSpeechStart: () => console.log("somebody speaks"),
    onVadSpeechEnd: () => console.log("nobody speaks"),
    onAudioData: (base64Audio) =>
      console.log(`  ${base64Audio.length} characters`),
    onError: (error) => console.error(error.message),
  },
});
await capture.startRecording();
await new Promise<void>((resolve) => Deno.addSignalListener("SIGINT", resolve));
