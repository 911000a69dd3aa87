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
 * What a stage can stand behind: a microphone, another stage, or what is there
 * already, such as an array.
 */
export type StageSource<In> = AsyncIterable<In> | Iterable<In>;

/**
 * What comes out of a stage: of what has to be waited for an async generator, else a
 * plain one, which takes less time.
 */
export type StageOutput<From, Out> = From extends AsyncIterable<unknown>
  ? AsyncGenerator<Out>
  : Generator<Out>;

/**
 * Puts a stage behind a source, which has no other consumer.
 *
 * If the source is the async result of another call, and nothing was asked of it
 * when the first block is asked of this one, its stage is worked here. It is empty
 * from then on, and who ends it ends this.
 *
 * @param source The blocks.
 * @param makeStage Makes the stage, when the first block is asked for.
 * @returns What comes out of the stage. A plain generator throws a `TypeError` when
 *   the stage takes time.
 * @throws {TypeError} When the source is none.
 */
export function through<From extends StageSource<unknown>, In, Out>(
  source: From & StageSource<In>,
  makeStage: () => Stage<In, Out>,
): StageOutput<From, Out> {
  const output = isAsync(source)
    ? runInTime({ source, makeStage: makeStage as () => AnyStage })
    : runAtOnce(source, makeStage as () => AnyStage);
  return output as StageOutput<From, Out>;
}

/** Says whether a source has to be waited for, and refuses what is none. */
function isAsync<T>(source: StageSource<T>): source is AsyncIterable<T> {
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: plain } = Object(
    source,
  );
  if (async === undefined && plain === undefined) {
    throw new TypeError(
      `Cannot use the source of a stage as it must be iterable, such as a microphone or an array of blocks: current value is ${
        String(source)
      }`,
    );
  }
  return async !== undefined;
}

type AnyStage = Stage<unknown, unknown>;

/** A stage, and what it stands behind. */
interface Part {
  readonly source: AsyncIterable<unknown>;
  readonly makeStage: () => AnyStage;
}

/** The async generators of `through()` that were asked for nothing yet. */
const unbegun = new WeakMap<object, Part>();

/** Works a stage, and those before it that nobody has begun with. */
function runInTime(part: Part): AsyncGenerator<unknown> {
  const generator: AsyncGenerator<unknown> = run(part, () => generator);
  unbegun.set(generator, part);
  return generator;
}

/**
 * Works the stages of {@linkcode runInTime}.
 *
 * @param part The last of them.
 * @param self Gives the generator that this is.
 * @returns What comes out of it.
 */
async function* run(
  part: Part,
  self: () => AsyncGenerator<unknown>,
): AsyncGenerator<unknown> {
  const generator = self();
  // Somebody else works this stage.
  if (!unbegun.delete(generator)) return;
  const makeStages = [part.makeStage];
  let { source } = part;
  let before = unbegun.get(source);
  while (before !== undefined) {
    unbegun.delete(source);
    Object.assign(source, { return: () => generator.return(undefined) });
    makeStages.unshift(before.makeStage);
    source = before.source;
    before = unbegun.get(source);
  }
  const line = new Line(makeStages.map((makeStage) => makeStage()));
  let failure: Failure | undefined;
  try {
    for await (const input of source) {
      const outputs = line.pass(input);
      if (outputs === NOTHING) continue;
      if (isOne(outputs)) {
        yield outputs[0];
        continue;
      }
      // Not yield*, which makes more promises than there are blocks.
      const iterator = outputs[Symbol.iterator]();
      for (let step = iterator.next(); !step.done;) {
        if (step.value instanceof Promise) {
          step = await answer(iterator, step.value);
        } else {
          yield step.value;
          step = iterator.next();
        }
      }
    }
  } catch (error) {
    failure = { error };
  }
  const iterator = line.end(failure);
  for (let step = iterator.next(); !step.done;) {
    if (step.value instanceof Promise) {
      step = await answer(iterator, step.value);
    } else {
      yield step.value;
      step = iterator.next();
    }
  }
}

/** Works one stage: one plain generator behind another costs next to nothing. */
function* runAtOnce(
  source: Iterable<unknown>,
  makeStage: () => AnyStage,
): Generator<unknown> {
  const stage = makeStage();
  let failure: Failure | undefined;
  try {
    for (const input of source) {
      const outputs = stage.push(input);
      if (isOne(outputs)) yield readyNow(outputs[0]);
      else for (const output of outputs) yield readyNow(output);
    }
  } catch (error) {
    failure = { error };
  }
  try {
    yield* stage.flush?.() ?? [];
  } catch (error) {
    failure ??= { error };
  }
  if (failure !== undefined) throw failure.error;
}

/** What takes time cannot be had at once. */
function readyNow(output: unknown): unknown {
  if (!(output instanceof Promise)) return output;
  output.catch(() => {});
  throw new TypeError(
    "Cannot wait for a stage, such as a detector whose score is a promise, as its source is not async: give it an async iterable",
  );
}

interface Failure {
  readonly error: unknown;
}

/** Nearly always one block makes one. */
function isOne(outputs: Iterable<unknown>): outputs is [unknown] {
  return Array.isArray(outputs) && outputs.length === 1;
}

/** One that is left out, as silence is, or whatever reaches the last stage. */
function isNone(outputs: Iterable<unknown>): boolean {
  return Array.isArray(outputs) && outputs.length === 0;
}

const NOTHING: Outputs = [];

/** What comes out behind the last stage; a promise wants its value as an answer. */
type Outputs = Iterable<unknown, void, Iterable<unknown>>;

/** Waits for what a stage waits for. */
async function answer(
  outputs: Iterator<unknown, void, Iterable<unknown>>,
  pending: Promise<Iterable<unknown>>,
): Promise<IteratorResult<unknown, void>> {
  let value: Iterable<unknown>;
  try {
    value = await pending;
  } catch (error) {
    return outputs.throw!(error);
  }
  return outputs.next(value);
}

/** Stages behind one another. */
class Line {
  readonly #stages: readonly AnyStage[];
  /** Which of them works; none while the source does. */
  #at: number | undefined;

  constructor(stages: readonly AnyStage[]) {
    this.#stages = stages;
  }

  /** Takes a block through the stages from one on. */
  pass(input: unknown, first = 0): Outputs {
    for (let i = first; i < this.#stages.length; i++) {
      this.#at = i;
      const outputs = this.#stages[i]!.push(input);
      if (isOne(outputs)) {
        input = outputs[0];
      } else if (isNone(outputs)) {
        this.#at = undefined;
        return NOTHING;
      } else {
        return this.#passAll(outputs, i);
      }
    }
    this.#at = undefined;
    return [input];
  }

  /**
   * Ends all stages, or those from the one on that failed: what is before that has
   * nowhere to go.
   */
  *end(
    failure: Failure | undefined,
  ): Generator<unknown, void, Iterable<unknown>> {
    for (let i = this.#at ?? 0; i < this.#stages.length; i++) {
      try {
        this.#at = i;
        yield* this.#passAll(this.#stages[i]!.flush?.() ?? [], i);
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }

  /** Takes what comes out of one stage through those behind it. */
  *#passAll(
    outputs: Iterable<unknown>,
    from: number,
  ): Generator<unknown, void, Iterable<unknown>> {
    for (const output of outputs) {
      if (output instanceof Promise) {
        for (const late of yield output) yield* this.pass(late, from + 1);
      } else yield* this.pass(output, from + 1);
      this.#at = from;
    }
    this.#at = undefined;
  }
}
