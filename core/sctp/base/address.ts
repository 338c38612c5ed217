/**
 * IP addresses as values: parsed and formatted in one place (RFC 5952 text form for IPv6).
 *
 * Whoever hands packets to the engine should pass the same object for the same address, packet
 * after packet: {@link IpAddress.equals} then costs one comparison.
 */
import { Interner } from "./interner.ts";

export type AddressFamily = 4 | 6;

export class IpAddress {
  private constructor(
    /** 4 or 6. */
    readonly family: AddressFamily,
    /** The address in network order: 4 or 16 bytes. Never changed after construction. */
    readonly bytes: Uint8Array,
    /** IPv6 zone index of a link-local address, 0 where there is none. */
    readonly scope: number,
    /** Text form, with `%scope` for a scoped address. */
    readonly text: string,
  ) {}

  /** The address at a place in a buffer. */
  static fromBytes(
    family: AddressFamily,
    source: Uint8Array,
    offset = 0,
    scope = 0,
  ): IpAddress {
    const bytes = source.slice(offset, offset + (family === 4 ? 4 : 16));
    const plain = family === 4 ? bytes.join(".") : formatV6(bytes);
    const text = scope ? `${plain}%${scope}` : plain;
    return addresses.get(text, () => new IpAddress(family, bytes, scope, text));
  }

  /** The address that a text names, or `undefined` if it names none. Zones are numeric only. */
  static tryParse(text: string): IpAddress | undefined {
    const v4 = parseV4(text);
    if (v4) return IpAddress.fromBytes(4, v4);
    const [address, zone, ...rest] = text.split("%");
    if (rest.length > 0 || (zone !== undefined && !/^\d{1,9}$/.test(zone))) return undefined;
    const v6 = parseV6(address);
    return v6 && IpAddress.fromBytes(6, v6, 0, zone ? Number(zone) : 0);
  }

  /**
   * The address that a text names.
   * @throws TypeError if it names none.
   */
  static parse(text: string): IpAddress {
    const address = IpAddress.tryParse(text);
    if (!address) throw new TypeError(`"${text}" is not an IPv4 or IPv6 address`);
    return address;
  }

  /** True if both name the same address. */
  equals(other: IpAddress): boolean {
    if (this === other) return true;
    if (this.family !== other.family || this.scope !== other.scope) return false;
    for (let i = 0; i < this.bytes.length; i++) {
      if (this.bytes[i] !== other.bytes[i]) return false;
    }
    return true;
  }

  /** True for a loopback address: 127.0.0.0/8 or ::1. */
  get isLoopback(): boolean {
    if (this.family === 4) return this.bytes[0] === 127;
    return this.bytes[15] === 1 && this.bytes.subarray(0, 15).every((byte) => byte === 0);
  }

  /** True for an address of private networks: RFC 1918, RFC 6598 (a carrier's NAT) or RFC 4193. */
  get isPrivate(): boolean {
    const [a, b] = this.bytes;
    if (this.family === 6) return (a & 0xfe) === 0xfc || this.isLinkLocal || this.isLoopback;
    return a === 10 || (a === 172 && (b & 0xf0) === 16) || (a === 192 && b === 168) ||
      (a === 100 && (b & 0xc0) === 64) || this.isLinkLocal || this.isLoopback;
  }

  /** True for a link-local address: 169.254.0.0/16 or fe80::/10. */
  get isLinkLocal(): boolean {
    const [a, b] = this.bytes;
    return this.family === 4 ? a === 169 && b === 254 : a === 0xfe && (b & 0xc0) === 0x80;
  }

  /** True for 0.0.0.0 and ::, which stand for any address. */
  get isWildcard(): boolean {
    return this.bytes.every((byte) => byte === 0);
  }

  /** True for an address that names one host: no wildcard, multicast or broadcast address. */
  get isUnicast(): boolean {
    if (this.isWildcard) return false;
    if (this.family === 6) return this.bytes[0] !== 0xff;
    return this.bytes[0] < 224;
  }

  /** True if the first `length` bits of both addresses agree. */
  sharesPrefix(other: IpAddress, length: number): boolean {
    if (this.family !== other.family) return false;
    const whole = length >> 3;
    for (let i = 0; i < whole; i++) if (this.bytes[i] !== other.bytes[i]) return false;
    const rest = length & 7;
    if (rest === 0) return true;
    const mask = (0xff00 >> rest) & 0xff;
    return ((this.bytes[whole] ^ other.bytes[whole]) & mask) === 0;
  }

  toString(): string {
    return this.text;
  }
}

/** By text. */
const addresses = new Interner<IpAddress>(1024);

/** A leading zero is refused: some read such a number as octal (RFC 6943, section 3.1.1). */
function parseV4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  const isNumber = (part: string) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255;
  return parts.length === 4 && parts.every(isNumber) ? Uint8Array.from(parts, Number) : undefined;
}

function parseV6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1], true) : [];
  if (!head || !tail) return undefined;
  const total = head.length + tail.length;
  if (halves.length === 1 ? total !== 16 : total > 14) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head, 0);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** The bytes of colon-separated groups; the last may be a dotted quad where it ends the address. */
function parseGroups(text: string, endsAddress: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    const quad = endsAddress && index === groups.length - 1 ? parseV4(group) : undefined;
    if (quad) {
      bytes.push(...quad);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else {
      return undefined;
    }
  }
  return bytes;
}

function formatV6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1]);
  let [start, length] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > length) [start, length] = [i, run];
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}
