/** How much later than they should packets left the emulator: the price of its host's scheduling. */

/** Buckets of powers of two microseconds. */
const BUCKETS = 32;

/** In microseconds. */
export interface LatenessReport {
  readonly mean: number;
  /** That of 99 in 100 packets is below. */
  readonly p99: number;
  readonly most: number;
}

export class Lateness {
  readonly #buckets = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #most = 0;

  /** @param milliseconds after the time at which it was due. */
  note(milliseconds: number): void {
    const microseconds = Math.max(0, milliseconds * 1000);
    this.#count++;
    this.#sum += microseconds;
    if (microseconds > this.#most) this.#most = microseconds;
    this.#buckets[Math.min(BUCKETS - 1, Math.ceil(Math.log2(microseconds + 1)))]++;
  }

  report(): LatenessReport {
    const mean = this.#count === 0 ? 0 : this.#sum / this.#count;
    return { mean, p99: Math.min(this.#most, this.#bound(0.99)), most: this.#most };
  }

  /** Upper bound of the bucket up to which a share of the packets is. */
  #bound(share: number): number {
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#buckets[bucket];
      if (seen >= share * this.#count) return 2 ** bucket - 1;
    }
    return Infinity;
  }
}
