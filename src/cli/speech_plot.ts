/**
 * A picture of what a detector hears, as SVG.
 *
 * @module
 */

import type { AudioFrame } from "../frame.ts";
import type { SpeechGateOptions } from "../speech_gate.ts";
import type { VoiceActivityDetector } from "../vad/detector.ts";
import { rmsVolume, volumeToDbfs } from "../volume.ts";
import type { Segment } from "./vad.ts";

/** Where the three pictures stand, in pixels. */
const WIDTH = 1200;
const LEFT = 60;
const RIGHT = 30;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const WAVE = { top: 30, height: 150 };
const LEVEL = { top: 200, height: 120 };
const SCORE = { top: 340, height: 120 };
const HEIGHT = 500;

/** The lowest level that is drawn. */
const LOWEST_DBFS = -90;

/** Legible on white and on black. */
const COLORS = {
  wave: "#4477aa",
  level: "#228833",
  floor: "#aa3377",
  score: "#cc6600",
  speech: "#ccbb44",
  text: "#777777",
};

/** One block, as it is drawn. */
interface Column {
  readonly position: number;
  readonly endPosition: number;
  readonly low: number;
  readonly high: number;
  readonly dbfs: number;
  readonly floorDbfs: number | undefined;
  readonly score: number;
}

/** Collects blocks and segments, a few numbers each, and draws them. */
export class SpeechPlot {
  readonly #sampleRate: number;
  readonly #detector: VoiceActivityDetector;
  readonly #onset: number;
  readonly #offset: number;
  readonly #columns: Column[] = [];
  readonly #segments: Segment[] = [];

  /**
   * Begins with nothing to draw.
   *
   * @param sampleRate Frames per second.
   * @param detector Whose scores and noise floor are drawn.
   * @param gate The thresholds, where they are not the detector's.
   */
  constructor(
    sampleRate: number,
    detector: VoiceActivityDetector,
    gate: SpeechGateOptions,
  ) {
    this.#sampleRate = sampleRate;
    this.#detector = detector;
    this.#onset = gate.onsetThreshold ?? detector.threshold;
    this.#offset = gate.offsetThreshold ?? detector.offsetThreshold ??
      this.#onset;
  }

  /**
   * Takes a block.
   *
   * @param score What the detector says of it.
   * @param block The block.
   */
  add(score: number, block: AudioFrame): void {
    const { samples, position, format } = block;
    let low = 0;
    let high = 0;
    for (let i = 0; i < samples.length; i++) {
      if (samples[i]! < low) low = samples[i]!;
      if (samples[i]! > high) high = samples[i]!;
    }
    this.#columns.push({
      position,
      endPosition: position + samples.length / format.channelCount,
      low,
      high,
      dbfs: volumeToDbfs(rmsVolume(samples)),
      floorDbfs: this.#detector.noiseFloorDbfs,
      score,
    });
  }

  /**
   * Takes a stretch of speech.
   *
   * @param segment The stretch.
   */
  addSegment(segment: Segment): void {
    this.#segments.push(segment);
  }

  /** Draws everything. */
  svg(): string {
    const first = this.#columns[0]?.position ?? 0;
    const end = this.#columns.at(-1)?.endPosition ?? first + 1;
    const x = (position: number) =>
      LEFT + (position - first) / (end - first) * PLOT_WIDTH;
    const merged = this.#merged();
    const hasFloor = merged.some(({ floorDbfs }) => floorDbfs !== undefined);
    const lines = [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="${COLORS.text}">`,
      `<title>Speech in ${
        ((end - first) / this.#sampleRate).toFixed(1)
      } s of audio: ${this.#segments.length} segments</title>`,
      ...this.#segments.map((segment) => drawnSegment(segment, x)),
      ...frame(WAVE, "waveform", [[1, "1"], [0, "0"], [-1, "−1"]], wave),
      path(outline(merged, x), COLORS.wave, true),
      ...frame(
        LEVEL,
        `level${hasFloor ? " and noise floor" : ""}, dBFS`,
        [[0, "0"], [-30, "−30"], [-60, "−60"], [-90, "−90"]],
        level,
      ),
      path(
        merged.map((at) => [x(at.position), level(at.dbfs)]),
        COLORS.level,
      ),
      path(
        merged.filter(({ floorDbfs }) => floorDbfs !== undefined)
          .map((at) => [x(at.position), level(at.floorDbfs!)]),
        COLORS.floor,
      ),
      ...frame(
        SCORE,
        "score, and thresholds of onset and offset",
        [[1, "1"], [0, "0"]],
        share,
      ),
      ...[this.#onset, this.#offset].map((at) =>
        `<path d="M${LEFT} ${
          share(at).toFixed(1)
        }h${PLOT_WIDTH}" stroke="${COLORS.text}" stroke-dasharray="4 4"/>`
      ),
      path(
        merged.map((at) => [x(at.position), share(at.score)]),
        COLORS.score,
      ),
      ...this.#timeAxis(first, end, x),
      "</svg>\n",
    ];
    return lines.filter((line) => line !== "").join("\n");
  }

  /** No more columns than pixels. */
  #merged(): Column[] {
    const count = Math.ceil(this.#columns.length / PLOT_WIDTH);
    const merged: Column[] = [];
    for (let at = 0; at < this.#columns.length; at += count) {
      const group = this.#columns.slice(at, at + count);
      const last = group.at(-1)!;
      merged.push({
        position: group[0]!.position,
        endPosition: last.endPosition,
        low: Math.min(...group.map(({ low }) => low)),
        high: Math.max(...group.map(({ high }) => high)),
        dbfs: Math.max(...group.map(({ dbfs }) => dbfs)),
        floorDbfs: last.floorDbfs,
        score: Math.max(...group.map(({ score }) => score)),
      });
    }
    return merged;
  }

  #timeAxis(
    first: number,
    end: number,
    x: (position: number) => number,
  ): string[] {
    const seconds = (end - first) / this.#sampleRate;
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 600, 1800]
      .find((step) => seconds / step <= 12) ?? 3600;
    const marks: string[] = [];
    for (let at = 0; at * step <= seconds; at++) {
      const left = x(first + at * step * this.#sampleRate).toFixed(1);
      const text = seconds < 60
        ? `${Number((at * step).toFixed(1))} s`
        : minutes(at * step);
      marks.push(
        `<text x="${left}" y="${
          HEIGHT - 15
        }" text-anchor="middle">${text}</text>`,
      );
    }
    return marks;
  }
}

/** Minutes and seconds: 61:05. */
function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${
    String(Math.round(seconds % 60)).padStart(2, "0")
  }`;
}

function wave(value: number): number {
  return WAVE.top + (1 - value) / 2 * WAVE.height;
}

function level(dbfs: number): number {
  const shown = Math.max(LOWEST_DBFS, Math.min(0, dbfs));
  return LEVEL.top + shown / LOWEST_DBFS * LEVEL.height;
}

function share(score: number): number {
  return SCORE.top + (1 - score) * SCORE.height;
}

function drawnSegment(
  { onset, end }: Segment,
  x: (position: number) => number,
): string {
  const top = WAVE.top;
  const height = SCORE.top + SCORE.height - top;
  const band = (from: number, to: number, opacity: number) =>
    `<rect x="${x(from).toFixed(1)}" y="${top}" width="${
      Math.max(0, x(to) - x(from)).toFixed(1)
    }" height="${height}" fill="${COLORS.speech}" opacity="${opacity}"/>`;
  // Paler: what goes out before and behind the speech itself.
  return band(onset.audioPosition, end.audioPosition, 0.18) +
    band(onset.position, end.position, 0.35);
}

/** A box with a title and marks at its left. */
function frame(
  { top, height }: { readonly top: number; readonly height: number },
  title: string,
  marks: readonly (readonly [number, string])[],
  y: (value: number) => number,
): string[] {
  return [
    `<rect x="${LEFT}" y="${top}" width="${PLOT_WIDTH}" height="${height}" fill="none" stroke="${COLORS.text}"/>`,
    `<text x="${LEFT + 4}" y="${top - 5}">${title}</text>`,
    ...marks.map(([value, text]) =>
      `<text x="${LEFT - 6}" y="${
        (y(value) + 4).toFixed(1)
      }" text-anchor="end">${text}</text>`
    ),
  ];
}

type Point = readonly [x: number, y: number];

/** Along the loudest samples and back along the lowest. */
function outline(
  columns: readonly Column[],
  x: (position: number) => number,
): Point[] {
  const points = (value: (column: Column) => number) =>
    columns.map((column): Point => [
      x(column.position),
      wave(value(column) / 32_768),
    ]);
  return [
    ...points(({ high }) => high),
    ...points(({ low }) => low).reverse(),
  ];
}

function path(
  points: readonly Point[],
  color: string,
  isFilled = false,
): string {
  if (points.length === 0) return "";
  const d = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`)
    .join("L");
  const paint = isFilled
    ? `fill="${color}" stroke="${color}" stroke-width="0.5"`
    : `fill="none" stroke="${color}"`;
  return `<path d="M${d}" ${paint}/>`;
}
