import { assert, assertEquals } from "@std/assert";
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

Deno.test("TcpProxy passes everything on, both ways", async () => {
  await using it = await lab();
  await it.say("hello");
  assertEquals(await it.hear(), "hello");
  assertEquals(it.proxy.connectionCount, 1);
});

Deno.test("TcpProxy.freeze() passes nothing on, and thaw() what was held up", async () => {
  await using it = await lab();
  await it.say("before");
  await it.hear();
  it.proxy.freeze();
  await it.say("during");
  const hearing = it.hear();
  const first = await Promise.race([
    hearing,
    new Promise((resolve) => setTimeout(resolve, 50, "nothing")),
  ]);
  assertEquals(first, "nothing");
  it.proxy.thaw();
  assertEquals(await hearing, "during");
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
  await new Promise((resolve) => setTimeout(resolve, 30));
  assertEquals(isHeard, false, "the first five bytes take 5 ms of the clock");
  await clock.advance(5);
  assertEquals(await hearing, "second");
});

Deno.test("TcpProxy.urlFor() is the server's address with the proxy's port", async () => {
  await using it = await lab();
  assertEquals(
    it.proxy.urlFor("ws://localhost:99/v1/realtime?model=x"),
    `ws://127.0.0.1:${it.proxy.port}/v1/realtime?model=x`,
  );
});
