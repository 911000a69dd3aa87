/** Speak with the Realtime API for thirty seconds; its answers are printed. */

import { createAudioCapture, RealtimeConnectionManager } from "@nevil/earshot";

// The API key comes from OPENAI_API_KEY.
await using connection = new RealtimeConnectionManager({
  turnDetection: "client",
  session: {
    instructions: "Answer in one sentence.",
    output_modalities: ["text"],
  },
});
await connection.start();
connection.on("response.output_text.delta", (event) => {
  Deno.stdout.writeSync(new TextEncoder().encode(event.delta));
});
connection.on("response.done", () => console.log());

await using capture = await createAudioCapture({
  connectionManager: connection,
  vadEnabled: true,
  callbacks: { onError: (error) => console.error(error.message) },
});
await capture.startRecording();
await new Promise((resolve) => setTimeout(resolve, 30_000));
await capture.stopRecording();
await connection.stop({ drainMs: 5000 });
console.log(capture.getStats(), connection.getStats());
