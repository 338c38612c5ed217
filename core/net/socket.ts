/** Opening, binding and configuring sockets: what every kind of socket here has in common. */
import type { IpAddress } from "../sctp/base/address.ts";
import {
  AF_INET,
  AF_INET6,
  EADDRINUSE,
  EADDRNOTAVAIL,
  IP_FREEBIND,
  IP_MTU_DISCOVER,
  IP_PMTUDISC_DO,
  IP_PMTUDISC_DONT,
  IP_TRANSPARENT,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_FREEBIND,
  IPV6_MTU,
  IPV6_MTU_DISCOVER,
  IPV6_PMTUDISC_DO,
  IPV6_PMTUDISC_WANT,
  IPV6_TRANSPARENT,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "./constants.ts";
import { check, errno, libc } from "./libc.ts";
import { nativeBytes } from "./native_memory.ts";
import { AddressCache, readSockaddrPort, SOCKADDR_BYTES, writeSockaddr } from "./sockaddr.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { SystemError } from "./system_error.ts";

/** Every IPv6 link carries packets of so many bytes (RFC 8200, section 5); the kernel takes no less. */
const SMALLEST_IPV6_MTU = 1280;

const scratch = nativeBytes(SOCKADDR_BYTES);
const scratchLength = nativeBytes(4);
const scratchLengthWord = new Uint32Array(scratchLength.buffer);
const names = new AddressCache(256);

/** AF_INET or AF_INET6. */
export function familyOf(address: IpAddress): number {
  return address.family === 4 ? AF_INET : AF_INET6;
}

/**
 * Opens a nonblocking socket.
 * @throws SystemError naming `what`, such as "UDP socket".
 */
export function openSocket(family: number, type: number, protocol: number, what: string): number {
  const result = libc().socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  return check(result, `open a ${what}`);
}

/** Closes a descriptor. */
export function closeSocket(descriptor: number): void {
  libc().close(descriptor);
}

/** Runs `configure`; closes the descriptor if it throws. */
export function orClose<T>(descriptor: number, configure: () => T): T {
  try {
    return configure();
  } catch (error) {
    closeSocket(descriptor);
    throw error;
  }
}

/**
 * Binds a socket.
 * @throws SystemError that names the address and the port.
 */
export function bindSocket(descriptor: number, address: IpAddress, port: number, what: string) {
  const length = writeSockaddr(scratch, 0, address, port);
  if (libc().bind(descriptor, scratch, length) === 0) return;
  const error = errno();
  throw new SystemError(error, `bind a ${what} to ${describe(address, port)}`, bindAdvice(error));
}

function bindAdvice(error: number): string | undefined {
  if (error === EADDRINUSE) return "Another process has this port; stop it or choose another port";
  if (error === EADDRNOTAVAIL) return "`ip address` shows the addresses of this host";
  return undefined;
}

/** An address and a port as text: `127.0.0.1 port 9899`. */
export function describe(address: IpAddress, port: number): string {
  return `${address} port ${port}`;
}

/** Sets an option of type int; returns false if the kernel refuses. */
export function trySetOption(
  descriptor: number,
  level: number,
  option: number,
  value: number,
): boolean {
  const bytes = nativeBytes(4);
  new Int32Array(bytes.buffer)[0] = value;
  return libc().setsockopt(descriptor, level, option, bytes, 4) === 0;
}

/**
 * Sets an option of type int.
 * @throws SystemError that names `what`, such as "IP_TRANSPARENT".
 */
export function setOption(
  descriptor: number,
  level: number,
  option: number,
  value: number,
  what: string,
): void {
  if (!trySetOption(descriptor, level, option, value)) {
    throw new SystemError(errno(), `set ${what} to ${value}`);
  }
}

/**
 * Reads an option of type int.
 * @throws SystemError that names `what`.
 */
export function getOption(descriptor: number, level: number, option: number, what: string): number {
  const value = nativeBytes(4);
  scratchLengthWord[0] = 4;
  check(libc().getsockopt(descriptor, level, option, value, scratchLength), `read ${what}`);
  return new Int32Array(value.buffer)[0];
}

/** Asks for large buffers: past the system's limit where that is allowed, up to it otherwise. */
export function setBufferSizes(descriptor: number, receive: number, send: number): void {
  if (!trySetOption(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, receive)) {
    trySetOption(descriptor, SOL_SOCKET, SO_RCVBUF, receive);
  }
  if (!trySetOption(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, send)) {
    trySetOption(descriptor, SOL_SOCKET, SO_SNDBUF, send);
  }
}

/**
 * Has the kernel refuse packets that are too big for the link or the path.
 * @throws SystemError if the kernel cannot.
 */
export function forbidFragmentation(descriptor: number, family: 4 | 6): void {
  if (family === 4) {
    setOption(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, "IP_MTU_DISCOVER");
  } else {
    setOption(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, "IPV6_MTU_DISCOVER");
    // Otherwise what was the largest fragment is the largest packet now.
    setOption(descriptor, IPPROTO_IPV6, IPV6_MTU, 0, "IPV6_MTU");
  }
}

/**
 * Has packets that are too big cut up: over IPv4 by this kernel or any router, over IPv6 by this
 * kernel, into fragments of `mtu` bytes at most, or of what it knows of the path if that is 0.
 * @throws SystemError if the kernel cannot.
 */
export function allowFragmentation(descriptor: number, family: 4 | 6, mtu: number): void {
  if (family === 4) {
    setOption(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, "IP_MTU_DISCOVER");
  } else {
    setOption(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT, "IPV6_MTU_DISCOVER");
    const largest = mtu === 0 ? 0 : Math.max(mtu, SMALLEST_IPV6_MTU);
    setOption(descriptor, IPPROTO_IPV6, IPV6_MTU, largest, "IPV6_MTU");
  }
}

/** Lets a socket bind to an address that is not this host's, and receive for it (root only). */
export function setTransparent(descriptor: number, family: number): void {
  const v4 = family === AF_INET;
  const level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
  setOption(descriptor, level, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, 1, "IP_TRANSPARENT");
  setOption(descriptor, level, v4 ? IP_FREEBIND : IPV6_FREEBIND, 1, "IP_FREEBIND");
}

/** The address that a socket is bound to. */
export function localName(descriptor: number): SocketAddress {
  scratchLengthWord[0] = SOCKADDR_BYTES;
  check(libc().getsockname(descriptor, scratch, scratchLength), "read a socket's own address");
  return readName(scratch);
}

/** The address that a socket is connected to. */
export function remoteName(descriptor: number): SocketAddress {
  scratchLengthWord[0] = SOCKADDR_BYTES;
  check(libc().getpeername(descriptor, scratch, scratchLength), "read a socket's peer address");
  return readName(scratch);
}

/** The address that an option of type sockaddr gives; `undefined` if the kernel has none. */
export function optionName(
  descriptor: number,
  level: number,
  option: number,
): SocketAddress | undefined {
  scratchLengthWord[0] = SOCKADDR_BYTES;
  const result = libc().getsockopt(descriptor, level, option, scratch, scratchLength);
  return result < 0 ? undefined : readName(scratch);
}

/** Reads an address and a port out of their C form. */
export function readName(sockaddr: Uint8Array): SocketAddress {
  const address = names.fromSockaddr(sockaddr, 0);
  if (!address) throw new TypeError(`socket address of family ${sockaddr[0]}`);
  return { address, port: readSockaddrPort(sockaddr, 0) };
}
