/** Socket addresses in their C form: `struct sockaddr_in` (16 bytes) and `sockaddr_in6` (28). */
import { IpAddress } from "../sctp/base/address.ts";
import { AF_INET, AF_INET6 } from "./constants.ts";

/** Room for either form. */
export const SOCKADDR_BYTES = 28;

/** An IP address with a port. */
export interface SocketAddress {
  readonly address: IpAddress;
  readonly port: number;
}

/**
 * Writes a socket address in its C form and returns its length: 16 or 28 bytes.
 * @param port 0 .. 65535.
 */
export function writeSockaddr(
  target: Uint8Array,
  offset: number,
  address: IpAddress,
  port: number,
): number {
  const { bytes } = address;
  target[offset + 1] = 0;
  target[offset + 2] = port >> 8;
  target[offset + 3] = port;
  if (address.family === 4) {
    target[offset] = AF_INET;
    for (let i = 0; i < 4; i++) target[offset + 4 + i] = bytes[i];
    for (let i = 8; i < 16; i++) target[offset + i] = 0;
    return 16;
  }
  target[offset] = AF_INET6;
  for (let i = 4; i < 8; i++) target[offset + i] = 0;
  for (let i = 0; i < 16; i++) target[offset + 8 + i] = bytes[i];
  writeHostU32(target, offset + 24, address.scope);
  return 28;
}

/** The port of a socket address in its C form. */
export function readSockaddrPort(source: Uint8Array, offset: number): number {
  return (source[offset + 2] << 8) | source[offset + 3];
}

/** Writes 16 bits in the machine's order, which is little-endian. */
export function writeHostU16(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value;
  target[offset + 1] = value >>> 8;
}

/** Reads 16 bits in the machine's order, which is little-endian. */
export function readHostU16(source: Uint8Array, offset: number): number {
  return source[offset] | (source[offset + 1] << 8);
}

/** Writes 32 bits in the machine's order, which is little-endian. */
export function writeHostU32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value;
  target[offset + 1] = value >>> 8;
  target[offset + 2] = value >>> 16;
  target[offset + 3] = value >>> 24;
}

/** Reads 32 bits in the machine's order, which is little-endian, as 0 .. 2^32 - 1. */
export function readHostU32(source: Uint8Array, offset: number): number {
  return (
    source[offset] | (source[offset + 1] << 8) |
    (source[offset + 2] << 16) | (source[offset + 3] << 24)
  ) >>> 0;
}

/**
 * Gives the same {@link IpAddress} object for the same bytes, packet after packet, so that comparing
 * addresses costs one comparison of references and nothing is allocated in the steady state.
 *
 * A direct-mapped table: an address that falls on another's place takes it over, so the memory is
 * bounded whatever a peer sends; the one that was displaced is made anew when it comes again.
 */
export class AddressCache {
  readonly #slots: (IpAddress | undefined)[];
  readonly #mask: number;

  /** @param size places in the table, rounded up to a power of two. */
  constructor(size = 1024) {
    const places = 2 ** Math.ceil(Math.log2(size));
    this.#slots = new Array(places).fill(undefined);
    this.#mask = places - 1;
  }

  /** Puts an address that is known already into the table, so that {@link at} gives this object. */
  keep(address: IpAddress): void {
    const { bytes, scope } = address;
    this.#slots[hash(bytes, 0, bytes.length, scope) & this.#mask] = address;
  }

  /** The address whose 4 or 16 bytes lie at `offset`. */
  at(family: 4 | 6, source: Uint8Array, offset: number, scope: number): IpAddress {
    const length = family === 4 ? 4 : 16;
    const slot = hash(source, offset, length, scope) & this.#mask;
    const found = this.#slots[slot];
    if (
      found !== undefined && found.family === family && found.scope === scope &&
      sameBytes(found.bytes, source, offset)
    ) return found;
    return this.#slots[slot] = IpAddress.fromBytes(family, source, offset, scope);
  }

  /** The address of a socket address in its C form; `undefined` for one of another family. */
  fromSockaddr(source: Uint8Array, offset: number): IpAddress | undefined {
    const family = source[offset] | (source[offset + 1] << 8);
    if (family === AF_INET) return this.at(4, source, offset + 4, 0);
    if (family !== AF_INET6) return undefined;
    return this.at(6, source, offset + 8, readHostU32(source, offset + 24));
  }
}

/** The scope of an IPv6 address that came by an interface: only link-local addresses have one. */
export function scopeOf(source: Uint8Array, offset: number, interfaceIndex: number): number {
  const linkLocal = source[offset] === 0xfe && (source[offset + 1] & 0xc0) === 0x80;
  return linkLocal ? interfaceIndex : 0;
}

function hash(source: Uint8Array, offset: number, length: number, scope: number): number {
  let value = scope ^ length;
  for (let i = offset; i < offset + length; i++) {
    value = Math.imul(value ^ source[i], 0x01000193);
  }
  return (value ^ (value >>> 15)) >>> 0;
}

function sameBytes(bytes: Uint8Array, source: Uint8Array, offset: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== source[offset + i]) return false;
  return true;
}
