/**
 * SipHash-2-4 with 128-bit output (Aumasson and Bernstein, 2012), on pairs of 32-bit words.
 *
 * For simulations only: it lets a virtual host authenticate its state cookies without a crypto library
 * and the same way in each run. Production uses HMAC-SHA256.
 */

/** The state: v0 .. v3 as low and high words. One hash at a time runs, so one state is enough. */
const v = new Int32Array(8);

/** v[a] += v[b], as 64 bits. */
function add(a: number, b: number): void {
  const low = (v[a] >>> 0) + (v[b] >>> 0);
  v[a + 1] = v[a + 1] + v[b + 1] + (low > 0xffff_ffff ? 1 : 0);
  v[a] = low;
}

/** v[a] = rotate(v[a], bits) ^ v[b], for 0 < bits < 32. */
function rotateXor(a: number, bits: number, b: number): void {
  const low = v[a];
  const high = v[a + 1];
  v[a] = ((low << bits) | (high >>> (32 - bits))) ^ v[b];
  v[a + 1] = ((high << bits) | (low >>> (32 - bits))) ^ v[b + 1];
}

/** Rotates v[a] by 32 bits. */
function swap(a: number): void {
  const low = v[a];
  v[a] = v[a + 1];
  v[a + 1] = low;
}

const [V0, V1, V2, V3] = [0, 2, 4, 6];

function round(): void {
  add(V0, V1);
  rotateXor(V1, 13, V0);
  swap(V0);
  add(V2, V3);
  rotateXor(V3, 16, V2);
  add(V0, V3);
  rotateXor(V3, 21, V0);
  add(V2, V1);
  rotateXor(V1, 17, V2);
  swap(V2);
}

function absorb(low: number, high: number): void {
  v[V3] ^= low;
  v[V3 + 1] ^= high;
  round();
  round();
  v[V0] ^= low;
  v[V0 + 1] ^= high;
}

/** Four bytes at `offset`, least significant first; bytes past the end count as 0. */
function wordAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16) |
    (bytes[offset + 3] << 24);
}

function start(key: Uint8Array): void {
  const [k0, k1, k2, k3] = [0, 4, 8, 12].map((offset) => wordAt(key, offset));
  v.set([
    k0 ^ 0x70736575,
    k1 ^ 0x736f6d65,
    k2 ^ 0x6e646f6d,
    k3 ^ 0x646f7261,
    k0 ^ 0x6e657261,
    k1 ^ 0x6c796765,
    k2 ^ 0x79746573,
    k3 ^ 0x74656462,
  ]);
  v[V1] ^= 0xee;
}

function squeeze(target: Uint8Array, offset: number): void {
  for (let i = 0; i < 4; i++) round();
  for (let half = 0; half < 2; half++) {
    const word = v[V0 + half] ^ v[V1 + half] ^ v[V2 + half] ^ v[V3 + half];
    for (let i = 0; i < 4; i++) target[offset + 4 * half + i] = word >>> (8 * i);
  }
}

/**
 * The 16-byte SipHash-2-4 of `data`.
 * @throws RangeError if the key has not 16 bytes.
 */
export function sipHash128(key: Uint8Array, data: Uint8Array): Uint8Array {
  if (key.length !== 16) throw new RangeError(`a SipHash key has 16 bytes, not ${key.length}`);
  start(key);
  const tail = data.length & ~7;
  for (let at = 0; at < tail; at += 8) absorb(wordAt(data, at), wordAt(data, at + 4));
  absorb(wordAt(data, tail), (wordAt(data, tail + 4) & 0xff_ffff) | (data.length << 24));
  const digest = new Uint8Array(16);
  v[V2] ^= 0xee;
  squeeze(digest, 0);
  v[V1] ^= 0xdd;
  squeeze(digest, 8);
  return digest;
}
