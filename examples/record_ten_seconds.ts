/** Record for ten seconds and look at every chunk. */

import { createAudioCapture } from "@nevil/earshot";

await using capture = await createAudioCapture({
  callbacks: {
    onAudioData: (base64Audio, volume) =>
      console.log(
        `${base64Audio.length} characters, volume ${volume.toFixed(3)}`,
      ),
    onError: (error) => console.error(error.message),
  },
});
await capture.startRecording();
await new Promise((resolve) => setTimeout(resolve, 10_000));
await capture.stopRecording();
console.log(capture.getStats());
