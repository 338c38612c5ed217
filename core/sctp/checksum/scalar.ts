/** CRC32c in plain JavaScript, by slicing: sixteen table look-ups for sixteen bytes at a time. */
import type { Crc32c } from "../packet.ts";
import { SLICES } from "./polynomial.ts";

const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15] = SLICES;

/**
 * CRC32c of `length` bytes from `offset`, as 0 .. 2^32 - 1 (RFC 9260, appendix A).
 *
 * The loop advances sixteen bytes: each contributes the remainder of itself followed by the bytes
 * that are left of the sixteen, and the register joins the first four.
 */
export const crc32cScalar: Crc32c = (bytes, offset, length) => {
  const end = offset + length;
  let register = -1;
  let i = offset;
  for (; i + 16 <= end; i += 16) {
    register = T15[(register ^ bytes[i]) & 0xff] ^
      T14[((register >>> 8) ^ bytes[i + 1]) & 0xff] ^
      T13[((register >>> 16) ^ bytes[i + 2]) & 0xff] ^
      T12[(register >>> 24) ^ bytes[i + 3]] ^
      T11[bytes[i + 4]] ^ T10[bytes[i + 5]] ^ T9[bytes[i + 6]] ^ T8[bytes[i + 7]] ^
      T7[bytes[i + 8]] ^ T6[bytes[i + 9]] ^ T5[bytes[i + 10]] ^ T4[bytes[i + 11]] ^
      T3[bytes[i + 12]] ^ T2[bytes[i + 13]] ^ T1[bytes[i + 14]] ^ T0[bytes[i + 15]];
  }
  for (; i < end; i++) register = (register >>> 8) ^ T0[(register ^ bytes[i]) & 0xff];
  return ~register >>> 0;
};
