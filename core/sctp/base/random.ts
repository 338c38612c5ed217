/** Randomness, passed in: a test replays a run by its seed, the daemon uses the system's source. */
export interface RandomSource {
  /** 32 random bits, as 0 .. 2^32 - 1. */
  uint32(): number;
  /** Fills the array with random bytes. */
  fill(bytes: Uint8Array): void;
}

/** Uniform in [0, 1). */
export function uniform(random: RandomSource): number {
  return random.uint32() / 0x1_0000_0000;
}

/**
 * A small seeded generator (xorshift128, Marsaglia 2003) for simulations and tests.
 * Predictable by design: never use it where an attacker may guess tags or cookies.
 */
export class SeededRandom implements RandomSource {
  readonly #state = new Uint32Array(4);

  /** @param seed any number; its low 32 bits select the sequence. */
  constructor(seed: number) {
    let mix = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      mix = (mix + 0x9e3779b9) >>> 0;
      let z = mix;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = (z ^ (z >>> 16)) >>> 0 || 1;
    }
  }

  uint32(): number {
    const s = this.#state;
    let t = s[3];
    const first = s[0];
    s[3] = s[2];
    s[2] = s[1];
    s[1] = first;
    t ^= t << 11;
    t ^= t >>> 8;
    s[0] = t ^ first ^ (first >>> 19);
    return s[0];
  }

  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.uint32();
  }
}
