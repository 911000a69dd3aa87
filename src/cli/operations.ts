import type { AudioFormat, AudioFrame } from "../frame.ts";
import type { RealtimeServerEvent } from "../realtime/events.ts";
import type { World } from "./command.ts";
import type { Log } from "./log.ts";
import type { EventName, OptionName } from "./option_table.ts";
import type { Options } from "./options.ts";
export const OPERATION_OPTIONS = [
  "metrics-port",
  "recorder-minutes",
  "recorder-folder",
  "recorder-on",
  "on-speech-start",
  "on-speech-end",
  "on-transcript",
  "on-error",
  "on-connected",
  "on-disconnected",
] as const satisfies readonly OptionName[];
export class Operations implements AsyncDisposable {
  takesFrames = false;
  static start(
    _o: Options,
    _w: World,
    _x: { log: Log; format: AudioFormat; readStats: () => object },
  ) {
    return new Operations();
  }
  take(_f: AudioFrame) {}
  note(_t: string, _f: object) {}
  happened(_e: EventName, _t?: string) {}
  heard(_e: RealtimeServerEvent) {}
  async [Symbol.asyncDispose]() {}
}
