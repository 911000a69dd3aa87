import { assert, assertEquals, assertThrows } from "@std/assert";
import { FakeClock } from "../src/testing/fake_clock.ts";
import {
  startTcpProxy,
  type TcpProxyOptions,
} from "../src/testing/tcp_proxy.ts";

/** A server that says everything back, behind a proxy, and a client of it. */
async function lab(options: Omit<TcpProxyOptions, "port"> = {}) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    const connections: Promise<void>[] = [];
    for await (const connection of listener) {
      connections.push(
        connection.readable.pipeTo(connection.writable).catch(() => {}),
      );
    }
    await Promise.all(connections);
  })().catch(() => {});
  const proxy = startTcpProxy({ ...options, port: listener.addr.port });
  const client = await Deno.connect({
    hostname: "127.0.0.1",
    port: proxy.port,
  });
  return {
    proxy,
    client,
    async say(text: string): Promise<void> {
      await client.write(new TextEncoder().encode(text));
    },
    async hear(): Promise<string | null> {
      const buffer = new Uint8Array(100_000);
      const length = await client.read(buffer).catch(() => null);
      return length === null
        ? null
        : new TextDecoder().decode(buffer.subarray(0, length));
    },
    async [Symbol.asyncDispose](): Promise<void> {
      client.close();
      await proxy.close();
      listener.close();
      await serving;
    },
  };
}

/** Long enough for bytes to arrive, where they wrongly would. */
function pause(ms: number): Promise<"nothing"> {
  return new Promise((resolve) => setTimeout(resolve, ms, "nothing"));
}

Deno.test("TcpProxy passes everything on, both ways", async () => {
  await using it = await lab();
  await it.say("hello");
  assertEquals(await it.hear(), "hello");
  assertEquals(it.proxy.connectionCount, 1);
});

Deno.test("TcpProxy passes on the end of one direction, and what the other says after it", async () => {
  await using it = await lab();
  await it.say("last words");
  await it.client.closeWrite();
  assertEquals(await it.hear(), "last words");
  assertEquals(await it.hear(), null);
});

Deno.test("TcpProxy looks like a lost connection where nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using proxy = startTcpProxy({ hostname: "localhost", port });
  using client = await Deno.connect({
    hostname: "127.0.0.1",
    port: proxy.port,
  });
  assertEquals(await client.read(new Uint8Array(1)).catch(() => null), null);
});

Deno.test("TcpProxy.freeze() passes nothing on, and thaw() what was held up", async () => {
  await using it = await lab();
  await it.say("before");
  await it.hear();
  it.proxy.freeze();
  await it.say("during");
  const hearing = it.hear();
  assertEquals(await Promise.race([hearing, pause(50)]), "nothing");
  it.proxy.thaw();
  assertEquals(await hearing, "during");
});

Deno.test("TcpProxy.freeze() holds what it held before a thaw() of no length", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    await using proxy = startTcpProxy({ port: listener.addr.port });
    using client = await Deno.connect({
      hostname: "127.0.0.1",
      port: proxy.port,
    });
    using server = await listener.accept();
    // The proxy is reading when it is frozen.
    await client.write(new Uint8Array(1));
    await server.read(new Uint8Array(1));
    proxy.freeze();
    await client.write(new Uint8Array(3));
    await pause(30);
    proxy.thaw();
    proxy.freeze();
    const reading = server.read(new Uint8Array(10));
    const first = await Promise.race([reading, pause(30)]);
    assertEquals(first, "nothing");
    proxy.thaw();
    assertEquals(await reading, 3);
  } finally {
    listener.close();
  }
});

Deno.test("TcpProxy.close() ends what is frozen, also when it is frozen once more", async () => {
  await using it = await lab();
  await it.say("hello");
  await it.hear();
  it.proxy.freeze();
  await it.say("during");
  const closing = it.proxy.close();
  it.proxy.freeze();
  await closing;
  assertEquals(await it.hear(), null);
});

Deno.test("TcpProxy.freeze() makes the sender's buffers fill", async () => {
  await using it = await lab();
  it.proxy.freeze();
  const all = new Uint8Array(64 * 1024 * 1024);
  // A write takes what there is room for, at once.
  const length = await it.client.write(all);
  assert(length < all.length, `${length} bytes were taken`);
});

Deno.test("TcpProxy.reset() cuts every connection, and takes new ones", async () => {
  await using it = await lab();
  await it.say("hello");
  await it.hear();
  it.proxy.reset();
  assertEquals(await it.hear(), null);
  using again = await Deno.connect({
    hostname: "127.0.0.1",
    port: it.proxy.port,
  });
  await again.write(new Uint8Array(3));
  assertEquals(await again.read(new Uint8Array(10)), 3);
});

Deno.test("TcpProxy.refuse() cuts new connections at once", async () => {
  await using it = await lab();
  it.proxy.refuse(true);
  using refused = await Deno.connect({
    hostname: "127.0.0.1",
    port: it.proxy.port,
  });
  assertEquals(await refused.read(new Uint8Array(1)).catch(() => null), null);
});

Deno.test("TcpProxy.throttle() lets so many bytes pass in a second", async () => {
  const clock = new FakeClock();
  await using it = await lab({ clock });
  it.proxy.throttle(1000);
  await it.say("first");
  assertEquals(await it.hear(), "first");
  await it.say("second");
  let isHeard = false;
  const hearing = it.hear().then((text) => {
    isHeard = true;
    return text;
  });
  await pause(30);
  assertEquals(isHeard, false, "the first five bytes take 5 ms of the clock");
  await clock.advance(5);
  assertEquals(await hearing, "second");
});

Deno.test("TcpProxy.throttle() holds for what is waiting already", async () => {
  const clock = new FakeClock();
  await using it = await lab({ clock });
  it.proxy.throttle(1);
  await it.say("first");
  assertEquals(await it.hear(), "first");
  await it.say("second");
  it.proxy.throttle();
  assertEquals(await it.hear(), "second", "without a move of the clock");
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("TcpProxy.throttle() refuses what would be no throttle, or a freeze", async () => {
  await using it = await lab();
  for (const bytesPerSecond of [0, -1, NaN]) {
    assertThrows(
      () => it.proxy.throttle(bytesPerSecond),
      RangeError,
      "Cannot use bytesPerSecond as it must be a number from 1 to Infinity",
    );
  }
});

Deno.test("TcpProxy.reset() leaves nothing waiting for the clock of a throttle", async () => {
  const clock = new FakeClock();
  await using it = await lab({ clock });
  it.proxy.throttle(1);
  await it.say("hello");
  assertEquals(await it.hear(), "hello");
  it.proxy.reset();
  assertEquals(await it.hear(), null);
  assertEquals(clock.sleeperCount, 0);
});

Deno.test("TcpProxy.urlFor() is the server's address with the proxy's port", async () => {
  await using it = await lab();
  assertEquals(
    it.proxy.urlFor("ws://localhost:99/v1/realtime?model=x"),
    `ws://127.0.0.1:${it.proxy.port}/v1/realtime?model=x`,
  );
});
