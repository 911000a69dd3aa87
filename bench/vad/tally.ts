/**
 * What one detector did, in counts.
 *
 * @module
 */

import { framesOf, gateSpeech } from "../../mod.ts";
import type { VoiceActivityDetector } from "../../mod.ts";
import { LABEL_HOP, type Scene } from "../../train/scenes.ts";

const FORMAT = { sampleRate: 24_000, channelCount: 1 } as const;
const BLOCK = 2400;

/** A decision for so long is a trigger. */
const TRIGGER_HOPS = 8;

/** A longer pause parts two utterances. */
const PAUSE_HOPS = 25;

/** Less of an onset than this is nothing that is missed. */
const CLIPPED_HOPS = 2;

/** What was heard in a scene. */
interface Heard {
  /** For each 10 ms, whether it was taken for speech. */
  readonly decisions: Uint8Array;
  /** For each 10 ms, whether it went out, pre-roll and hangover included. */
  readonly passed: Uint8Array;
}

/** A sum that is counted under a name. */
class Sums {
  readonly #sums = new Map<string, number>();

  add(name: string, value: number): void {
    this.#sums.set(name, this.get(name) + value);
  }

  get(name: string): number {
    return this.#sums.get(name) ?? 0;
  }
}

/** What one detector did, with the gate that belongs to it. */
export class Tally {
  readonly name: string;
  readonly #detector: VoiceActivityDetector;
  /** 10 ms that were speech and taken for it, by group. */
  readonly #hits = new Sums();
  /** 10 ms that were speech or taken for it, each counted for itself. */
  readonly #both = new Sums();
  readonly #triggers = new Sums();
  readonly #minutes = new Sums();
  readonly #utterances = new Sums();
  readonly #missed = new Sums();
  #onsets = 0;
  #clippedOnsets = 0;
  #longestClippedHops = 0;
  #busyMs = 0;
  #audioMs = 0;

  /**
   * @param name What it is called.
   * @param detector The detector.
   */
  constructor(name: string, detector: VoiceActivityDetector) {
    this.name = name;
    this.#detector = detector;
  }

  /**
   * Hears somebody speak.
   *
   * @param scene The scene.
   * @param groups What it is counted under.
   */
  hearSpeech(
    scene: Scene,
    groups: readonly string[],
  ): void {
    const { labels } = scene;
    const { decisions, passed } = this.#hear(scene);
    let hits = 0;
    let both = 0;
    for (let i = 0; i < labels.length; i++) {
      hits += labels[i]! & decisions[i]!;
      both += labels[i]! + decisions[i]!;
    }
    for (const group of groups) {
      this.#hits.add(group, hits);
      this.#both.add(group, both);
    }
    for (const [begin, end] of utterancesIn(labels)) {
      const isHeard = decisions.subarray(begin, end).includes(1);
      for (const group of groups) {
        this.#utterances.add(group, 1);
        if (!isHeard) this.#missed.add(group, 1);
      }
      const first = passed.subarray(begin, end).indexOf(1);
      // Of one that was missed, the next one's pre-roll may hold the end.
      if (!isHeard || first < 0) continue;
      this.#onsets++;
      if (first > CLIPPED_HOPS) this.#clippedOnsets++;
      this.#longestClippedHops = Math.max(this.#longestClippedHops, first);
    }
  }

  /**
   * Hears nobody speak.
   *
   * @param scene The scene.
   * @param groups What it is counted under.
   */
  hearNoise(scene: Scene, groups: readonly string[]): void {
    const { decisions } = this.#hear(scene);
    let run = 0;
    let triggers = 0;
    for (const decision of decisions) {
      run = decision ? run + 1 : 0;
      if (run === TRIGGER_HOPS) triggers++;
    }
    for (const group of groups) {
      this.#triggers.add(group, triggers);
      this.#minutes.add(group, decisions.length / 6000);
    }
  }

  /** The harmonic mean of precision and recall over 10 ms each. */
  f1(group: string): string {
    const both = this.#both.get(group);
    return both === 0 ? "–" : (2 * this.#hits.get(group) / both).toFixed(3);
  }

  /** False triggers a minute. */
  triggers(group: string): string {
    const minutes = this.#minutes.get(group);
    return minutes === 0
      ? "–"
      : (this.#triggers.get(group) / minutes).toFixed(2);
  }

  /** Share of the utterances of which nothing was heard. */
  missed(group: string): string {
    return percent(this.#missed.get(group), this.#utterances.get(group));
  }

  /**
   * Share of the onsets of what was heard that were clipped in spite of the pre-roll,
   * and the worst.
   */
  get clipped(): string {
    const worst = this.#longestClippedHops * 10;
    return `${percent(this.#clippedOnsets, this.#onsets)}, ${worst} ms`;
  }

  /** CPU seconds for an hour of audio. */
  get cpuSeconds(): number {
    return this.#busyMs / this.#audioMs * 3600;
  }

  #hear({ samples, labels }: Scene): Heard {
    const detector = this.#detector;
    const decisions = new Uint8Array(labels.length);
    const passed = new Uint8Array(labels.length);
    const offset = detector.offsetThreshold ?? detector.threshold;
    const lag = hopOf((detector.lagMs ?? 0) * 24);
    let isSpeaking = false;
    let outgoing = 0;
    const frames = framesOf({ format: FORMAT, samples }, BLOCK);
    const beginMs = performance.now();
    const gated = gateSpeech(frames, detector, {
      onSpeechStart: ({ audioPosition }) => outgoing = hopOf(audioPosition),
      onSpeechEnd: ({ audioPosition }) =>
        passed.fill(1, outgoing, hopOf(audioPosition)),
      onScore: (score, { position, samples }) => {
        isSpeaking = score > (isSpeaking ? offset : detector.threshold);
        if (!isSpeaking) return;
        const begin = Math.max(0, hopOf(position) - lag);
        const end = Math.max(0, hopOf(position + samples.length) - lag);
        decisions.fill(1, begin, end);
      },
    });
    for (const _ of gated);
    this.#busyMs += performance.now() - beginMs;
    this.#audioMs += labels.length * 10;
    return { decisions, passed };
  }
}

function hopOf(position: number): number {
  return Math.round(position / LABEL_HOP);
}

function percent(part: number, whole: number): string {
  return `${(100 * part / Math.max(1, whole)).toFixed(1)} %`;
}

/** Begin and end of everything that is said without a longer pause. */
function* utterancesIn(
  labels: Uint8Array,
): Generator<readonly [begin: number, end: number]> {
  let begin = -1;
  let end = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue;
    if (begin >= 0 && i - end > PAUSE_HOPS) {
      yield [begin, end];
      begin = -1;
    }
    if (begin < 0) begin = i;
    end = i + 1;
  }
  if (begin >= 0) yield [begin, end];
}
