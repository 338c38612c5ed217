/** What is to happen on a virtual clock, ordered by time: a binary heap without an object per entry. */
import { type Instant, NEVER } from "../sctp/base/time.ts";

/** Something that can happen at an instant. */
export interface Occurrence {
  /** Called once for each time that it was scheduled. */
  occur(now: Instant): void;
}

/**
 * A binary heap of occurrences. Two of the same instant come out in the order in which they went in,
 * so a run depends on nothing but its seed.
 */
export class EventHeap {
  #times = new Float64Array(256);
  #orders = new Float64Array(256);
  readonly #events: (Occurrence | undefined)[] = [];
  #size = 0;
  #nextOrder = 0;

  /** Occurrences that wait. */
  get size(): number {
    return this.#size;
  }

  /** When the first one is due; `NEVER` if none waits. */
  get earliest(): Instant {
    return this.#size === 0 ? NEVER : this.#times[0] as Instant;
  }

  /** Adds an occurrence. */
  push(at: Instant, event: Occurrence): void {
    if (this.#size === this.#times.length) this.#grow();
    const hole = this.#siftUp(this.#size++, at);
    this.#times[hole] = at;
    this.#orders[hole] = this.#nextOrder++;
    this.#events[hole] = event;
  }

  /** Takes the first occurrence out, or `undefined` if none waits. */
  pop(): Occurrence | undefined {
    if (this.#size === 0) return undefined;
    const first = this.#events[0];
    const last = --this.#size;
    const hole = this.#siftDown(last);
    this.#move(last, hole);
    this.#events[last] = undefined;
    return first;
  }

  /** Moves a hole from `hole` toward the root until `at` may stand in it. A later equal time stays below. */
  #siftUp(hole: number, at: number): number {
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.#times[parent] <= at) break;
      this.#move(parent, hole);
      hole = parent;
    }
    return hole;
  }

  /** Moves a hole from the root down until entry `last` may stand in it. */
  #siftDown(last: number): number {
    let hole = 0;
    for (let child = 1; child < last; child = 2 * hole + 1) {
      if (child + 1 < last && this.#before(child + 1, child)) child++;
      if (this.#before(last, child)) break;
      this.#move(child, hole);
      hole = child;
    }
    return hole;
  }

  #before(a: number, b: number): boolean {
    const difference = this.#times[a] - this.#times[b];
    return difference < 0 || (difference === 0 && this.#orders[a] < this.#orders[b]);
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from];
    this.#orders[to] = this.#orders[from];
    this.#events[to] = this.#events[from];
  }

  #grow(): void {
    const times = new Float64Array(2 * this.#times.length);
    times.set(this.#times);
    this.#times = times;
    const orders = new Float64Array(times.length);
    orders.set(this.#orders);
    this.#orders = orders;
  }
}
