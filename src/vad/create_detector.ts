/**
 * Which detector does the work.
 *
 * @module
 */

import { checkNumber, checkOneOf } from "../validation.ts";
import type { VoiceActivityDetector } from "./detector.ts";
import { EnergyDetector, RmsDetector } from "./energy_detector.ts";
import { NeuralDetector } from "./neural_detector.ts";
import { SileroDetector } from "./silero_detector.ts";

/**
 * A detector, by name.
 *
 * | engine | is | a threshold is |
 * |---|---|---|
 * | `neural` | the network of this package: voices, at any loudness | a probability, 0.6 |
 * | `energy` | what is louder than the room; with a threshold, than that | an RMS volume |
 * | `silero` | Silero's network, from its ONNX file | a probability, 0.5 |
 */
export type VadEngine = "neural" | "energy" | "silero";

/** The detectors that there are, by name. */
export const VAD_ENGINES: readonly VadEngine[] = ["neural", "energy", "silero"];

/** Settings of {@linkcode createDetector}. */
export interface CreateDetectorOptions {
  /**
   * Which one.
   *
   * @default {"neural", or "energy" when only a threshold is given}
   */
  engine?: VadEngine;
  /**
   * Scores above this are speech, 0.0–1.0; what a score is depends on the engine.
   *
   * @default {the engine's own}
   */
  threshold?: number;
  /** Path of the ONNX file; for `silero`, which needs it, alone. */
  model?: string;
}

/**
 * Makes a detector.
 *
 * @example
 * ```ts
 * import { createDetector } from "@nevil/earshot";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(createDetector().blockMs, 10);
 * assertEquals(createDetector({ threshold: 0.02 }).threshold, 0.02);
 * ```
 *
 * @param options Which one; everything has a default.
 * @returns The detector.
 * @throws {RangeError} When a setting is none of its values.
 * @throws {TypeError} When a model is missing, not needed, or is none.
 * @throws {Error} When the model's file cannot be read.
 */
export function createDetector(
  options: CreateDetectorOptions = {},
): VoiceActivityDetector {
  const { threshold, model } = options;
  const { engine = threshold === undefined ? "neural" : "energy" } = options;
  checkOneOf("engine", engine, VAD_ENGINES);
  if (threshold !== undefined) checkNumber("threshold", threshold, 0, 1);
  if (engine !== "silero" && model !== undefined) {
    throw new TypeError(
      `Cannot use a model with the engine "${engine}", which has its own: use the engine "silero", or no model`,
    );
  }
  switch (engine) {
    case "neural":
      return new NeuralDetector(threshold);
    case "energy":
      return threshold === undefined
        ? new EnergyDetector()
        : new RmsDetector(threshold);
    case "silero":
      if (model === undefined) {
        throw new TypeError(
          'Cannot use the engine "silero" without a model: give the path of silero_vad_16k_op15.onnx',
        );
      }
      return sileroOf(model, threshold);
  }
}

function sileroOf(path: string, threshold?: number): SileroDetector {
  const model = readModel(path);
  try {
    return new SileroDetector(model, threshold);
  } catch (cause) {
    throw new TypeError(
      `Cannot use the model "${path}": ${
        (cause as Error).message
      }. Give the path of silero_vad_16k_op15.onnx`,
      { cause },
    );
  }
}

function readModel(path: string): Uint8Array {
  try {
    return Deno.readFileSync(path);
  } catch (cause) {
    throw new Error(
      `Cannot read the model "${path}": ${
        (cause as Error).message
      }. Give the path of silero_vad_16k_op15.onnx`,
      { cause },
    );
  }
}
