/** The first packet of a TCP connection: who wants to connect to whom. Pure and total. */
import { IpAddress } from "../sctp/base/address.ts";
import { readU16, readU32 } from "../sctp/base/bytes.ts";
import { IPPROTO_TCP } from "./constants.ts";
import { scopeOf, type SocketAddress } from "./sockaddr.ts";

/** What a SYN says. */
export interface TcpSyn {
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
  /** Initial sequence number, 0 .. 2^32 - 1. */
  readonly sequenceNumber: number;
  /** Segments are to be signed with keys that only the two ends have (RFC 2385, RFC 5925). */
  readonly signed: boolean;
}

/** Why a packet is no {@link TcpSyn}. */
export type SynFault = "not-ip" | "truncated" | "fragment" | "not-tcp" | "not-syn";

const TCP_HEADER_BYTES = 20;
const DATA_OFFSET = 12;
const FLAGS = 13;
const [FIN, SYN, RST, ACK] = [0x01, 0x02, 0x04, 0x10];

/** Kinds of TCP options. */
const END_OF_OPTIONS = 0;
const NO_OPERATION = 1;
const MD5_SIGNATURE = 19;
const AUTHENTICATION = 29;

/** IPv6 extension headers that may stand before TCP (RFC 8200, section 4.1). */
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION_OPTIONS = 60;

/**
 * Reads a packet that starts with its IP header.
 * @param length bytes of the packet that are there; its end may be missing.
 * @param interfaceIndex the link that it is for, which is the scope of link-local addresses.
 */
export function parseSyn(
  bytes: Uint8Array,
  offset: number,
  length: number,
  interfaceIndex = 0,
): TcpSyn | SynFault {
  const end = Math.min(offset + length, bytes.length);
  if (offset >= end) return "truncated";
  const version = bytes[offset] >> 4;
  if (version === 4) return parseV4(bytes, offset, end);
  return version === 6 ? parseV6(bytes, offset, end, interfaceIndex) : "not-ip";
}

/** RFC 791, section 3.1. */
function parseV4(bytes: Uint8Array, offset: number, end: number): TcpSyn | SynFault {
  const headerLength = (bytes[offset] & 15) * 4;
  if (headerLength < 20) return "not-ip";
  if (offset + headerLength > end) return "truncated";
  if (readU16(bytes, offset + 6) & 0x1fff) return "fragment";
  if (bytes[offset + 9] !== IPPROTO_TCP) return "not-tcp";
  const address = (at: number) => IpAddress.fromBytes(4, bytes, offset + at);
  return parseTcp(bytes, offset + headerLength, end, () => [address(12), address(16)]);
}

/** RFC 8200, section 3. Each extension header is at least eight bytes long, so the walk ends. */
function parseV6(
  bytes: Uint8Array,
  offset: number,
  end: number,
  interfaceIndex: number,
): TcpSyn | SynFault {
  let [next, at] = [bytes[offset + 6], offset + 40];
  while (next === HOP_BY_HOP || next === ROUTING || next === DESTINATION_OPTIONS) {
    if (at + 8 > end) return "truncated";
    next = bytes[at];
    at += (bytes[at + 1] + 1) * 8;
  }
  if (at > end) return "truncated";
  if (next === FRAGMENT) return "fragment";
  if (next !== IPPROTO_TCP) return "not-tcp";
  const address = (from: number) =>
    IpAddress.fromBytes(6, bytes, from, scopeOf(bytes, from, interfaceIndex));
  return parseTcp(bytes, at, end, () => [address(offset + 8), address(offset + 24)]);
}

/** RFC 9293, section 3.1. */
function parseTcp(
  bytes: Uint8Array,
  at: number,
  end: number,
  addresses: () => [source: IpAddress, destination: IpAddress],
): TcpSyn | SynFault {
  if (at + TCP_HEADER_BYTES > end) return "truncated";
  if ((bytes[at + FLAGS] & (FIN | SYN | RST | ACK)) !== SYN) return "not-syn";
  const [source, destination] = addresses();
  return {
    source: { address: source, port: readU16(bytes, at) },
    destination: { address: destination, port: readU16(bytes, at + 2) },
    sequenceNumber: readU32(bytes, at + 4),
    signed: isSigned(bytes, at, end),
  };
}

/** Looks for an option that signs the segment. Each step takes a byte at least, so the walk ends. */
function isSigned(bytes: Uint8Array, header: number, end: number): boolean {
  const optionsEnd = Math.min(end, header + (bytes[header + DATA_OFFSET] >> 4) * 4);
  let at = header + TCP_HEADER_BYTES;
  while (at < optionsEnd && bytes[at] !== END_OF_OPTIONS) {
    const kind = bytes[at];
    if (kind === MD5_SIGNATURE || kind === AUTHENTICATION) return true;
    const length = kind === NO_OPERATION ? 1 : at + 1 < optionsEnd ? bytes[at + 1] : 0;
    if (length === 0) return false;
    at += length;
  }
  return false;
}
