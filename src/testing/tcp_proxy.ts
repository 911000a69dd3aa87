/**
 * A bad network between a client and a server on this machine.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";

/** Small, so that little passes unseen between a fault and its effect. */
const CHUNK_BYTES = 4096;

/** What a {@linkcode TcpProxy} stands before, and how. */
export interface TcpProxyOptions {
  /** Port of the server on this machine. */
  readonly port: number;
  /**
   * What a throttle is kept with.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Passes TCP connections on, until it is told not to. When it does not pass
 * bytes on it does not read them either, so that the sender's buffers fill as
 * they do on a real network.
 */
export class TcpProxy implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #options: TcpProxyOptions;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #closing = new AbortController();
  readonly #accepting: Promise<void>;
  readonly #pumps = new Set<Promise<void>>();
  #frozen: PromiseWithResolvers<void> | undefined;
  #isRefusing = false;
  #bytesPerSecond = Infinity;
  #connectionCount = 0;

  /**
   * Use {@linkcode startTcpProxy}.
   *
   * @param options What it stands before.
   */
  constructor(options: TcpProxyOptions) {
    this.#options = options;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accepting = this.#accept();
  }

  /** Its own port. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** How many connections were made to it so far. */
  get connectionCount(): number {
    return this.#connectionCount;
  }

  /**
   * Turns the address of the server into that of the proxy.
   *
   * @param url Any URL of the server.
   * @returns The same with the proxy's port.
   */
  urlFor(url: string): string {
    const proxied = new URL(url);
    proxied.hostname = "127.0.0.1";
    proxied.port = String(this.port);
    return proxied.href;
  }

  /** Passes nothing on any more; connections stay open, and new ones hang. */
  freeze(): void {
    this.#frozen ??= Promise.withResolvers<void>();
  }

  /** Passes everything on again, what was held up first. */
  thaw(): void {
    this.#frozen?.resolve();
    this.#frozen = undefined;
  }

  /** Cuts all connections, without a word of goodbye between the two ends. */
  reset(): void {
    for (const connection of this.#connections) close(connection);
    this.#connections.clear();
  }

  /**
   * Cuts every new connection at once, or accepts them again.
   *
   * @param isRefusing Which of both.
   */
  refuse(isRefusing: boolean): void {
    this.#isRefusing = isRefusing;
  }

  /**
   * Makes every direction of every connection slow.
   *
   * @param bytesPerSecond How slow; `Infinity` as fast as it goes.
   */
  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Ends everything; safe to call twice. */
  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      this.#listener.close();
    }
    this.thaw();
    this.reset();
    await this.#accepting;
    await Promise.all(this.#pumps);
  }

  /** The same as {@linkcode TcpProxy.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) {
        this.#connectionCount++;
        if (this.#isRefusing) close(client);
        else this.#follow(this.#serve(client));
      }
    } catch {
      // The listener was closed while it was waiting.
    }
  }

  #follow(pump: Promise<void>): void {
    this.#pumps.add(pump);
    pump.finally(() => this.#pumps.delete(pump));
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.#connections.add(client);
    try {
      const { port } = this.#options;
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      this.#connections.add(server);
      await Promise.all([
        this.#pump(client, server),
        this.#pump(server, client),
      ]);
    } catch {
      // Nobody listens there: to the client it looks like a lost connection.
      close(client);
    }
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    const { clock = systemClock } = this.#options;
    try {
      for (;;) {
        await this.#frozen?.promise;
        const length = await from.read(buffer);
        if (length === null) break;
        await this.#frozen?.promise;
        for (let sent = 0; sent < length;) {
          sent += await to.write(buffer.subarray(sent, length));
        }
        if (this.#bytesPerSecond !== Infinity) {
          await clock.sleep(length * 1000 / this.#bytesPerSecond, {
            signal: this.#closing.signal,
          });
        }
      }
    } catch {
      // One of the two is gone: so is the other.
    }
    for (const connection of [from, to]) {
      close(connection);
      this.#connections.delete(connection);
    }
  }
}

/**
 * Starts a proxy on the loopback interface.
 *
 * @example A network that hangs
 * ```ts ignore
 * import { startRealtimeServer, startTcpProxy } from "@nevil/earshot/testing";
 *
 * await using server = startRealtimeServer();
 * await using proxy = startTcpProxy({ port: Number(new URL(server.url).port) });
 * const socket = new WebSocket(proxy.urlFor(server.url));
 * proxy.freeze();
 * ```
 *
 * @param options What it stands before.
 * @returns The proxy, which listens already. Close it at the end.
 */
export function startTcpProxy(options: TcpProxyOptions): TcpProxy {
  return new TcpProxy(options);
}

/** Closing what is closed already is no fault. */
function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It was.
  }
}
