/**
 * Stand-ins for tests without hardware, network or waiting: a scripted PCM
 * device, a clock that is moved by hand, and a local Realtime server.
 *
 * @module
 */

export type { Alarm } from "../alarm.ts";
export { type Clock, systemClock } from "../clock.ts";
export { FakeClock } from "./fake_clock.ts";
export { FakePcm, type FakePcmOptions, type FakePcmStep } from "./fake_pcm.ts";
export type {
  RealtimeFault,
  RealtimeRefusal,
  RealtimeServerConnection,
  RealtimeUtterance,
} from "./realtime_connection.ts";
export type { RealtimeLogEntry, RealtimeMessage } from "./realtime_log.ts";
export {
  RealtimeServer,
  type RealtimeServerOptions,
  startRealtimeServer,
} from "./realtime_server.ts";
export { startTcpProxy, TcpProxy, type TcpProxyOptions } from "./tcp_proxy.ts";
