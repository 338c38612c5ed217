/** Message bytes that follow from a seed: made on one side, checked on the other, never stored. */

/** A stream of pseudo-random bytes (xorshift32) that can be written or compared piece by piece. */
export class Content {
  #state = 0;
  /** The word under way, and how many of its bytes are yet to come. */
  #word = 0;
  #left = 0;

  /** Starts the content of one message. */
  start(seed: number, stream: number, sequence: number): void {
    let mix = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35);
    mix = Math.imul(mix ^ (mix >>> 15) ^ sequence, 0x27d4eb2f);
    this.#state = mix ^ (mix >>> 13) || 1;
    this.#left = 0;
  }

  /** Writes the next `length` bytes. */
  write(target: Uint8Array, offset: number, length: number): void {
    for (let i = offset; i < offset + length; i++) target[i] = this.#next();
  }

  /** Compares the next `length` bytes; returns the position of the first wrong one, or -1. */
  compare(source: Uint8Array, offset: number, length: number): number {
    let wrong = -1;
    for (let i = 0; i < length; i++) {
      if (source[offset + i] !== this.#next() && wrong < 0) wrong = i;
    }
    return wrong;
  }

  #next(): number {
    if (this.#left === 0) {
      let x = this.#state;
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      this.#state = x;
      this.#word = x;
      this.#left = 4;
    }
    this.#left--;
    const byte = this.#word & 0xff;
    this.#word >>>= 8;
    return byte;
  }
}
