import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Stage, through } from "../src/stage.ts";
import { collect } from "./frames.ts";

/** A source that says what becomes of it. */
class Numbers implements AsyncIterableIterator<number> {
  readonly log: string[];
  readonly #values: readonly (number | Error)[];
  #at = 0;

  constructor(values: readonly (number | Error)[], log: string[] = []) {
    this.#values = values;
    this.log = log;
  }

  async next(): Promise<IteratorResult<number, undefined>> {
    const value = this.#values[this.#at++];
    await Promise.resolve();
    if (value instanceof Error) throw value;
    if (value === undefined) return { done: true, value };
    this.log.push(`gives ${value}`);
    return { done: false, value };
  }

  return(): Promise<IteratorResult<number, undefined>> {
    this.log.push("closed");
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Gives each number so many times. */
function repeated(times: number): () => Stage<number, number> {
  return () => ({ push: (value) => Array(times).fill(value) });
}

/** Gives the sums of pairs, and at the end a number without a partner. */
function pairs(): Stage<number, number> {
  let first: number | undefined;
  return {
    push: (value) => {
      if (first === undefined) {
        first = value;
        return [];
      }
      const sum = first + value;
      first = undefined;
      return [sum];
    },
    flush: () => first === undefined ? [] : [first],
  };
}

function mapped(map: (value: number) => number): () => Stage<number, number> {
  return () => ({ push: (value) => [map(value)] });
}

Deno.test("through() passes what a stage makes of each block, none or several", async () => {
  assertEquals(
    await collect(through(new Numbers([1, 2, 3]), mapped((n) => 10 * n))),
    [10, 20, 30],
  );
  assertEquals(
    await collect(through(new Numbers([1, 2]), repeated(3))),
    [1, 1, 1, 2, 2, 2],
  );
  assertEquals(
    await collect(through(new Numbers([1, 2, 3]), repeated(0))),
    [],
  );
});

Deno.test("through() gives what a stage still holds at the end to the stages behind it", async () => {
  const sums = through(new Numbers([1, 2, 3]), pairs);
  assertEquals(await collect(through(sums, mapped((n) => -n))), [-3, -3]);
  const sumsOfSums = through(
    through(new Numbers([1, 2, 3, 4, 5]), pairs),
    pairs,
  );
  assertEquals(await collect(sumsOfSums), [10, 5]);
});

Deno.test("through() takes a block through all stages before the next one is asked for", async () => {
  const log: string[] = [];
  const note = (name: string) =>
    mapped((value) => {
      log.push(`${name} ${value}`);
      return value;
    });
  const first = through(new Numbers([1, 2], log), note("first"));
  const twice = through(first, repeated(2));

  for await (const value of through(twice, note("last"))) {
    log.push(`out ${value}`);
  }

  assertEquals(log, [
    ...["gives 1", "first 1", "last 1", "out 1", "last 1", "out 1"],
    ...["gives 2", "first 2", "last 2", "out 2", "last 2", "out 2"],
  ]);
});

Deno.test("through() works the stage before it as well, which is empty from then on", async () => {
  const source = new Numbers([1, 2, 3]);
  const first = through(source, repeated(2));
  const last = through(first, mapped((n) => 10 * n));

  assertEquals((await last.next()).value, 10);

  assertEquals(await first.next(), { done: true, value: undefined });
  assertEquals((await last.next()).value, 10);
  // Who ends it ends what took its place.
  await first.return(undefined);
  assertEquals(await last.next(), { done: true, value: undefined });
  assertEquals(source.log, ["gives 1", "closed"]);
});

Deno.test("through() leaves a stage alone out of which something was taken already", async () => {
  const first = through(new Numbers([1, 2, 3, 4]), repeated(2));
  const last = through(first, mapped((n) => 10 * n));
  assertEquals((await first.next()).value, 1);
  assertEquals(await collect(last), [10, 20, 20, 30, 30, 40, 40]);
});

Deno.test("through() tells a failure of its source behind what was heard before", async () => {
  const source = new Numbers([1, 2, 3, new Error("gone"), 4]);
  const sums = through(through(source, pairs), mapped((n) => 10 * n));
  const values: number[] = [];
  await assertRejects(
    async () => {
      for await (const value of sums) values.push(value);
    },
    Error,
    "gone",
  );
  assertEquals(values, [30, 30]);
  assertEquals(await sums.next(), { done: true, value: undefined });
  // It has ended by itself.
  assertEquals(source.log, ["gives 1", "gives 2", "gives 3"]);
});

Deno.test("through() closes its source when a stage fails, and ends the stages from that one on", async () => {
  const source = new Numbers([1, 2, 3, 4]);
  const log: string[] = [];
  const failing: () => Stage<number, number> = () => ({
    push(value) {
      log.push(`push ${value}`);
      if (value === 3) throw new RangeError("no 3");
      return [value];
    },
    flush() {
      log.push("flush");
      throw new Error("nor an end");
    },
  });
  const sums = through(through(repeatedFirst(source), failing), pairs);
  const values: number[] = [];

  await assertRejects(
    async () => {
      for await (const value of sums) values.push(value);
    },
    RangeError,
    "no 3",
  );

  // What the stage before it held has nowhere to go; what is behind it has ended.
  assertEquals(log, ["push 1", "push 2", "push 1", "push 3", "flush"]);
  assertEquals(values, [3, 1]);
  assertEquals(source.log, ["gives 1", "gives 2", "gives 3", "closed"]);
});

/** Gives 1 2 1 3 1 4 …, and would give 100 at the end. */
function repeatedFirst(source: Numbers): AsyncIterable<number> {
  let first: number | undefined;
  return through(source, () => ({
    push: (value: number) => {
      if (first !== undefined) return value === 2 ? [value] : [first, value];
      first = value;
      return [value];
    },
    flush: () => [100],
  }));
}

Deno.test("through() closes its source when its consumer leaves early", async () => {
  const source = new Numbers([1, 2, 3]);
  const twice = through(source, repeated(2));
  for await (const value of twice) {
    if (value === 1) break;
  }
  assertEquals(source.log, ["gives 1", "closed"]);
  assertEquals(await twice.next(), { done: true, value: undefined });
});

Deno.test("through() waits for what takes time, and nothing overtakes it", async () => {
  const slow: () => Stage<number, number> = () => ({
    *push(value) {
      yield value;
      yield Promise.resolve().then(() => [value + 0.1, value + 0.2]);
      yield value + 0.3;
    },
  });
  assertEquals(
    await collect(through(through(new Numbers([1, 2]), slow), pairs)),
    [2.1, 2.5, 4.1, 4.5],
  );
  const failing: () => Stage<number, number> = () => ({
    *push(value) {
      yield Promise.reject(new Error(`late ${value}`));
    },
  });
  await assertRejects(
    () => collect(through(new Numbers([1, 2]), failing)),
    Error,
    "late 1",
  );
});

Deno.test("through() gives blocks in order to those who ask before they have an answer", async () => {
  const twice = through(new Numbers([1, 2, 3]), repeated(2));
  const steps = await Promise.all(
    Array.from({ length: 8 }, () => twice.next()),
  );
  assertEquals(
    steps.map(({ value }) => value),
    [1, 1, 2, 2, 3, 3, undefined, undefined],
  );

  const failing = through(
    new Numbers([1, new Error("gone")]),
    mapped((n) => n),
  );
  const results = await Promise.allSettled(
    Array.from({ length: 4 }, () => failing.next()),
  );
  assertEquals(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled", "fulfilled"],
  );
});

Deno.test("through() makes its stages when the first block is asked for, and fails once", async () => {
  let madeCount = 0;
  const refused = through(new Numbers([1]), () => {
    madeCount++;
    throw new RangeError("refused");
  });
  assertEquals(madeCount, 0);
  await assertRejects(() => refused.next(), RangeError, "refused");
  assertEquals(await refused.next(), { done: true, value: undefined });
  assertEquals(madeCount, 1);
});

/** Numbers that are there already, with what becomes of them. */
function* present(
  values: readonly (number | Error)[],
  log: string[] = [],
): Generator<number> {
  try {
    for (const value of values) {
      if (value instanceof Error) throw value;
      log.push(`gives ${value}`);
      yield value;
    }
  } finally {
    log.push("closed");
  }
}

Deno.test("through() gives at once what comes of a source that is no stream", () => {
  assertEquals([...through([1, 2, 3], mapped((n) => 10 * n))], [10, 20, 30]);
  assertEquals([...through(new Set([1, 2]), repeated(2))], [1, 1, 2, 2]);
  assertEquals([...through([1, 2, 3], repeated(0))], []);
  assertEquals([...through(through([1, 2, 3, 4, 5], pairs), pairs)], [10, 5]);
});

Deno.test("through() takes nothing from a source that is no stream before it is asked to", () => {
  const log: string[] = [];
  const twice = through(
    through(present([1, 2], log), repeated(2)),
    repeated(1),
  );
  assertEquals(log, []);
  assertEquals(twice.next().value, 1);
  assertEquals(twice.next().value, 1);
  assertEquals(log, ["gives 1"]);
  assertEquals(twice.next().value, 2);
  twice.return(undefined);
  assertEquals(log, ["gives 1", "gives 2", "closed"]);
});

Deno.test("through() tells at once, too, of a failure behind what was heard before", () => {
  const sums = through(
    through(present([1, 2, 3, new Error("gone")]), pairs),
    mapped((n) => 10 * n),
  );
  const values: number[] = [];
  assertThrows(
    () => {
      for (const value of sums) values.push(value);
    },
    Error,
    "gone",
  );
  assertEquals(values, [30, 30]);
  assertEquals(sums.next(), { done: true, value: undefined });

  const log: string[] = [];
  const failing: () => Stage<number, number> = () => ({
    push() {
      throw new RangeError("refused");
    },
    flush() {
      log.push("flush");
      throw new Error("nor an end");
    },
  });
  assertThrows(
    () => [...through(present([1, 2], log), failing)],
    RangeError,
    "refused",
  );
  assertEquals(log, ["gives 1", "closed", "flush"]);
});

Deno.test("through() says what to do when a stage takes time and its source is no stream", () => {
  const log: string[] = [];
  const slow: () => Stage<number, number> = () => ({
    *push() {
      yield Promise.reject(new Error("nobody waits for this"));
    },
  });
  assertThrows(
    () => [...through(present([1, 2], log), slow)],
    TypeError,
    "give it an async iterable",
  );
  assertEquals(log, ["gives 1", "closed"]);
});

Deno.test("through() refuses a source that is none", () => {
  for (const source of [undefined, null, 42, {}, () => [1]]) {
    assertThrows(
      () => through(source as unknown as number[], mapped((n) => n)),
      TypeError,
      "it must be iterable",
    );
  }
});
