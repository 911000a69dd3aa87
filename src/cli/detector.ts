/**
 * The detector of a command.
 *
 * @module
 */

import { checkNumber } from "../validation.ts";
import { createDetector, type VadEngine } from "../vad/create_detector.ts";
import type { VoiceActivityDetector } from "../vad/detector.ts";
import type { Options } from "./options.ts";
import { fromOptions } from "./usage_error.ts";

/**
 * Makes the detector that the user asked for.
 *
 * @param options What the user gave.
 * @returns The detector.
 * @throws {UsageError} When a setting, or the threshold of the offset, does not fit
 *   the engine.
 * @throws {Error} When its model cannot be read.
 */
export function detectorOf(options: Options): VoiceActivityDetector {
  return fromOptions(() => {
    const detector = createDetector({
      engine: options.text("vad-engine") as VadEngine | undefined,
      model: options.text("vad-model"),
      threshold: options.number("vad-threshold"),
    });
    checkNumber(
      "--vad-offset-threshold",
      options.number("vad-offset-threshold") ?? 0,
      0,
      detector.threshold,
    );
    return detector;
  });
}
