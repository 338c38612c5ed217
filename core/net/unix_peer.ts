/** Who is at the other end of a Unix socket, as the kernel vouches for it (unix(7), SO_PEERCRED). */
import { SOL_SOCKET } from "./constants.ts";
import { check, ffiAvailable, libc } from "./libc.ts";
import { nativeBytes } from "./native_memory.ts";

/** A process when it connected. */
export interface UnixPeer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const SO_PEERCRED = 17;

/** struct ucred: three 32-bit numbers. */
const UCRED_BYTES = 12;

/**
 * The peer of a connected Unix socket; `undefined` without FFI.
 * @throws SystemError if the descriptor is no such socket.
 */
export function peerOfUnixSocket(descriptor: number): UnixPeer | undefined {
  if (!ffiAvailable()) return undefined;
  const credentials = new Int32Array(nativeBytes(UCRED_BYTES).buffer);
  const bytes = new Uint8Array(credentials.buffer);
  const length = new Uint8Array(Uint32Array.of(UCRED_BYTES).buffer);
  const result = libc().getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, bytes, length);
  check(result, "ask who is at the other end of a Unix socket");
  const [pid, uid, gid] = credentials;
  return { pid, uid: uid >>> 0, gid: gid >>> 0 };
}
