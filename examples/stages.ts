/** The stages without the manager: only speech, in chunks of 100 ms, as base64. */

import {
  encodeBase64,
  gateSpeech,
  NeuralDetector,
  openMicrophone,
  rechunk,
} from "@nevil/earshot";

await using mic = await openMicrophone();
const speech = gateSpeech(mic, new NeuralDetector(), {
  onSpeechStart: ({ position }) => console.log("speech at frame", position),
});
for await (const audio of encodeBase64(rechunk(speech, 2400))) {
  console.log({
    type: "input_audio_buffer.append",
    audio: `${audio.slice(0, 20)}…`,
  });
}
