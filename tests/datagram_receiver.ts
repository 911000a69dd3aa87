/**
 * The other end of a Unix datagram. Deno's own is an unstable feature and wants
 * the permission for all of the network; libc comes with libasound.
 */

import { LIBRARY_PATHS } from "../ffi/library.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const MSG_DONTWAIT = 0x40;

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

function openLibc() {
  for (const path of LIBRARY_PATHS) {
    try {
      return Deno.dlopen(path, SYMBOLS);
    } catch {
      // It is at another place.
    }
  }
  return undefined;
}

/** A socket that receives datagrams. */
export class DatagramReceiver implements Disposable {
  readonly #libc: NonNullable<ReturnType<typeof openLibc>>;
  readonly #socket: number;

  private constructor(
    libc: NonNullable<ReturnType<typeof openLibc>>,
    path: string,
  ) {
    this.#libc = libc;
    const isAbstract = path.startsWith("@");
    const name = new TextEncoder().encode(
      isAbstract ? `\0${path.slice(1)}` : `${path}\0`,
    );
    const address = new Uint8Array([AF_UNIX, 0, ...name]);
    this.#socket = libc.symbols.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
    const result = libc.symbols.bind(this.#socket, address, address.length);
    if (result < 0) throw new Error(`Cannot bind "${path}"`);
  }

  /** Makes one, where there is a libasound. */
  static open(path: string): DatagramReceiver | undefined {
    const libc = openLibc();
    return libc && new DatagramReceiver(libc, path);
  }

  /** Everything that has arrived. */
  receive(): string[] {
    const texts: string[] = [];
    const buffer = new Uint8Array(4096);
    for (;;) {
      const length = Number(
        this.#libc.symbols.recv(
          this.#socket,
          buffer,
          BigInt(buffer.length),
          MSG_DONTWAIT,
        ),
      );
      if (length < 0) return texts;
      texts.push(new TextDecoder().decode(buffer.subarray(0, length)));
    }
  }

  [Symbol.dispose](): void {
    this.#libc.symbols.close(this.#socket);
    this.#libc.close();
  }
}
