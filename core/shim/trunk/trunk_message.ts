/**
 * How two shims carry many TCP connections by one association, a trunk (Bickhart 2005, section 4.2.5).
 *
 * A server's shim says in the CONNECTED of any connection that it takes trunks. Then the client's sets
 * up one, beside that connection's own association and to the same port: not at a well-known port,
 * which firewalls would have to know, and not by turning that association into one, which has an end of
 * its own. Trunks say so in the handshake by their adaptation code point, and need message interleaving
 * (RFC 8260) and stream reconfiguration (RFC 6525); without one of these the association is given up,
 * and every connection goes on to have one of its own.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+---------------+-------------------------------+
 * |     Type      |   Flags = 0   |   Length with these 4 bytes   |
 * +---------------+---------------+-------------------------------+
 * | OPEN (4): 32 bits, the window in bytes; then the destination's |
 * |   port, the source's port, 16 bits each; then the addresses of |
 * |   both, 128 bits each, one of IPv4 mapped (RFC 4291, 2.5.5.2)  |
 * | CREDIT (5): 32 bits, the stream; 32 bits, bytes                |
 * +---------------------------------------------------------------+
 * ```
 *
 * Stream 0 carries CREDIT alone. Every other stream carries one connection at a time, the same number
 * both ways: bytes of the connection as an association of its own has them, and control messages, known
 * by {@link CONTROL_PPID}, in their order with the bytes. The client's shim opens a stream with OPEN; the
 * server's answers with CONNECTED, or with RESET and the reason. HALF-CLOSE and RESET are the last
 * message of their direction. After RESET, or HALF-CLOSE both ways, each side resets its direction of
 * the stream (RFC 6525), and once both have, the client's shim may use the number again.
 *
 * A shim sends on a stream no more bytes than the other has granted: the window of OPEN for the server's,
 * CREDIT for both. What has come is taken off the association at once and waits in memory of the
 * stream, so a connection that nobody reads stops itself alone. Messages have {@link LONGEST_MESSAGE} bytes
 * at most and windows {@link SMALLEST_WINDOW} at least, granted again when half is read.
 *
 * A server is reached by a stream only where an association of its own would have reached it: the
 * destination must be an address at which the trunk's packets have arrived, the rules are asked for each
 * stream, and the source is believed only if it is an address of the trunk's.
 */
import { isMapped } from "../../rules/network.ts";
import { readU16, readU32, writeU16, writeU32 } from "../../sctp/base/bytes.ts";
import { IpAddress } from "../../sctp/base/address.ts";
import type { SocketAddress } from "../../net/sockaddr.ts";
import {
  type ControlFault,
  type ControlMessage,
  decodeControlMessage,
  withHeader,
} from "../control_message.ts";

/** The stream of CREDIT. */
export const CREDIT_STREAM = 0;

/** Payload protocol identifier of a control message: the letters "SHMC". Not registered with IANA. */
export const CONTROL_PPID = 0x53484d43;

/** Bytes of the longest message that carries bytes of a connection. */
export const LONGEST_MESSAGE = 64 * 1024;

/** Bytes of the smallest window: with half of it granted again, a message always fits in the end. */
export const SMALLEST_WINDOW = 2 * LONGEST_MESSAGE;

/** Bytes that may be granted and not sent yet. */
const MOST_CREDIT = 0x7fff_ffff;

/** The first message of a stream. */
export interface OpenMessage {
  readonly kind: "open";
  /** Bytes that may be sent to the client's shim before it grants more. */
  readonly window: number;
  /** Where the application wants to go. */
  readonly destination: SocketAddress;
  /** The application's own address and port. */
  readonly source: SocketAddress;
}

/** So many bytes more may be sent on a stream. */
export interface CreditMessage {
  readonly kind: "credit";
  readonly stream: number;
  readonly bytes: number;
}

/** One control message of a trunk. */
export type TrunkMessage = OpenMessage | CreditMessage | ControlMessage;

/** Why bytes are not a control message of a trunk. */
export type TrunkFault =
  | ControlFault
  /** A window or credit out of its bounds. */
  | { readonly kind: "bad-window"; readonly bytes: number }
  /** A port 0, or an address that no host has. */
  | { readonly kind: "bad-address" };

const OPEN = 4;
const CREDIT = 5;
const OPEN_LENGTH = 44;
const CREDIT_LENGTH = 12;

/** Bytes of the longest control message of a trunk. */
export const MAX_TRUNK_MESSAGE = OPEN_LENGTH;

/** The bytes of an OPEN. */
export function encodeOpen({ window, destination, source }: Omit<OpenMessage, "kind">): Uint8Array {
  const bytes = withHeader(OPEN, OPEN_LENGTH);
  writeU32(bytes, 4, window);
  writeU16(bytes, 8, destination.port);
  writeU16(bytes, 10, source.port);
  writeAddress(bytes, 12, destination.address);
  writeAddress(bytes, 28, source.address);
  return bytes;
}

const credit = withHeader(CREDIT, CREDIT_LENGTH);

/** The bytes of a CREDIT; good until the next call. */
export function encodeCredit(stream: number, bytes: number): Uint8Array {
  writeU32(credit, 4, stream);
  writeU32(credit, 8, bytes);
  return credit;
}

/** Reads the message that fills the first `length` bytes; total, never throws. */
export function decodeTrunkMessage(bytes: Uint8Array, length: number): TrunkMessage | TrunkFault {
  const message = decodeControlMessage(bytes, 0, length);
  if (message.kind !== "unknown-type") return message;
  switch (message.type) {
    case OPEN:
      return length === OPEN_LENGTH ? decodeOpen(bytes) : { kind: "bad-length", length };
    case CREDIT:
      return length === CREDIT_LENGTH ? decodeCredit(bytes) : { kind: "bad-length", length };
    default:
      return message;
  }
}

function decodeOpen(bytes: Uint8Array): OpenMessage | TrunkFault {
  const window = readU32(bytes, 4);
  if (window < SMALLEST_WINDOW || window > MOST_CREDIT) {
    return { kind: "bad-window", bytes: window };
  }
  const destination = { port: readU16(bytes, 8), address: readAddress(bytes, 12) };
  const source = { port: readU16(bytes, 10), address: readAddress(bytes, 28) };
  const isGood = [destination, source].every(({ port, address }) => port > 0 && address.isUnicast);
  return isGood ? { kind: "open", window, destination, source } : { kind: "bad-address" };
}

function decodeCredit(bytes: Uint8Array): CreditMessage | TrunkFault {
  const count = readU32(bytes, 8);
  if (count === 0 || count > MOST_CREDIT) return { kind: "bad-window", bytes: count };
  return { kind: "credit", stream: readU32(bytes, 4), bytes: count };
}

function writeAddress(target: Uint8Array, at: number, { family, bytes }: IpAddress): void {
  if (family === 4) target[at + 10] = target[at + 11] = 0xff;
  target.set(bytes, at + 16 - bytes.length);
}

function readAddress(source: Uint8Array, at: number): IpAddress {
  const address = IpAddress.fromBytes(6, source, at);
  return isMapped(address) ? IpAddress.fromBytes(4, address.bytes, 12) : address;
}
