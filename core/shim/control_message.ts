/**
 * What two shims tell each other beside the data: messages on a stream of their own.
 *
 * SCTP has no half-closed state (Bickhart 2005, section 3.2), so a TCP half-close is simulated by a
 * control message on a stream that no data uses, as section 4.2.3 there proposes. Streams are not
 * ordered among each other, so HALF-CLOSE says how many bytes of data come before it.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+---------------+-------------------------------+
 * |     Type      |   Flags = 0   |   Length with these 4 bytes   |
 * +---------------+---------------+-------------------------------+
 * | HALF-CLOSE (1): 64 bits, the bytes of data sent on stream 0   |
 * | RESET (2): 32 bits, the reason                                |
 * | CONNECTED (3): nothing; flag 1: a trunk may be set up          |
 * +---------------------------------------------------------------+
 * ```
 *
 * RESET overtakes data, as a TCP RST does, so it travels as the reason of the ABORT (cause 12, RFC
 * 9260, section 3.3.10.12) and not behind the data on the control stream; a receiver takes it in
 * either place. CONNECTED is the first that a server's shim sends, once the server has taken the
 * connection: until then a client's shim keeps its application waiting, so that connect() means what
 * it means over TCP. Its flag says that many connections may share an association: see `trunk/`. Urgent
 * data needs no message: see {@link URGENT_PPID}. Senders set the other flags to 0 and receivers ignore
 * them and messages of unknown type, so that later versions can add both.
 */
import { readU16, readU32, writeU16, writeU32 } from "../sctp/base/bytes.ts";

/**
 * The adaptation code point by which two shims recognise each other (RFC 5061, section 4.2.6): the
 * letters "SHM" and the version of this format. Not registered with IANA.
 */
export const SHIM_ADAPTATION = 0x53484d01;

/** The code point of an association that is to be a trunk: see `trunk/trunk_message.ts`. */
export const TRUNK_ADAPTATION = 0x53484d02;

/** The stream that carries the bytes of the TCP connection, with a shim and with a native peer. */
export const DATA_STREAM = 0;

/**
 * Payload protocol identifier of a message on the data stream whose last byte is TCP's urgent data:
 * the letters "SHMU". Not registered with IANA; every other message has 0. The mark is in the data
 * and not on the control stream, because data could overtake it from there and be past the mark.
 */
export const URGENT_PPID = 0x53484d55;

/** The stream that carries control messages between two shims. */
export const CONTROL_STREAM = 1;

/** Why one end takes the connection down at once. */
export const ResetReason = {
  /** The application reset its connection. */
  Application: 1,
  /** The server's host refused the TCP connection: nobody listens. */
  Refused: 2,
  /** The server could not be reached by TCP for another reason. */
  Unreachable: 3,
  /** The shim is shutting down. */
  Stopping: 4,
  /** The peer shim sent something that this format does not allow. */
  Malformed: 5,
  /** The application's connection went over TCP meanwhile: nobody is behind this one. */
  Superseded: 6,
  /** The shim has no descriptors left: the server may well take the connection over TCP. */
  Busy: 7,
  /** Nothing is reachable over SCTP at the port that a stream of a trunk was opened to. */
  NotServed: 8,
} as const;
export type ResetReason = (typeof ResetReason)[keyof typeof ResetReason];

/** One control message. */
export type ControlMessage =
  /** No data follows after this many bytes on the data stream, counted from the start. */
  | { readonly kind: "half-close"; readonly bytes: number }
  /** The connection is over at once; a reason that is not known here is kept as a number. */
  | { readonly kind: "reset"; readonly reason: number }
  /** The server has taken the connection; whether the shim takes trunks. */
  | { readonly kind: "connected"; readonly takesTrunks: boolean };

/** Why bytes are not a control message. */
export type ControlFault =
  /** Shorter than its header, or its length field disagrees with the message's. */
  | { readonly kind: "bad-length"; readonly length: number }
  /** A count above 2^53 - 1. */
  | { readonly kind: "bad-count" }
  /** A type that a later version may have: to be ignored. */
  | { readonly kind: "unknown-type"; readonly type: number };

/** Bytes of the longest control message. */
export const MAX_CONTROL_MESSAGE = 12;

const HALF_CLOSE = 1;
const RESET = 2;
const CONNECTED = 3;
const HALF_CLOSE_LENGTH = 12;
const RESET_LENGTH = 8;
const CONNECTED_LENGTH = 4;
const TAKES_TRUNKS = 1;

/** The bytes of a control message. */
export function encodeControlMessage(message: ControlMessage): Uint8Array {
  if (message.kind === "reset") {
    const bytes = withHeader(RESET, RESET_LENGTH);
    writeU32(bytes, 4, message.reason);
    return bytes;
  }
  if (message.kind === "connected") {
    return withHeader(CONNECTED, CONNECTED_LENGTH, message.takesTrunks ? TAKES_TRUNKS : 0);
  }
  const bytes = withHeader(HALF_CLOSE, HALF_CLOSE_LENGTH);
  writeU32(bytes, 4, Math.floor(message.bytes / 0x1_0000_0000));
  writeU32(bytes, 8, message.bytes);
  return bytes;
}

/** Reads the message that fills `bytes` from `offset` on for `length` bytes; total, never throws. */
export function decodeControlMessage(
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length - offset,
): ControlMessage | ControlFault {
  if (length < 4 || readU16(bytes, offset + 2) !== length) return { kind: "bad-length", length };
  switch (bytes[offset]) {
    case HALF_CLOSE:
      return length === HALF_CLOSE_LENGTH
        ? decodeHalfClose(bytes, offset)
        : { kind: "bad-length", length };
    case RESET:
      return length === RESET_LENGTH
        ? { kind: "reset", reason: readU32(bytes, offset + 4) }
        : { kind: "bad-length", length };
    case CONNECTED:
      return length === CONNECTED_LENGTH
        ? { kind: "connected", takesTrunks: (bytes[offset + 1] & TAKES_TRUNKS) !== 0 }
        : { kind: "bad-length", length };
    default:
      return { kind: "unknown-type", type: bytes[offset] };
  }
}

/** The reason of a reset in words. */
export function describeResetReason(reason: number): string {
  switch (reason) {
    case ResetReason.Application:
      return "the application reset the connection";
    case ResetReason.Refused:
      return "the server refused the connection";
    case ResetReason.Unreachable:
      return "the server could not be reached";
    case ResetReason.Stopping:
      return "the shim was stopped";
    case ResetReason.Malformed:
      return "a malformed control message arrived";
    case ResetReason.Superseded:
      return "the connection went over TCP meanwhile";
    case ResetReason.Busy:
      return "the shim had no descriptors left";
    case ResetReason.NotServed:
      return "nothing is reachable over SCTP at this port";
    default:
      return `reason ${reason}`;
  }
}

/** A message of which only type, flags and length are set. */
export function withHeader(type: number, length: number, flags = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = type;
  bytes[1] = flags;
  writeU16(bytes, 2, length);
  return bytes;
}

function decodeHalfClose(bytes: Uint8Array, offset: number): ControlMessage | ControlFault {
  const count = readU32(bytes, offset + 4) * 0x1_0000_0000 + readU32(bytes, offset + 8);
  return Number.isSafeInteger(count) ? { kind: "half-close", bytes: count } : { kind: "bad-count" };
}
