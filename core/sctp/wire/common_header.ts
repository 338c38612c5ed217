/**
 * The SCTP common header (RFC 9260, section 3.1), read and written in place.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |      Source Port Number       |    Destination Port Number    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Verification Tag                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                           Checksum                            |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { readU16, readU32, writeU16, writeU32 } from "../base/bytes.ts";
import type { Crc32c } from "../packet.ts";

/** Bytes of the common header. */
export const COMMON_HEADER_LENGTH = 12;

const CHECKSUM = 8;

/** Source port of the packet at `offset`. */
export function sourcePort(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset);
}

/** Destination port of the packet at `offset`. */
export function destinationPort(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset + 2);
}

/** Verification Tag of the packet at `offset`. */
export function verificationTag(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset + 4);
}

/** Writes a common header with a checksum of zero; {@link sealChecksum} fills that in. */
export function putCommonHeader(
  bytes: Uint8Array,
  offset: number,
  source: number,
  destination: number,
  tag: number,
): void {
  writeU16(bytes, offset, source);
  writeU16(bytes, offset + 2, destination);
  writeU32(bytes, offset + 4, tag);
  writeU32(bytes, offset + CHECKSUM, 0);
}

/** Computes the checksum of a finished packet and writes it into its header (section 6.8). */
export function sealChecksum(
  crc32c: Crc32c,
  bytes: Uint8Array,
  offset: number,
  length: number,
): void {
  writeU32(bytes, offset + CHECKSUM, 0);
  putChecksum(bytes, offset, crc32c(bytes, offset, length));
}

/**
 * True if a received packet carries the right checksum (section 6.8). The field is zeroed for the
 * computation and put back, so the buffer ends as it was. Less than a common header is never right.
 */
export function checksumIsRight(
  crc32c: Crc32c,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  if (length < COMMON_HEADER_LENGTH) return false;
  const received = readChecksum(bytes, offset);
  writeU32(bytes, offset + CHECKSUM, 0);
  const computed = crc32c(bytes, offset, length) >>> 0;
  putChecksum(bytes, offset, received);
  return computed === received;
}

/** True if the checksum is zero: that of one packet in 2^32, and of those that have none (RFC 9653). */
export function checksumIsZero(bytes: Uint8Array, offset: number): boolean {
  return readU32(bytes, offset + CHECKSUM) === 0;
}

/**
 * The checksum is the one field that is not in network order: the CRC's polynomial is mapped to
 * bytes lowest coefficient byte last (RFC 9260, appendix A), which for the usual reflected
 * register means its least significant byte goes first.
 */
function putChecksum(bytes: Uint8Array, offset: number, crc: number): void {
  bytes[offset + CHECKSUM] = crc;
  bytes[offset + CHECKSUM + 1] = crc >>> 8;
  bytes[offset + CHECKSUM + 2] = crc >>> 16;
  bytes[offset + CHECKSUM + 3] = crc >>> 24;
}

function readChecksum(bytes: Uint8Array, offset: number): number {
  const at = offset + CHECKSUM;
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** The header in words, for a packet of at least {@link COMMON_HEADER_LENGTH} bytes. */
export function describeCommonHeader(bytes: Uint8Array, offset: number): string {
  const tag = verificationTag(bytes, offset).toString(16).padStart(8, "0");
  return `${sourcePort(bytes, offset)} > ${destinationPort(bytes, offset)} tag 0x${tag}`;
}
