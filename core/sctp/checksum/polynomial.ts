/**
 * The arithmetic behind CRC32c (RFC 9260, appendix A): remainders modulo the Castagnoli polynomial
 * in the reflected form, in which the lowest bit of a byte is its highest coefficient.
 */

/** The polynomial 0x11EDC6F41 without its highest term, bits reflected. */
const POLYNOMIAL = 0x82f63b78;

/**
 * Tables for slicing: entry `b` of table `k` is the remainder of byte `b` followed by `k` zero
 * bytes. Built when the module loads.
 */
export const SLICES: readonly Int32Array[] = buildSlices(16);

function buildSlices(count: number): Int32Array[] {
  const first = Int32Array.from({ length: 256 }, (_, byte) => byteRemainder(byte));
  const slices = [first];
  while (slices.length < count) {
    const previous = slices[slices.length - 1];
    slices.push(previous.map((remainder) => shiftIn(first, remainder, 0)));
  }
  return slices;
}

function byteRemainder(byte: number): number {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  }
  return remainder;
}

/** The remainder after one more byte. */
function shiftIn(first: Int32Array, remainder: number, byte: number): number {
  return (remainder >>> 8) ^ first[(remainder ^ byte) & 0xff];
}

/**
 * Remainder of a byte that `zeros` zero bytes follow, as a signed 32-bit number. Linear: the
 * remainder of `a ^ b` is the remainder of `a` xor that of `b`.
 */
export function remainderOf(byte: number, zeros: number): number {
  let remainder = shiftIn(SLICES[0], 0, byte);
  for (let i = 0; i < zeros; i++) remainder = shiftIn(SLICES[0], remainder, 0);
  return remainder;
}
