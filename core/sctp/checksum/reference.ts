/** For tests: a checksum to compare with, and vectors to check both against. */

/** The checksum bit by bit, straight from the definition; slow and shared with no other code. */
export function crc32cBitwise(bytes: Uint8Array): number {
  let register = 0xffffffff;
  for (const byte of bytes) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      register = register & 1 ? (register >>> 1) ^ 0x82f63b78 : register >>> 1;
    }
  }
  return ~register >>> 0;
}

/** Test vectors of RFC 3720, appendix B.4: what was summed up, bytes, checksum. */
export const VECTORS: readonly (readonly [string, Uint8Array, number])[] = [
  ["32 bytes of zeroes", new Uint8Array(32), 0x8a9136aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["32 incrementing bytes", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ["32 decrementing bytes", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ["an iSCSI read command", readCommand(), 0xd9963a56],
];

function readCommand(): Uint8Array {
  const bytes = new Uint8Array(48);
  bytes.set([0x01, 0xc0]);
  bytes.set([0x14], 16);
  bytes.set([0x04], 22);
  bytes.set([0x14, 0, 0, 0, 0x18, 0x28], 27);
  bytes.set([0x02], 40);
  return bytes;
}
