/** List the microphones and use one of them: `choose_device.ts [INDEX]`. */

import { createAudioCapture, listDevices } from "@nevil/earshot";

for (const { index, name, description } of listDevices()) {
  console.log(index, name, description);
}
const [index] = Deno.args;
if (index !== undefined) {
  await using capture = await createAudioCapture({
    deviceIndex: Number(index),
    callbacks: {
      onVolumeChange: (volume) => console.log(volume.toFixed(3)),
      onError: (error) => console.error(error.message),
    },
  });
  await capture.startRecording();
  await new Promise((resolve) => setTimeout(resolve, 3000));
}
