/**
 * A set of TSNs as sorted, isolated ranges: what Gap Ack Blocks describe, on either side.
 *
 * Membership tests are binary searches; adding next to the last range, the common case, is constant
 * time. The number of ranges is bounded by the caller through {@link TsnRanges.count}.
 */
import { type Tsn, tsn, tsnAdd, tsnDistance, tsnLess, tsnLessOrEqual } from "./serial.ts";

/** Ranges that fit at first. */
const SMALLEST = 16;

/** Stands for the arrays of every set that never had a range. */
const NONE = new Uint32Array(0);

export class TsnRanges {
  #first = NONE;
  #last = NONE;
  #count = 0;

  /** Number of ranges. */
  get count(): number {
    return this.#count;
  }

  /** Lowest TSN of range `index`. */
  firstOf(index: number): Tsn {
    return tsn(this.#first[index]);
  }

  /** Highest TSN of range `index`. */
  lastOf(index: number): Tsn {
    return tsn(this.#last[index]);
  }

  /** Forgets everything. */
  clear(): void {
    this.#count = 0;
  }

  /** Index of the range that holds `value`, or -1. */
  find(value: Tsn): number {
    const index = this.#lastStartingAtOrBefore(value);
    return index >= 0 && tsnLessOrEqual(value, this.lastOf(index)) ? index : -1;
  }

  /** True if `value` is in the set. */
  has(value: Tsn): boolean {
    return this.find(value) >= 0;
  }

  /** Adds one TSN; returns false if it was there already. */
  add(value: Tsn): boolean {
    const before = this.#lastStartingAtOrBefore(value);
    if (before >= 0 && tsnLessOrEqual(value, this.lastOf(before))) return false;
    const joinsBefore = before >= 0 && tsnDistance(this.lastOf(before), value) === 1;
    const next = before + 1;
    const joinsNext = next < this.#count && tsnDistance(value, this.firstOf(next)) === 1;
    if (joinsBefore && joinsNext) {
      this.#last[before] = this.#last[next];
      this.#removeAt(next);
    } else if (joinsBefore) {
      this.#last[before] = value;
    } else if (joinsNext) {
      this.#first[next] = value;
    } else {
      this.#insertAt(next, value, value);
    }
    return true;
  }

  /** Appends a range that lies wholly behind, and not next to, all others. */
  append(first: Tsn, last: Tsn): void {
    this.#insertAt(this.#count, first, last);
  }

  /** Appends a range that does not start before the last one: the two become one where they meet. */
  extend(first: Tsn, last: Tsn): void {
    const tail = this.#count - 1;
    if (tail < 0 || tsnDistance(this.lastOf(tail), first) > 1) this.append(first, last);
    else if (tsnLess(this.lastOf(tail), last)) this.#last[tail] = last;
  }

  /** Removes every TSN up to and including `limit`. */
  removeUpTo(limit: Tsn): void {
    let drop = 0;
    while (drop < this.#count && tsnLessOrEqual(this.lastOf(drop), limit)) drop++;
    if (drop > 0) {
      this.#first.copyWithin(0, drop, this.#count);
      this.#last.copyWithin(0, drop, this.#count);
      this.#count -= drop;
    }
    if (this.#count > 0 && tsnLessOrEqual(this.firstOf(0), limit)) {
      this.#first[0] = tsnAdd(limit, 1);
    }
  }

  #lastStartingAtOrBefore(value: Tsn): number {
    const tail = this.#count - 1;
    if (tail < 0 || !tsnLess(value, this.firstOf(tail))) return tail;
    let low = 0;
    let high = tail;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (tsnLess(value, this.firstOf(middle))) high = middle;
      else low = middle + 1;
    }
    return low - 1;
  }

  #insertAt(index: number, first: Tsn, last: Tsn): void {
    if (this.#count === this.#first.length) this.#grow();
    this.#first.copyWithin(index + 1, index, this.#count);
    this.#last.copyWithin(index + 1, index, this.#count);
    this.#first[index] = first;
    this.#last[index] = last;
    this.#count++;
  }

  #removeAt(index: number): void {
    this.#first.copyWithin(index, index + 1, this.#count);
    this.#last.copyWithin(index, index + 1, this.#count);
    this.#count--;
  }

  #grow(): void {
    const length = Math.max(SMALLEST, 2 * this.#first.length);
    const first = new Uint32Array(length);
    const last = new Uint32Array(length);
    first.set(this.#first);
    last.set(this.#last);
    this.#first = first;
    this.#last = last;
  }
}
