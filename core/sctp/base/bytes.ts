/**
 * Big-endian reads and writes in place: no view object per field, no copy.
 *
 * Callers check the bounds once a chunk; an index outside the array reads as 0 and writes
 * nothing, which is what typed arrays do, so these can never throw.
 */

/** Reads 16 bits in network order. */
export function readU16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 8) | bytes[offset + 1];
}

/** Reads 32 bits in network order, as 0 .. 2^32 - 1. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] << 24) | (bytes[offset + 1] << 16) |
    (bytes[offset + 2] << 8) | bytes[offset + 3]
  ) >>> 0;
}

/** Writes 16 bits in network order. */
export function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

/** Writes 32 bits in network order. */
export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** The next multiple of four: chunks and parameters end on one (RFC 9260, section 3.2). */
export function padded(length: number): number {
  return (length + 3) & ~3;
}
