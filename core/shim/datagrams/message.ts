/**
 * What two shims tell each other on an association that carries the datagrams of UDP applications
 * (Bickhart 2005, section 4.2.4): one SCTP message each, unordered, on stream 0.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+---------------+-------------------------------+
 * |     Type      |     Flags     |            Flow               |
 * +---------------+---------------+-------------------------------+
 * | OPEN (1): source port, destination port, source address,      |
 * |           destination address, then a datagram if flag 2 says |
 * | ACCEPT (2): nothing                                           |
 * | REFUSE (3): 32 bits, the reason                               |
 * | CLOSE (4): nothing                                            |
 * | DATAGRAM (5): the datagram, which may be empty                |
 * +---------------------------------------------------------------+
 * ```
 *
 * A flow is what passes between one address and port of one host and one of the other. The host whose
 * application sent first opens it and gives it a number; flag 1 of CLOSE and DATAGRAM says that the number
 * is one of the receiver's. In OPEN flag 1 says that datagrams of the flow have gone by plain UDP before,
 * flag 4 that the addresses are of IPv6; in ACCEPT flag 1 that the server's host knows the flow by another
 * address than OPEN had. The datagram of an OPEN arrives with it, so nothing waits for ACCEPT; until that comes every
 * datagram is in an OPEN of its own. SCTP has no empty messages (RFC 9260, section 3.3.1), UDP has: the
 * header is there in any case.
 *
 * OPEN without a datagram, ACCEPT, REFUSE and CLOSE are reliable. Senders set other flags to 0; receivers
 * ignore those and messages of unknown type, so that later versions can add both.
 */
import type { IpAddress } from "../../sctp/base/address.ts";
import { IpAddress as Address } from "../../sctp/base/address.ts";
import { readU16, readU32, writeU16, writeU32 } from "../../sctp/base/bytes.ts";

/** The SCTP port of such associations: "SH" as a number. Not registered with IANA. */
export const DATAGRAM_PORT = 0x5348;

/**
 * The adaptation code point by which the two ends know that they are for this (RFC 5061, section
 * 4.2.6): the letters "SHD" and the version of this format. Not registered with IANA.
 */
export const DATAGRAM_ADAPTATION = 0x5348_4401;

export const MessageType = { Open: 1, Accept: 2, Refuse: 3, Close: 4, Datagram: 5 } as const;
export type MessageType = typeof MessageType[keyof typeof MessageType];

/** OPEN: datagrams of the flow went by plain UDP before. */
export const FLAG_BEGUN = 1;
/** OPEN: a datagram follows. */
export const FLAG_WITH_DATAGRAM = 2;
/** OPEN: the addresses are of IPv6. */
export const FLAG_V6 = 4;
/** CLOSE, DATAGRAM: the flow was opened by the receiver of this message. */
export const FLAG_YOURS = 1;
/** ACCEPT: the server sees another source address than the application's. */
export const FLAG_TRANSLATED = 1;

/** Why a flow is refused: its datagrams go by plain UDP then. */
export const RefuseReason = {
  /** The rules of the server's host do not enable it. */
  NotEnabled: 1,
  /** No socket is bound there. */
  NoServer: 2,
  /** The server would see another address than that of the datagrams before. */
  Translated: 3,
  /** There are too many flows. */
  Busy: 4,
  /** A datagram came of a flow that is not known, or not any more. */
  UnknownFlow: 5,
  /** The source address is one that the peer has named, and not proved yet. */
  NotProved: 6,
} as const;
export type RefuseReason = typeof RefuseReason[keyof typeof RefuseReason];

/** A reason in words. */
export function describeRefusal(reason: number): string {
  switch (reason) {
    case RefuseReason.NotEnabled:
      return "the server's host does not enable it";
    case RefuseReason.NoServer:
      return "no socket is bound at the server's host";
    case RefuseReason.Translated:
      return "the server would see it come from another address than before";
    case RefuseReason.Busy:
      return "the server's host has too many flows";
    case RefuseReason.UnknownFlow:
      return "the server's host does not know it any more";
    case RefuseReason.NotProved:
      return "the server's host has not reached the address that it comes from yet";
    default:
      return `reason ${reason}`;
  }
}

export const HEADER_BYTES = 4;
const REFUSE_BYTES = 8;

/** Bytes in front of an OPEN's datagram: fewer than those of the IP and UDP headers that it had. */
export function openHeaderBytes(family: 4 | 6): number {
  return family === 4 ? 16 : 40;
}

/** The longest message: an OPEN with the longest datagram. */
export const LONGEST_MESSAGE = openHeaderBytes(6) + 0xffff;

/** Both ends of a flow, as the application's datagrams have them. */
export interface FlowEnds {
  readonly source: IpAddress;
  readonly sourcePort: number;
  readonly destination: IpAddress;
  readonly destinationPort: number;
}

/** Writes an OPEN up to its datagram; {@link openHeaderBytes} tells how long that is. */
export function writeOpen(
  target: Uint8Array,
  at: number,
  flow: number,
  flags: number,
  { source, sourcePort, destination, destinationPort }: FlowEnds,
): void {
  const { length } = source.bytes;
  writeHeader(target, at, MessageType.Open, flags | (source.family === 6 ? FLAG_V6 : 0), flow);
  writeU16(target, at + 4, sourcePort);
  writeU16(target, at + 6, destinationPort);
  for (let i = 0; i < length; i++) {
    target[at + 8 + i] = source.bytes[i];
    target[at + 8 + length + i] = destination.bytes[i];
  }
}

/** Writes the four bytes that every message begins with. */
export function writeHeader(
  target: Uint8Array,
  at: number,
  type: MessageType,
  flags: number,
  flow: number,
): void {
  target[at] = type;
  target[at + 1] = flags;
  writeU16(target, at + 2, flow);
}

/** A message that is a header alone. */
export function encodeHeader(type: MessageType, flags: number, flow: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  writeHeader(bytes, 0, type, flags, flow);
  return bytes;
}

/** A REFUSE. */
export function encodeRefuse(flow: number, reason: RefuseReason): Uint8Array {
  const bytes = new Uint8Array(REFUSE_BYTES);
  writeHeader(bytes, 0, MessageType.Refuse, 0, flow);
  writeU32(bytes, 4, reason);
  return bytes;
}

const NONE = Address.parse("0.0.0.0");

/** A message that was received. Reused: {@link read} overwrites it. */
export class ReceivedMessage implements FlowEnds {
  type: number = 0;
  flags = 0;
  flow = 0;
  /** OPEN: both ends. */
  source: IpAddress = NONE;
  sourcePort = 0;
  destination: IpAddress = NONE;
  destinationPort = 0;
  /** REFUSE: a {@link RefuseReason}, or one of a later version. */
  reason = 0;
  /** OPEN and DATAGRAM: where the datagram starts, and its bytes. */
  offset = 0;
  length = 0;

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /**
   * Reads the message that `length` bytes from the start of `bytes` are. Total.
   * @returns false if they are none: too short for what their type says.
   */
  read(bytes: Uint8Array, length: number): boolean {
    if (length < HEADER_BYTES || length > bytes.length) return false;
    this.type = bytes[0];
    this.flags = bytes[1];
    this.flow = readU16(bytes, 2);
    this.offset = HEADER_BYTES;
    this.length = length - HEADER_BYTES;
    if (this.type === MessageType.Refuse) {
      this.reason = readU32(bytes, 4);
      return length >= REFUSE_BYTES;
    }
    return this.type !== MessageType.Open || this.#readOpen(bytes, length);
  }

  #readOpen(bytes: Uint8Array, length: number): boolean {
    const family = this.has(FLAG_V6) ? 6 : 4;
    const header = openHeaderBytes(family);
    if (length < header) return false;
    this.sourcePort = readU16(bytes, 4);
    this.destinationPort = readU16(bytes, 6);
    this.source = Address.fromBytes(family, bytes, 8);
    this.destination = Address.fromBytes(family, bytes, 8 + this.source.bytes.length);
    this.offset = header;
    this.length = length - header;
    return this.sourcePort !== 0 && this.destinationPort !== 0;
  }
}
