/** The system's random source, fit for tags, TSNs and secrets. */
import type { RandomSource } from "../sctp/base/random.ts";

/** The most bytes that one call of `crypto.getRandomValues` gives. */
const LONGEST_FILL = 65536;

/** Random numbers of the operating system, fetched a few hundred at a time. */
export class SystemRandom implements RandomSource {
  readonly #store = new Uint32Array(256);
  #next = 256;

  uint32(): number {
    if (this.#next === this.#store.length) {
      crypto.getRandomValues(this.#store);
      this.#next = 0;
    }
    const value = this.#store[this.#next];
    // A number that has been given out may be a secret: it does not stay behind.
    this.#store[this.#next++] = 0;
    return value;
  }

  fill(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length; start += LONGEST_FILL) {
      const part = bytes.subarray(start, start + LONGEST_FILL);
      crypto.getRandomValues(part as Uint8Array<ArrayBuffer>);
    }
  }
}
