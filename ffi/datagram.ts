/**
 * Datagrams to a Unix socket, through libc: Deno has them only as an unstable
 * feature, and the permission for libasound, which is here anyway, includes libc.
 *
 * @module
 */

import { acquireAlsa, releaseAlsa } from "./library.ts";

// The numbers of x86-64 and aarch64.
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** `sun_path` of a `struct sockaddr_un`, with the NUL at its end. */
const MAX_PATH_BYTES = 108;

/**
 * Sends one datagram, or does not: nobody is waited for.
 *
 * @param path The socket's absolute path, or "@" and the name of an abstract one.
 * @param text What to send, in UTF-8.
 * @returns Whether it was sent.
 * @throws {AlsaError} When libasound cannot be loaded.
 */
export function sendDatagram(path: string, text: string): boolean {
  const address = addressOf(path);
  if (address === undefined) return false;
  const bytes = new TextEncoder().encode(text);
  const libc = acquireAlsa();
  try {
    const socket = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return false;
    const sentLength = libc.sendto(
      socket,
      bytes,
      BigInt(bytes.length),
      MSG_DONTWAIT | MSG_NOSIGNAL,
      address,
      address.length,
    );
    libc.close(socket);
    return Number(sentLength) === bytes.length;
  } finally {
    releaseAlsa();
  }
}

/** A `struct sockaddr_un`; nothing when the path has no place in it. */
function addressOf(path: string): Uint8Array<ArrayBuffer> | undefined {
  const isAbstract = path.startsWith("@");
  // An abstract name begins with a NUL and has no NUL at its end.
  const bytes = new TextEncoder().encode(
    isAbstract ? `\0${path.slice(1)}` : `${path}\0`,
  );
  if (bytes.length > MAX_PATH_BYTES) return undefined;
  const address = new Uint8Array(2 + bytes.length);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(bytes, 2);
  return address;
}
