/**
 * Requests and answers about TCP sockets (linux/inet_diag.h). Pure; reading is total.
 *
 * "Source" is the socket's own side here, "destination" its peer's.
 */
import type { IpAddress } from "../sctp/base/address.ts";
import { readU16, writeU16 } from "../sctp/base/bytes.ts";
import { AF_INET, AF_INET6, IPPROTO_TCP } from "./constants.ts";
import { AttributeReader, type NetlinkWriter } from "./netlink.ts";
import { AddressCache, readHostU32, type SocketAddress, writeHostU32 } from "./sockaddr.ts";

/** TCP's states by the kernel's numbers (net/tcp_states.h). */
export const TCP_STATES = [
  "UNKNOWN",
  "ESTABLISHED",
  "SYN-SENT",
  "SYN-RECEIVED",
  "FIN-WAIT-1",
  "FIN-WAIT-2",
  "TIME-WAIT",
  "CLOSED",
  "CLOSE-WAIT",
  "LAST-ACK",
  "LISTEN",
  "CLOSING",
  "NEW-SYN-RECEIVED",
] as const;
export type TcpState = typeof TCP_STATES[number];

/** What the kernel's TCP measures (struct tcp_info). */
export interface TcpInfo {
  /** Timeouts in a row for the oldest data. */
  readonly retransmits: number;
  /** Zero-window probes in a row. */
  readonly probes: number;
  readonly backoff: number;
  /** Retransmission timeout and smoothed round-trip time: microseconds. */
  readonly rto: number;
  readonly rtt: number;
  /** Segments sent and not acknowledged, of these taken for lost, and sent again. */
  readonly unacknowledged: number;
  readonly lost: number;
  readonly retransmitted: number;
  /** Milliseconds since data, since an acknowledgement came. */
  readonly lastDataReceived: number;
  readonly lastAckReceived: number;
  /** Congestion window in segments. */
  readonly congestionWindow: number;
  /** Segments ever sent again. */
  readonly totalRetransmissions: number;
  readonly bytesAcknowledged: number;
  readonly bytesReceived: number;
  /** Bytes that wait to be sent for the first time. */
  readonly notSent: number;
}

/** A TCP socket as the kernel tells of it. */
export interface TcpSocketStatus {
  readonly state: TcpState;
  readonly source: SocketAddress;
  /** Port 0 for a listener. */
  readonly destination: SocketAddress;
  /** The interface that the socket is bound to; 0 if to none. */
  readonly interfaceIndex: number;
  readonly uid: number;
  /** As in the link /proc/PID/fd/N of whoever has it open; 0 if nobody has. */
  readonly inode: number;
  /** Names this very socket: never used again. */
  readonly cookie: bigint;
  /** A listener of IPv6 that takes no IPv4 connections. */
  readonly v6Only: boolean;
  /** SO_MARK; 0 without CAP_NET_ADMIN. */
  readonly mark: number;
  /** The cgroup that created it: the inode of its folder; 0 where the kernel does not say. */
  readonly cgroup: bigint;
  /** Not for listeners, nor for sockets that are hardly there any more. */
  readonly info: TcpInfo | undefined;
}

export const SOCK_DIAG_BY_FAMILY = 20;

/** The state bit of LISTEN, and those of all states. */
export const LISTEN_ONLY = 1 << TCP_STATES.indexOf("LISTEN");
export const ALL_STATES = 0xffff_ffff;

const REQUEST_BYTES = 56;
const ANSWER_BYTES = 72;
const NO_COOKIE = 0xffff_ffff;

const INET_DIAG_INFO = 2;
const INET_DIAG_SKV6ONLY = 11;
const INET_DIAG_MARK = 15;
const INET_DIAG_CGROUP_ID = 21;

/** One end's place in struct inet_diag_sockid, and that of the rest. */
const [SOURCE_PORT, DESTINATION_PORT, SOURCE, DESTINATION] = [8, 10, 12, 28];
const [INTERFACE, COOKIE] = [44, 48];

/** What is asked beside that. */
export interface DiagRequestOptions {
  /** Whether {@link TcpInfo} is wanted. */
  readonly info: boolean;
  /** IPPROTO_TCP by default. */
  readonly protocol?: number;
}

/** Appends struct inet_diag_req_v2 for sockets of a family in some states. */
export function writeDiagRequest(
  message: NetlinkWriter,
  family: 4 | 6,
  states: number,
  { info, protocol = IPPROTO_TCP }: DiagRequestOptions,
): number {
  const at = message.reserve(REQUEST_BYTES);
  const { bytes } = message;
  bytes[at] = family === 4 ? AF_INET : AF_INET6;
  bytes[at + 1] = protocol;
  if (info) bytes[at + 2] = 1 << (INET_DIAG_INFO - 1);
  writeHostU32(bytes, at + 4, states);
  writeHostU32(bytes, at + COOKIE, NO_COOKIE);
  writeHostU32(bytes, at + COOKIE + 4, NO_COOKIE);
  return at;
}

/** Says in the request at `at` which socket it is about. */
export function writeDiagConnection(
  bytes: Uint8Array,
  at: number,
  source: SocketAddress,
  destination: SocketAddress,
  interfaceIndex: number,
): void {
  writeU16(bytes, at + SOURCE_PORT, source.port);
  writeU16(bytes, at + DESTINATION_PORT, destination.port);
  bytes.set(source.address.bytes, at + SOURCE);
  bytes.set(destination.address.bytes, at + DESTINATION);
  writeHostU32(bytes, at + INTERFACE, interfaceIndex);
}

/** Offsets in struct inet_diag_msg. */
const [ID_SOURCE_PORT, ID_DESTINATION_PORT, ID_SOURCE, ID_DESTINATION] = [4, 6, 8, 24];
const [ID_INTERFACE, ID_COOKIE, UID, INODE] = [40, 44, 64, 68];

const addresses = new AddressCache(256);
const attributes = new AttributeReader();

/** Reads struct inet_diag_msg and its attributes; `undefined` if it is none. */
export function readDiagAnswer(
  bytes: Uint8Array,
  start: number,
  end: number,
): TcpSocketStatus | undefined {
  if (start + ANSWER_BYTES > Math.min(end, bytes.length)) return undefined;
  const family = bytes[start] === AF_INET ? 4 : bytes[start] === AF_INET6 ? 6 : undefined;
  if (family === undefined) return undefined;
  const interfaceIndex = readHostU32(bytes, start + ID_INTERFACE);
  const name = (address: number, port: number): SocketAddress => ({
    address: addressAt(family, bytes, start + address, interfaceIndex),
    port: readU16(bytes, start + port),
  });
  return {
    state: TCP_STATES[bytes[start + 1]] ?? "UNKNOWN",
    source: name(ID_SOURCE, ID_SOURCE_PORT),
    destination: name(ID_DESTINATION, ID_DESTINATION_PORT),
    interfaceIndex,
    uid: readHostU32(bytes, start + UID),
    inode: readHostU32(bytes, start + INODE),
    cookie: readHostU64(bytes, start + ID_COOKIE),
    ...readAttributes(bytes, start + ANSWER_BYTES, end),
  };
}

/** A link-local address has its socket's interface for a scope. */
function addressAt(
  family: 4 | 6,
  bytes: Uint8Array,
  at: number,
  interfaceIndex: number,
): IpAddress {
  const linkLocal = family === 6 && bytes[at] === 0xfe && (bytes[at + 1] & 0xc0) === 0x80;
  return addresses.at(family, bytes, at, linkLocal ? interfaceIndex : 0);
}

type Attributes = Pick<TcpSocketStatus, "v6Only" | "mark" | "cgroup" | "info">;

function readAttributes(bytes: Uint8Array, start: number, end: number): Attributes {
  let [v6Only, mark, cgroup] = [false, 0, 0n];
  let info: TcpInfo | undefined;
  attributes.reset(bytes, start, end);
  while (attributes.next()) {
    const { type, start: at, length } = attributes;
    if (type === INET_DIAG_INFO) info = readTcpInfo(bytes, at, length);
    else if (type === INET_DIAG_SKV6ONLY && length >= 1) v6Only = bytes[at] !== 0;
    else if (type === INET_DIAG_MARK && length >= 4) mark = readHostU32(bytes, at);
    else if (type === INET_DIAG_CGROUP_ID && length >= 8) cgroup = readHostU64(bytes, at);
  }
  return { v6Only, mark, cgroup, info };
}

/** The structure has grown with the kernel: what is not there yet reads as 0. */
function readTcpInfo(bytes: Uint8Array, start: number, length: number): TcpInfo {
  const u8 = (at: number) => at < length ? bytes[start + at] : 0;
  const u32 = (at: number) => at + 4 <= length ? readHostU32(bytes, start + at) : 0;
  const u64 = (at: number) => u32(at) + u32(at + 4) * 0x1_0000_0000;
  return {
    retransmits: u8(2),
    probes: u8(3),
    backoff: u8(4),
    rto: u32(8),
    unacknowledged: u32(24),
    lost: u32(32),
    retransmitted: u32(36),
    lastDataReceived: u32(52),
    lastAckReceived: u32(56),
    rtt: u32(68),
    congestionWindow: u32(80),
    totalRetransmissions: u32(100),
    bytesAcknowledged: u64(120),
    bytesReceived: u64(128),
    notSent: u32(144),
  };
}

function readHostU64(bytes: Uint8Array, at: number): bigint {
  return BigInt(readHostU32(bytes, at)) | BigInt(readHostU32(bytes, at + 4)) << 32n;
}
