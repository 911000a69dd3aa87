/**
 * A bad network between a client and a server on this machine.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { checkNumber } from "../validation.ts";

/** Small, so that little passes unseen between a fault and its effect. */
const CHUNK_BYTES = 4096;

/** What a {@linkcode TcpProxy} stands before, and how. */
export interface TcpProxyOptions {
  /** Port of the server. */
  readonly port: number;
  /**
   * Name or address of the server's machine.
   *
   * @default {"127.0.0.1"}
   */
  readonly hostname?: string;
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
  readonly #accepting: Promise<void>;
  readonly #pumps = new Set<Promise<void>>();
  #isClosed = false;
  #frozen: PromiseWithResolvers<void> | undefined;
  /** Ends the waits of the present throttle. */
  #pace = new AbortController();
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

  /**
   * Passes nothing on any more; connections stay open, and new ones hang. What
   * was read already, 4096 bytes at most of each direction, is held.
   */
  freeze(): void {
    this.#frozen ??= Promise.withResolvers<void>();
  }

  /** Passes everything on again, what was held up first. */
  thaw(): void {
    this.#frozen?.resolve();
    this.#frozen = undefined;
  }

  /**
   * Cuts all connections, without a word of goodbye between the two ends: both
   * see the end of the stream, as a `Deno.TcpConn` cannot send an RST.
   */
  reset(): void {
    for (const connection of this.#connections) close(connection);
    this.#connections.clear();
    this.#endWaits();
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
   * Makes every direction of every connection slow, from now on: nothing waits
   * for the end of a slower time before.
   *
   * @param bytesPerSecond How slow, from 1; `Infinity`, which is the default, is
   *   as fast as it goes.
   * @throws {RangeError} When it is less than 1 or not a number.
   */
  throttle(bytesPerSecond: number = Infinity): void {
    checkNumber("bytesPerSecond", bytesPerSecond, 1, Infinity);
    this.#bytesPerSecond = bytesPerSecond;
    this.#endWaits();
  }

  /** Ends everything; safe to call twice. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
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
    const { hostname = "127.0.0.1", port } = this.#options;
    const both = [client];
    this.#connections.add(client);
    try {
      const server = await Deno.connect({ hostname, port });
      both.push(server);
      this.#connections.add(server);
      // One of the two is gone: so is the other, and with it its own pump.
      const cut = () => both.forEach(close);
      await Promise.all([
        this.#pump(client, server).catch(cut),
        this.#pump(server, client).catch(cut),
      ]);
    } catch {
      // Nobody listens there: to the client it looks like a lost connection.
    }
    for (const connection of both) {
      close(connection);
      this.#connections.delete(connection);
    }
  }

  /** Passes on what comes, and at the end that nothing more will come. */
  async #pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      await this.#thawed();
      const length = await from.read(buffer);
      await this.#thawed();
      // The other direction may still have something to say.
      if (length === null) return await to.closeWrite();
      for (let sent = 0; sent < length;) {
        sent += await to.write(buffer.subarray(sent, length));
        await this.#thawed();
      }
      // What was cut meanwhile need not wait to find that out.
      if (this.#connections.has(from)) await this.#wait(length);
    }
  }

  async #thawed(): Promise<void> {
    // It may have been frozen again before this goes on.
    while (this.#frozen !== undefined && !this.#isClosed) {
      await this.#frozen.promise;
    }
  }

  /** Waits as long as so many bytes take. */
  async #wait(length: number): Promise<void> {
    if (this.#bytesPerSecond === Infinity) return;
    const { clock = systemClock } = this.#options;
    try {
      await clock.sleep(length * 1000 / this.#bytesPerSecond, {
        signal: this.#pace.signal,
      });
    } catch {
      // The throttle is another one now, or the proxy is closed.
    }
  }

  #endWaits(): void {
    this.#pace.abort();
    this.#pace = new AbortController();
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
