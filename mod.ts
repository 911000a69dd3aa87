/**
 * Earshot gets a microphone on Linux into the OpenAI Realtime API: capture
 * through libasound (Deno FFI), stages as generators, voice activity
 * detection, and a WebSocket connection that accounts for every sample.
 *
 * The whole job in five lines:
 *
 * ```ts ignore
 * import { createAudioCapture, RealtimeConnectionManager } from "@nevil/earshot";
 *
 * await using connection = new RealtimeConnectionManager({ mode: "transcription" });
 * await connection.start();
 * await using capture = await createAudioCapture({
 *   connectionManager: connection,
 *   vadEnabled: true,
 * });
 * await capture.startRecording();
 * for await (const event of connection) console.log(event);
 * ```
 *
 * Or stage by stage:
 *
 * ```ts ignore
 * import { encodeBase64, openMicrophone, rechunk } from "@nevil/earshot";
 *
 * await using mic = await openMicrophone();
 * for await (const chunk of encodeBase64(rechunk(mic, 4800))) console.log(chunk);
 * ```
 *
 * @module
 */

export {
  type CaptureDevice,
  listDevices,
  type NativeCapabilities,
  openAlsaPcm,
} from "./src/alsa_device.ts";
export { base64ToPcm16, encodeBase64, pcm16ToBase64 } from "./src/base64.ts";
export type { AudioCaptureConfig } from "./src/capture_settings.ts";
export { type ChannelChoice, toMono } from "./src/channels.ts";
export type { Alarm } from "./src/alarm.ts";
export { type Clock, systemClock } from "./src/clock.ts";
export { blockDc, type BlockDcOptions } from "./src/dc_block.ts";
export { fillGaps, type FillGapsOptions } from "./src/fill_gaps.ts";
export {
  type AudioFormat,
  type AudioFrame,
  type Discontinuity,
  type DiscontinuityCause,
  frameCountOf,
  type LossCause,
  sliceFrame,
} from "./src/frame.ts";
export { frontEnd, type FrontEndOptions } from "./src/front_end.ts";
export { applyGain, autoGain, type AutoGainOptions } from "./src/gain.ts";
export {
  type AudioCaptureCallbacks,
  AudioCaptureManager,
  type AudioCaptureStats,
  type AudioConnection,
  type AudioConnectionStats,
  type CaptureState,
  createAudioCapture,
  type CreateAudioCaptureOptions,
} from "./src/manager.ts";
export {
  Microphone,
  type MicrophoneEvent,
  type MicrophoneOptions,
  type MicrophoneState,
  type MicrophoneStats,
  openMicrophone,
} from "./src/microphone.ts";
export {
  AlsaError,
  type AlsaErrorKind,
  type AlsaErrorOptions,
  type CardIdentity,
  type OpenPcm,
  type PcmDevice,
  type PcmParameters,
  type PcmRequest,
  type PcmState,
  type PcmStatus,
} from "./src/pcm.ts";
export {
  type CapturedAudio,
  type RealtimeClose,
  RealtimeConnectionManager,
  type RealtimeConnectionOptions,
  type RealtimeConnectionState,
  type RealtimeConnectionStats,
  type RealtimeListenerEvents,
  type RealtimeReconnected,
  type RealtimeReconnecting,
  type RealtimeReconnectOptions,
  type RealtimeUtterance,
} from "./src/realtime/connection.ts";
export type { LooseClientEvent, LooseSession } from "./src/realtime/beta.ts";
export {
  RealtimeError,
  type RealtimeErrorFacts,
  type RealtimeErrorKind,
} from "./src/realtime/errors.ts";
export type * from "./src/realtime/events.ts";
export { rechunk, Rechunker } from "./src/rechunk.ts";
export { resample } from "./src/resample.ts";
export { Resampler } from "./src/resampler.ts";
export {
  gateSpeech,
  type SpeechBorder,
  type SpeechGateOptions,
} from "./src/speech_gate.ts";
export type { StageOutput, StageSource } from "./src/stage.ts";
export { SystemdNotifier, type SystemdNotifierOptions } from "./src/systemd.ts";
export { takeFrames } from "./src/take.ts";
export {
  createDetector,
  type CreateDetectorOptions,
  type VadEngine,
} from "./src/vad/create_detector.ts";
export type { VoiceActivityDetector } from "./src/vad/detector.ts";
export { EnergyDetector, RmsDetector } from "./src/vad/energy_detector.ts";
export { NeuralDetector } from "./src/vad/neural_detector.ts";
export { SileroDetector } from "./src/vad/silero_detector.ts";
export {
  measureVolume,
  type MeteredFrame,
  rmsVolume,
  volumeToDbfs,
} from "./src/volume.ts";
export {
  framesOf,
  readWav,
  type WavContent,
  type WavFile,
  wavHeader,
  writeWav,
} from "./src/wav.ts";
