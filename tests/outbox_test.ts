import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { base64ToPcm16, pcm16ToBase64 } from "../mod.ts";
import { Outbox, type UnsentCause } from "../src/realtime/outbox.ts";

const MS_PER_CHUNK = 10;
const BYTES_PER_CHUNK = MS_PER_CHUNK * 48;

/** Audio that can be told apart: its number is in its first samples. */
function audioOf(chunk: number): string {
  const samples = new Int16Array(BYTES_PER_CHUNK / 2);
  samples.set([chunk % 1000, Math.floor(chunk / 1000)]);
  return pcm16ToBase64(samples);
}

function numberOf(audio: string): number {
  const [below, thousands] = base64ToPcm16(audio);
  return thousands! * 1000 + below!;
}

function lab(keepMs: number) {
  const facts: { cause: UnsentCause } = { cause: "notConnected" };
  const outbox = new Outbox(keepMs, () => facts.cause);
  let chunk = 0;
  let sessionMs = 0;
  return {
    outbox,
    facts,
    append(count: number): void {
      for (let i = 0; i < count; i++, chunk++) {
        assert(outbox.append(audioOf(chunk), BYTES_PER_CHUNK, chunk * 10));
      }
    },
    /** Sends up to `count` items: numbers are chunks, "|" the end of one. */
    send(count = Infinity): (number | string)[] {
      const sent: (number | string)[] = [];
      while (sent.length < count) {
        const item = outbox.peek();
        if (item === undefined) break;
        if (item.kind === "audio") sessionMs += MS_PER_CHUNK;
        outbox.sent(sessionMs);
        sent.push(
          item.kind === "audio"
            ? numberOf(item.audio)
            : item.kind === "end"
            ? "|"
            : item.event.type,
        );
      }
      return sent;
    },
    msOf(name: "sentBytes" | "keptBytes" | "appendedBytes" | "resentBytes") {
      return outbox.counts[name] / 48;
    },
  };
}

Deno.test("Outbox gives everything back in its order", () => {
  const { outbox, append, send } = lab(1000);
  append(3);
  outbox.end();
  append(1);
  assertEquals(send(), [0, 1, 2, "|", 3]);
  assert(outbox.isSent);
});

Deno.test("Outbox sends an unfinished utterance again from its first sample", () => {
  const { outbox, append, send, msOf } = lab(1000);
  append(3);
  send();
  append(1);
  outbox.rewind();
  append(1);
  outbox.end();
  assertEquals(send(), [0, 1, 2, 3, 4, "|"]);
  assertEquals(msOf("resentBytes"), 30);
  assertEquals(msOf("sentBytes"), 50);
});

Deno.test("Outbox does not send again what was settled", () => {
  const { outbox, append, send } = lab(1000);
  append(2);
  outbox.end();
  append(1);
  send(2);
  const name = outbox.sent(20);
  send();
  const { capturedMs, byteCount, isCut } = outbox.settle(name)!;
  assertEquals([capturedMs, byteCount, isCut], [0, 2 * BYTES_PER_CHUNK, false]);
  outbox.rewind();
  assertEquals(send(), [2]);
});

Deno.test("Outbox does not take an utterance for settled because a later one is over", () => {
  const { outbox, append, send } = lab(1000);
  append(2);
  outbox.end();
  append(1);
  outbox.end();
  append(1);
  send(4);
  outbox.finish(outbox.sent(30));
  send();
  outbox.rewind();
  assertEquals(send(), [0, 1, "|", 3]);
});

Deno.test("Outbox drops whole utterances, the oldest first, when it is full", () => {
  const { outbox, append, send, msOf } = lab(100);
  append(4);
  outbox.end();
  append(4);
  outbox.end();
  append(4);
  assertEquals(send(), [4, 5, 6, 7, "|", 8, 9, 10, 11]);
  assertEquals(outbox.counts.droppedUtteranceCount, 1);
  assertEquals(outbox.counts.unsentBytes, {
    notConnected: 4 * BYTES_PER_CHUNK,
    bufferFull: 0,
  });
  assertEquals(msOf("sentBytes"), 80);
});

Deno.test("Outbox cuts the beginning of an utterance that is longer than all of it", () => {
  const { outbox, append, send, facts } = lab(100);
  facts.cause = "bufferFull";
  append(15);
  outbox.end();
  assertEquals(send(10), [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  const utterance = outbox.settle(outbox.sent(100));
  assertEquals(utterance!.isCut, true);
  assertEquals(utterance!.byteCount, 10 * BYTES_PER_CHUNK);
  assertEquals(outbox.counts.unsentBytes.bufferFull, 5 * BYTES_PER_CHUNK);
});

Deno.test("Outbox loses nothing of a long utterance while the session lives", () => {
  const { outbox, append, send, msOf } = lab(100);
  const sent: unknown[] = [];
  for (let i = 0; i < 30; i++) {
    append(1);
    sent.push(...send());
  }
  assertEquals(sent, Array.from({ length: 30 }, (_, chunk) => chunk));
  assertEquals(msOf("sentBytes"), 300);
  assertEquals(outbox.counts.unsentBytes.notConnected, 0);
});

Deno.test("Outbox counts what it had no room to keep, when the session is lost", () => {
  const { outbox, append, send, msOf } = lab(100);
  for (let i = 0; i < 30; i++) {
    append(1);
    send();
  }
  outbox.rewind();
  assertEquals(msOf("keptBytes"), 100);
  assertEquals(outbox.counts.unsentBytes.notConnected / 48, 200);
  outbox.end();
  assertEquals(send(10).at(0), 20);
  assertEquals(outbox.settle(outbox.sent(100))!.isCut, true);
});

Deno.test("Outbox sends the end of an utterance whose rest had to be dropped", () => {
  const { outbox, append, send } = lab(100);
  append(2);
  assertEquals(send(), [0, 1]);
  // The socket is full from here on.
  append(6);
  outbox.end();
  append(8);
  outbox.end();
  assertEquals(send(), ["|", 8, 9, 10, 11, 12, 13, 14, 15, "|"]);
  assertEquals(outbox.counts.droppedUtteranceCount, 0);
});

Deno.test("Outbox keeps the place of other events, and sends them once", () => {
  const { outbox, append, send } = lab(1000);
  append(1);
  outbox.end();
  outbox.enqueue({ type: "response.create" });
  append(1);
  assertEquals(send(), [0, "|", "response.create", 1]);
  outbox.rewind();
  assertEquals(send(), [0, "|", 1]);
});

Deno.test("Outbox forgets an utterance that was cleared", () => {
  const { outbox, append, send, msOf } = lab(1000);
  append(1);
  outbox.end();
  append(2);
  outbox.clear();
  append(1);
  outbox.end();
  assertEquals(send(), [0, "|", 3, "|"]);
  assertEquals(msOf("appendedBytes"), 40);
  assertEquals(outbox.counts.unsentBytes.notConnected / 48, 20);
});

Deno.test("Outbox counts what is abandoned", () => {
  const { outbox, append, send, msOf } = lab(1000);
  append(3);
  outbox.end();
  send();
  append(2);
  outbox.end();
  append(1);
  outbox.abandon();
  assert(outbox.isEmpty);
  assertEquals(send(), []);
  assertEquals([msOf("sentBytes"), msOf("keptBytes")], [30, 0]);
  assertEquals(outbox.counts.unsentBytes.notConnected / 48, 30);
  assertEquals(outbox.counts.droppedUtteranceCount, 2);
});

Deno.test("Outbox settles what a server heard, by the session's own time", () => {
  const { outbox, append, send } = lab(1000);
  append(10);
  send();
  assertEquals(outbox.capturedMsAt(45), 45);
  outbox.settleUntil(40);
  assertEquals(outbox.capturedMsAt(35), 40);
  outbox.rewind();
  assertEquals(send(), [4, 5, 6, 7, 8, 9]);
});

Deno.test("Outbox goes round in two seconds of memory while no more has to be kept", () => {
  const { outbox, append, send } = lab(60_000);
  for (let chunk = 1; chunk <= 60_000; chunk++) {
    append(1);
    assertEquals(send(), [chunk - 1]);
    outbox.settleUntil(chunk * MS_PER_CHUNK - 1000);
  }
  assertEquals(outbox.usedLength, 2000 * 48);
  outbox.rewind();
  assertEquals(send().at(0), 60_000 - 100);
});

Deno.test("Outbox takes as much more of its memory as has to be kept, in its order", () => {
  const { outbox, append, send, msOf } = lab(60_000);
  // The oldest is in the middle of the memory in use, and the latest before it.
  append(150);
  send();
  outbox.settleUntil(1000);
  append(100);
  assertEquals(outbox.usedLength, 2000 * 48);
  append(1000);
  assertEquals(outbox.usedLength, 16_000 * 48);
  outbox.rewind();
  const kept = Array.from({ length: 1150 }, (_, index) => 100 + index);
  assertEquals(send(), kept);
  // In the end it is all of it, and only then the oldest makes room.
  append(6000 - kept.length);
  assertEquals(outbox.usedLength, 60_000 * 48);
  outbox.rewind();
  assertEquals(msOf("keptBytes"), 60_000);
  assertEquals(outbox.counts.unsentBytes.notConnected, 0);
  append(1);
  assertEquals(outbox.counts.unsentBytes.notConnected, BYTES_PER_CHUNK);
  assertEquals(send().at(0), 101);
});

for (
  const { what, audio, sent } of [
    { what: "padding", audio: "AQIDBA==", sent: "AQIDBA==" },
    { what: "no padding", audio: "AQIDBA", sent: "AQIDBA==" },
    { what: "white space", audio: "AQID\nBA==", sent: "AQIDBA==" },
    { what: "white space for padding", audio: "AQIDBA\n ", sent: "AQIDBA==" },
  ]
) {
  Deno.test(`Outbox gives back base64 with ${what} as base64 with padding`, () => {
    const { outbox } = lab(100);
    outbox.append(audio, Math.floor(audio.length / 4 * 3), 0);
    assertEquals(outbox.peek(), {
      kind: "audio",
      audio: sent,
      byteCount: 4,
      eventId: undefined,
    });
    assertEquals(outbox.counts.appendedBytes, 4);
  });
}

Deno.test("Outbox refuses audio that is not base64, and keeps what it has", () => {
  const { outbox, append, send } = lab(100);
  append(2);
  assertThrows(
    () => outbox.append("no base64!", 6, 0),
    TypeError,
    "Cannot decode audio as it must be base64",
  );
  assertEquals(outbox.counts.appendedBytes, 2 * BYTES_PER_CHUNK);
  assertEquals(send(), [0, 1]);
});

Deno.test("Outbox refuses what is larger than all its room", () => {
  const { outbox, append } = lab(100);
  append(1);
  assertFalse(outbox.append("A".repeat(6404), 4803, 0));
  outbox.refuse(4803, 10);
  assertEquals(outbox.counts.appendedBytes, 480 + 4803);
  assertEquals(outbox.counts.unsentBytes.notConnected, 4803);
});

Deno.test("Outbox accounts for every byte, and keeps the order, whatever happens", () => {
  for (let seed = 1; seed <= 3000; seed++) {
    let state = seed;
    const random = (below: number) => {
      state = Math.imul(state, 1_103_515_245) + 12_345 >>> 0;
      return (state >>> 8) % below;
    };
    // Some need not all of their memory, or not at first.
    const size = seed % 30 === 0 ? 30 : 1;
    const { outbox, append, send, facts } = lab(size * (100 + random(400)));
    const names: object[] = [];
    let last = -1;
    for (let step = 0; step < 60; step++) {
      switch (random(9)) {
        case 0:
        case 1:
        case 2:
          append(size * (1 + random(12)));
          break;
        case 3:
          outbox.end();
          break;
        case 4: {
          for (const item of send(size * (1 + random(20)))) {
            if (typeof item !== "number") continue;
            assert(item > last, `seed ${seed}: ${item} behind ${last}`);
            last = item;
          }
          break;
        }
        case 5:
          if (outbox.peek()?.kind === "end") names.push(outbox.sent(0));
          break;
        case 6:
          if (names.length > 0) outbox.settle(names.shift()!);
          break;
        case 7:
          outbox.rewind();
          names.length = 0;
          last = -1;
          break;
        case 8:
          facts.cause = random(2) === 0 ? "notConnected" : "bufferFull";
          if (random(8) === 0) outbox.clear();
          if (random(30) === 0) outbox.abandon();
          break;
      }
      const { appendedBytes, sentBytes, keptBytes, unsentBytes } =
        outbox.counts;
      assertEquals(
        sentBytes + keptBytes + unsentBytes.notConnected +
          unsentBytes.bufferFull,
        appendedBytes,
        `seed ${seed}`,
      );
      assert(sentBytes >= 0 && keptBytes >= 0, `seed ${seed}`);
    }
    // What is kept is there indeed.
    const kept = outbox.counts.keptBytes;
    const rest = send().filter((item) => typeof item === "number");
    assertEquals(rest.length * BYTES_PER_CHUNK, kept, `seed ${seed}`);
  }
});
