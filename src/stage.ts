/**
 * Stages behind one another, as one.
 *
 * An `await` costs about as much as what a stage does with 20 ms of audio, and a
 * pipeline has half a dozen stages. So a stage whose source is a stage does not wait
 * for it: each block passes through all of them, and only then is the next one
 * waited for.
 *
 * @module
 */

/** What is done to a stream, one block after another. */
export interface Stage<In, Out> {
  /**
   * Takes a block.
   *
   * @param input The block.
   * @returns What comes out because of it. Of a generator a promise stands for what
   *   takes time.
   */
  push(input: In): readonly Out[] | Generator<Out | Promise<Iterable<Out>>>;
  /**
   * Ends.
   *
   * @returns What is still to come. Also a stream that failed ends so: what was
   *   heard before a failure was heard.
   */
  flush?(): Iterable<Out>;
}

/**
 * Puts a stage behind a source. Where that is the result of another call, and
 * nothing was taken out of it yet, both stages become one generator.
 *
 * @param source The blocks.
 * @param makeStage Makes the stage, when the first block is asked for.
 * @returns What comes out of the stage.
 */
export function through<In, Out>(
  source: AsyncIterable<In>,
  makeStage: () => Stage<In, Out>,
): AsyncGenerator<Out, undefined> {
  return source instanceof Chain && !source.isStarted
    ? source.extended(makeStage)
    : new Chain<Out>(source, [makeStage as () => AnyStage]);
}

type AnyStage = Stage<unknown, unknown>;

/**
 * A generator written by hand: where each block makes one, it waits for its source
 * and for nothing else.
 */
class Chain<Out> implements AsyncGenerator<Out, undefined> {
  readonly #source: AsyncIterable<unknown>;
  readonly #makeStages: readonly (() => AnyStage)[];
  #stages: readonly AnyStage[] = [];
  #iterator: AsyncIterator<unknown> | undefined;
  /** What is still to come out before the source is read again. */
  #rest: AsyncIterator<unknown, undefined> | undefined;
  /** The block that is waited for. */
  #reading: Promise<IteratorResult<unknown>> | undefined;
  #isOver = false;
  #isFailed = false;

  constructor(
    source: AsyncIterable<unknown>,
    makeStages: readonly (() => AnyStage)[],
  ) {
    this.#source = source;
    this.#makeStages = makeStages;
  }

  /** Whether a block was asked for. */
  get isStarted(): boolean {
    return this.#iterator !== undefined || this.#isOver;
  }

  /** Makes what takes its place, with one more stage. */
  extended<Further>(makeStage: () => Stage<Out, Further>): Chain<Further> {
    return new Chain(
      this.#source,
      [...this.#makeStages, makeStage as () => AnyStage],
    );
  }

  async next(): Promise<IteratorResult<Out, undefined>> {
    if (!this.isStarted) this.#start();
    while (true) {
      const rest = this.#rest;
      try {
        if (rest !== undefined) {
          const step = await rest.next();
          if (!step.done) return step as IteratorYieldResult<Out>;
          if (this.#rest === rest) this.#rest = undefined;
          continue;
        }
        if (this.#isOver) return DONE;
        const reading = this.#reading ??= this.#iterator!.next();
        const { done, value } = await reading;
        // Somebody else asked, too, and was first.
        if (this.#reading !== reading) continue;
        this.#reading = undefined;
        if (!done) {
          const outputs = pass(this.#stages, 0, value);
          if (isOne(outputs)) return { done: false, value: outputs[0] as Out };
          this.#rest = settled(outputs);
        } else if (!this.#isOver) {
          this.#isOver = true;
          this.#rest = settled(flush(this.#stages));
        }
      } catch (error) {
        if (!this.#isFailed) this.#fail(error);
        else if (rest !== undefined) throw error;
      }
    }
  }

  async return(): Promise<IteratorResult<Out, undefined>> {
    this.#isOver = true;
    this.#rest = undefined;
    await this.#iterator?.return?.();
    return DONE;
  }

  async throw(error: unknown): Promise<IteratorResult<Out, undefined>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #start(): void {
    try {
      this.#stages = this.#makeStages.map((makeStage) => makeStage());
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
    this.#iterator = this.#source[Symbol.asyncIterator]();
  }

  #fail(error: unknown): void {
    this.#isFailed = true;
    this.#isOver = true;
    this.#rest = this.#tell(error);
  }

  /** Tells a failure behind what was heard before it. */
  async *#tell(error: unknown): AsyncGenerator<unknown, undefined> {
    try {
      await this.#iterator?.return?.();
    } catch {
      // The first failure is the one that is told.
    }
    yield* settled(flush(this.#stages, true));
    throw error;
  }
}

const DONE = { done: true, value: undefined } as const;

/** Nearly always one block makes one. */
function isOne(outputs: Iterable<unknown>): outputs is [unknown] {
  return Array.isArray(outputs) && outputs.length === 1;
}

/** What comes out behind the last stage; a promise is to be answered by its value. */
type Outputs = Iterable<unknown, void, Iterable<unknown>>;

/** Takes a block through the stages from one on. */
function pass(
  stages: readonly AnyStage[],
  first: number,
  input: unknown,
): Outputs {
  for (let i = first; i < stages.length; i++) {
    const outputs = stages[i]!.push(input);
    if (!isOne(outputs)) return passAll(stages, i + 1, outputs);
    input = outputs[0];
  }
  return [input];
}

function* passAll(
  stages: readonly AnyStage[],
  first: number,
  inputs: Iterable<unknown>,
): Generator<unknown, void, Iterable<unknown>> {
  for (const input of inputs) {
    if (input instanceof Promise) {
      for (const late of yield input) yield* pass(stages, first, late);
    } else yield* pass(stages, first, input);
  }
}

/** Ends all stages, the first one first. */
function* flush(
  stages: readonly AnyStage[],
  isFailed = false,
): Generator<unknown, void, Iterable<unknown>> {
  for (const [i, stage] of stages.entries()) {
    try {
      yield* passAll(stages, i + 1, stage.flush?.() ?? []);
    } catch (error) {
      if (!isFailed) throw error;
    }
  }
}

/** Waits for what takes time. */
async function* settled(outputs: Outputs): AsyncGenerator<unknown, undefined> {
  const iterator = outputs[Symbol.iterator]();
  let step = iterator.next();
  while (!step.done) {
    if (step.value instanceof Promise) {
      step = iterator.next(await step.value);
    } else {
      yield step.value;
      step = iterator.next();
    }
  }
}
